"""上报 in real Chromium with a camera and a microphone that are made up: everything is done without network, then arrives.

One phone for all tests of this module; each makes a report of its own and knows it by its words.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import Page, Playwright

from sync.couch import Couch
from sync.databases import media_db
from tests.browsers import EVERYTHING, HOLD_BACK, MAIN_SAYS, PHONE, REDRAW, Phone, picture, sign_in, wait_for
from tests.media.photographs import as_bytes, camera_jpeg, scene
from tests.running import RunningSystem, until

pytestmark = pytest.mark.e2e
pillow_heif.register_heif_opener()
TOWNSHIP = "640105002"
HERE = {"latitude": 38.5455, "longitude": 106.159, "accuracy": 8}
DEVICES = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
COUNT_TAPS = "taps = 0; addEventListener('pointerdown', event => { if (event.isTrusted) taps += 1 }, true)"
COUNT_RECORDERS = """() => {
  recorders = 0;
  const { mediaDevices } = navigator;
  const ask = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.getUserMedia = (...given) => { recorders += 1; return ask(...given); };
}"""
# What is offered for ten seconds is offered for as long as the clock stands still.
STOP_CLOCK = "() => { const now = Date.now(); self.runningClock = Date.now; Date.now = () => now; }"
START_CLOCK = "() => { Date.now = self.runningClock; }"
# What the phone asks the service worker for is answered offline, too; only the server is out of reach.
SENDS = ".action .main"


@pytest.fixture(scope="module")
def phone(system: RunningSystem, playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    """A worker's phone, enrolled, then without network."""
    options: dict[str, Any] = {"has_touch": True, "is_mobile": True, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}
    place = {"geolocation": HERE, "permissions": ["geolocation", "microphone"]}
    made = Phone(playwright, tmp_path_factory.mktemp("phone") / "profile", system, DEVICES, viewport=PHONE, **options, **place)
    made.enrol("worker1")
    made.context.set_offline(True)
    yield made
    made.context.close()


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera takes."""
    return camera_jpeg(tmp_path_factory.mktemp("camera") / "photo.jpg", lat=None, lon=None)


# Where the words are on the page, and the button on the screen.
STANDS = """[document.querySelector('#text').getBoundingClientRect().top + scrollY,
  document.querySelector('.action .main').getBoundingClientRect().top]"""


def begin(phone: Phone, text: str = "", category: int = 0, path: str = "/m/report") -> Page:
    """The form with a category and words, and a place from the receiver."""
    phone.open(path)
    phone.page.wait_for_selector("[data-place-state].good")
    phone.page.click(f"#category > .choices label >> nth={category}")
    if text:
        phone.page.fill("#text", text)
    return phone.page


def send(page: Page) -> str:
    """Sends the form; the record's id."""
    page.click(SENDS)
    page.wait_for_selector(".steps")
    return page.url.rpartition("/")[2].partition("?")[0]


def shoot(page: Page, photo: Path, part: str = "photo") -> None:
    """A photo from the gallery, made small."""
    page.set_input_files(f"[data-name={part}] [data-gallery]", photo)
    page.wait_for_selector(f"[data-name={part}] .shot:not(:has(.busy)) img[src]")


def arrive(phone: Phone, system: RunningSystem, record: str) -> dict[str, Any]:
    """With network for as long as it takes: the case of a report."""
    phone.context.set_offline(False)
    desk, case = system.desk(), record.replace("report:", "case:")
    answer: Any = until(lambda: desk.get(f"{system.url}/api/cases/{case}", timeout=10), f"a case of {record}", 60)
    return dict(answer.json())


def desk_page(phone: Phone, playwright: Playwright, case: dict[str, Any]) -> Page:
    """The case's page at the desk."""
    browser = playwright.chromium.launch(
        executable_path="/usr/bin/chromium", args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    )
    page = browser.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN").new_page()
    sign_in(page, phone.system, "triage1")
    page.goto(f"{phone.system.url}/cases/{case['id']}")
    page.wait_for_selector("#moves")
    return page


def test_from_today_a_report_with_a_photo_takes_three_taps(phone: Phone, photo: Path) -> None:
    phone.page.add_init_script(COUNT_TAPS)
    phone.open("/m/")
    with phone.page.expect_file_chooser() as camera:
        phone.page.click("a.button.main[href*=camera]")
    camera.value.set_files(photo)  # the camera's own
    phone.page.wait_for_selector("[data-place-state].good")
    phone.page.click("#category > .choices label >> nth=0")
    send(phone.page)
    assert phone.page.evaluate("taps") == 3
    assert phone.page.locator(".gallery img").count() == 1
    assert "38.54550" in phone.page.inner_text(".facts")
    wait_for(phone.page, MAIN_SAYS, "在本机")


def test_solved_on_the_spot_shows_before_and_after(phone: Phone, photo: Path) -> None:
    page = begin(phone, "楼道纸箱，当场请户主搬走")
    shoot(page, photo)
    assert not page.is_visible("#solved_text")
    page.click("label:has([name=solved])")
    page.click(SENDS)
    page.wait_for_selector("#solved_text-error:not(:empty)")
    shoot(page, photo, "after")
    send(page)
    assert page.locator(".gallery a").count() == 2
    assert page.locator(".gallery .chip.good").count() == 1


def test_an_undo_within_ten_seconds_brings_the_form_back_filled(phone: Phone, photo: Path) -> None:
    page = begin(phone, "写错了类别", category=1)
    shoot(page, photo)
    worker = phone.worker()
    worker.evaluate(STOP_CLOCK)
    record = send(page)
    phone.context.set_geolocation(HERE | {"latitude": 38.9})
    page.click("[data-undo] button")
    page.wait_for_selector("#report-form")
    worker.evaluate(START_CLOCK)
    page.wait_for_selector("[data-place-state].good:has-text('当时记下的')")
    assert page.input_value("[name=lat]") == "38.545500"
    phone.context.set_geolocation(HERE)
    assert not page.is_visible(".says-small")
    page.click("label:has([name=evidence])")
    assert page.is_visible(".says-small"), "the camera's own file was not kept"
    assert page.input_value("#text") == "写错了类别"
    assert page.locator("[data-name=photo] .shot img").count() == 1
    page.click("#category > .choices label >> nth=2")
    again = send(page)
    assert again != record
    page.wait_for_selector("[data-undo]", state="detached")
    phone.open("/m/cases")
    assert page.inner_text("main").count("写错了类别") == 1


def test_a_form_that_was_being_filled_in_outlives_the_browser(phone: Phone, photo: Path) -> None:
    page = begin(phone, "刚打到一半手机没电")
    shoot(page, photo)
    page.wait_for_selector("[data-draft-says]:not(:empty)")
    page.fill("#text", "刚打到一半手机没电了")
    wait_for(page, "fetch('/m/report').then(answer => answer.text()).then(text => text.includes('没电了'))")
    phone.kill()
    phone.context.set_offline(True)
    phone.open("/m/report")
    assert phone.page.input_value("#text") == "", "a new report is not blocked"
    phone.open("/m/")
    phone.page.click("[data-drafts] summary")
    phone.page.click("a[href*='draft=']")
    phone.page.wait_for_selector("[data-name=photo] .shot img")
    assert phone.page.input_value("#text") == "刚打到一半手机没电了"
    assert phone.page.locator("[name=category]:checked").count() == 1
    send(phone.page)
    assert phone.page.locator(".gallery img").count() == 1
    phone.open("/m/")
    assert phone.page.locator("a[href*='draft=']").count() == 0


def test_a_draft_that_finds_no_room_is_not_said_to_be_kept_and_discarding_one_asks_first(phone: Phone) -> None:
    page = begin(phone, "不要的草稿")
    page.wait_for_selector("[data-draft-says][role=status]:has-text('草稿已存本机')")
    page.evaluate("() => { window.fetch = async () => new Response('', {status: 507}); }")
    page.fill("#text", "存不下的话")
    page.wait_for_selector("[data-draft-says][role=alert]:has-text('没有存下来')")
    picture(page, "phone-draft-not-kept-zh-CN", full_page=True)
    page = begin(phone, "也不要了")
    page.wait_for_selector("[data-draft-says][role=status]:has-text('草稿已存本机')")
    phone.open("/m/report?urgency=emergency")
    assert page.evaluate("drafts.compareDocumentPosition(document.querySelector('#report-form'))") == 2, "below the form"
    phone.open("/m/")
    assert not page.is_visible("form[action$='/drop']"), "one line, however many there are"
    page.click("[data-drafts] summary")
    page.evaluate(REDRAW)
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.click("form[action$='/drop'] button")
    assert page.locator("form[action$='/drop']").count() == 2
    begin(phone, "正在写的")
    page.click("[data-drafts] summary")
    for left in (1, 0):
        page.once("dialog", lambda dialog: dialog.accept())
        page.click("form[action$='/drop'] button")
        wait_for(page, "left => document.querySelectorAll(\"form[action$='/drop']\").length === left", left)
    assert page.input_value("#text") == "正在写的"
    send(page)


def test_an_emergency_offers_the_duty_number_before_and_after_it_is_sent(phone: Phone) -> None:
    phone.open("/m/")
    with phone.page.expect_file_chooser():  # the camera is offered here, too
        phone.page.click("a.button.stop[href*=emergency]")
    call = phone.page.wait_for_selector("#duty a[href^='tel:0951']")
    assert call is not None
    assert str(call.get_attribute("href")).startswith("tel:0951-2060002")
    picture(phone.page, "phone-report-emergency-zh-CN")
    phone.page.click("#urgency label >> nth=0")
    assert not phone.page.is_visible("#duty")
    phone.page.click("#urgency label >> nth=2")
    phone.page.click("#category > .choices label >> nth=1")
    phone.page.fill("#text", "有人被困电梯")
    send(phone.page)
    assert phone.page.is_visible("#duty a[href='tel:119']")


def test_what_was_reported_close_by_is_hinted_at_and_takes_a_note_instead(phone: Phone) -> None:
    record = send(begin(phone, "同一处垃圾"))
    phone.context.set_geolocation(HERE | {"latitude": HERE["latitude"] + 40 / 111_320})
    phone.open("/m/report")
    page = phone.page
    page.wait_for_selector("[data-place-state].good")
    page.evaluate("addEventListener('submit', () => { sent = true; }, true)")
    before = page.evaluate(STANDS)
    page.click("#category > .choices label >> nth=0")
    page.fill("#text", "我也看到了")
    # Two reports lie here by now: the hint names the nearest; the first test's is at the same place.
    page.wait_for_selector("#near summary")
    assert page.evaluate(STANDS) == before, "nothing moves under a finger"
    assert "40 米外" in page.inner_text("#near")
    assert not page.is_visible("#near button")
    picture(page, "phone-report-near-zh-CN")
    for field in ("#address", "[data-find]", "[name=building_typed]", "[name=unit_typed]"):
        page.evaluate("field => { document.querySelector(field).closest('details')?.setAttribute('open', ''); }", field)
        page.press(field, "Enter")
    assert page.evaluate("typeof sent") == "undefined", "Enter sends nothing"
    page.click("#near summary")
    page.click("#urgency label >> nth=2")
    assert not page.is_visible("#near button"), "an emergency is a report of its own"
    page.click("#urgency label >> nth=0")
    page.click(f"#near button[value='{record}']")
    page.wait_for_selector(".steps")
    assert record in page.url
    assert "我也看到了" in page.inner_text("main")
    phone.context.set_geolocation(HERE)
    phone.open("/m/cases")
    assert "我也看到了" not in page.inner_text("main"), "no second report"


def test_another_category_that_is_picked_before_the_first_ones_hint_has_come_has_its_own(phone: Phone) -> None:
    phone.context.set_geolocation(HERE | {"latitude": HERE["latitude"] + 500 / 111_320})
    send(begin(phone, "别处的垃圾"))
    phone.open("/m/report")
    page = phone.page
    page.wait_for_selector("[data-place-state].good")
    page.wait_for_selector("#near:not(.htmx-request)", state="attached")
    page.evaluate(HOLD_BACK, EVERYTHING)
    page.click("#category > .choices label >> nth=1")
    wait_for(page, "window.held > 0")
    page.click("#category > .choices label >> nth=0")
    page.evaluate("() => window.letGo()")
    page.wait_for_selector("#near summary")
    phone.context.set_geolocation(HERE)


def test_categories_are_found_by_the_first_letters_of_their_pinyin(phone: Phone) -> None:
    phone.open("/m/report")
    phone.page.click("[data-catalogue] summary")
    phone.page.fill("[data-find]", "zdjy")
    assert phone.page.inner_text("[data-catalogue] .choice:visible") == "占道经营"
    phone.page.fill("[data-find]", phone.page.inner_text("#category > .choices label >> nth=0"))
    assert phone.page.is_visible("[data-above]"), "it is one of those above"


def test_a_place_is_picked_by_compound_and_building(phone: Phone) -> None:
    page = begin(phone, "三号楼门禁坏了")
    page.click(".fold:has([name=compound]) summary")
    page.click("label:has([name=compound]) >> nth=0")
    page.fill("[name=building_typed]", "3")
    page.fill("[name=unit_typed]", "2")
    send(page)
    assert "3 号楼 2 单元" in page.inner_text(".facts")
    page = begin(phone)
    page.click(".fold:has([name=compound]) summary")
    page.click("label:has([name=compound]) >> nth=0")
    page.wait_for_selector("label:has([name=building][value='3'])")
    page.click("#picks .none")
    page.wait_for_selector("#buildings:not(:has(label))", state="attached")
    assert not page.is_visible("#picks .none")


def test_a_voice_note_plays_at_the_desk(phone: Phone, system: RunningSystem, playwright: Playwright) -> None:
    page = begin(phone, "听我说")
    page.wait_for_selector("form[data-draft=kept]")
    page.evaluate(COUNT_RECORDERS)
    page.evaluate("() => { const button = document.querySelector('[data-record]'); button.click(); button.click(); }")
    wait_for(page, "/[1-9] 秒/.test(document.querySelector('[data-record]').innerText)")  # so much was said
    assert page.evaluate("recorders") == 1
    page.once("dialog", lambda dialog: dialog.dismiss())
    page.click(".bar a[href='/m/me']")
    assert page.is_visible("[data-record]"), "leaving while it records asks"
    page.click("[data-record]")
    page.wait_for_selector("[data-name=voice] audio[src]")
    assert not page.is_visible("[data-record]"), "one is enough"
    case = arrive(phone, system, send(page))
    desk = desk_page(phone, playwright, case)
    address = f"{system.url}{desk.get_attribute('audio', 'src')}"
    session = system.desk()
    until(lambda: session.get(address, timeout=10).status_code == 200, "the sound at the desk", 60)
    wait_for(desk, "document.querySelector('audio').play().then(() => true, () => false)")
    wait_for(desk, "document.querySelector('audio').currentTime > 0.2")
    picture(desk, "desk-case-voice-zh-CN")
    part = session.get(address, headers={"Range": "bytes=0-3"}, timeout=10)
    assert (part.status_code, part.content) == (206, b"\x1aE\xdf\xa3")
    desk.context.browser.close()  # type: ignore[union-attr]


def test_evidence_is_byte_identical_at_the_server_once_its_user_lets_it_go(
    phone: Phone, system: RunningSystem, photo: Path, tmp_path: Path
) -> None:
    heic = tmp_path / "iphone.heic"
    heic.write_bytes(as_bytes(scene(800, 600), "HEIF"))
    phone.context.set_offline(True)
    page = begin(phone, "违建取证")
    shoot(page, photo)
    page.set_input_files("[data-name=photo] [data-gallery]", heic)
    page.wait_for_selector(".shot .busy:has-text('原样发送')")
    page.click("label:has([name=evidence])")
    case = arrive(phone, system, send(page))
    jpeg, iphone = case["photos"]
    media = Couch(system.store_url()).database(media_db(TOWNSHIP))
    until(lambda: media.find(jpeg) and media.find(iphone), "both photos at the server", 60)
    # What only the server can decode has no smaller copy to go first; the camera's own JPEG waits for its user's word.
    assert media.attachment(iphone, "original") == heic.read_bytes()
    assert set(media.get(jpeg)["files"]) == {"sent"}
    page.click("form[action$='/originals'] button")
    until(lambda: "original" in media.get(jpeg)["files"], "the original at the server", 60)
    assert media.attachment(jpeg, "original") == photo.read_bytes()
    until(lambda: media.get(iphone)["derived"], "sizes of the iPhone's photo", 60)
    assert Image.open(io.BytesIO(media.attachment(iphone, "screen"))).format == "JPEG"


def test_what_was_solved_on_the_spot_is_a_case_with_both_photos(phone: Phone, system: RunningSystem) -> None:
    phone.context.set_offline(False)
    found: Any = until(lambda: system.cases(system.desk(), state="self_solved"), "the solved case", 60)
    case = arrive(phone, system, found[0]["reports"][0])
    assert (case["text"], len(case["photos"]), len(case["solved"]["photos"])) == ("楼道纸箱，当场请户主搬走", 1, 1)
