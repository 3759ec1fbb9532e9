"""The phone's pages in real Chromium, against a whole running system: what only a browser can show.

Photos, targets, widths, double taps and the form that must not be lost. The way of a record to the desk is in `tests/e2e/`.
"""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.browsers import CATALOGUE_IS_THERE, EVERYTHING, HOLD_BACK, PATIENCE_S, set_pin, start_chromium, wait_for
from tests.running import PASSWORD, RunningSystem

pytestmark = pytest.mark.e2e

PATHS = ("/m/", "/m/report", "/m/homes", "/m/homes/new", "/m/cases", "/m/me")
TARGET_PX = 48
SMALL_TARGETS = """least => [...document.querySelectorAll('a, button, select, summary, input:not([type=hidden]), textarea')]
  .filter(part => !part.closest('p, .skip, [hidden]') && part.offsetParent && !part.matches('.skip'))
  .map(part => [part.outerHTML.slice(0, 90), part.getBoundingClientRect()])
  .filter(([, box]) => box.width && (box.width < least - 0.5 || box.height < least - 0.5))
  .map(([html, box]) => `${html} ${box.width}x${box.height}`)"""
SMALL_LETTERS = """() => [...document.querySelectorAll('body *')]
  .filter(part => part.offsetParent && [...part.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
  .filter(part => parseFloat(getComputedStyle(part).fontSize) < 16).map(part => part.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """Everything running, with the demo's people."""
    running = RunningSystem(tmp_path_factory.mktemp("pages") / "data").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def context(system: RunningSystem) -> Iterator[BrowserContext]:
    """A phone's browser, enrolled as `worker1`."""
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        size = {"width": 360, "height": 740}
        made = browser.new_context(viewport=size, has_touch=True, is_mobile=True, locale="zh-CN", timezone_id="Asia/Shanghai")
        made.set_default_timeout(PATIENCE_S * 1000)
        sign_in(made.new_page(), system)
        yield made
        browser.close()


def sign_in(page: Page, system: RunningSystem) -> None:
    """Enrols this browser and waits until the event catalogue is there."""
    page.goto(f"{system.url}/m/")
    page.fill("#username", "worker1")
    page.fill("#password", PASSWORD)
    page.click("form:has(#password) button")
    set_pin(page)
    wait_for(page, CATALOGUE_IS_THERE)
    page.close()


@pytest.fixture
def page(context: BrowserContext, system: RunningSystem) -> Iterator[Page]:
    """A page of that phone; it must leave no complaint of the browser behind."""
    complaints: list[str] = []
    made = context.new_page()
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on(
        "console",
        lambda said: (
            complaints.append(f"{said.text} {said.location}") if said.type == "error" and "422" not in said.text else None
        ),
    )
    made.goto(f"{system.url}/m/")
    yield made
    made.close()
    assert not complaints


def camera_photo(path: Path, orientation: int = 6) -> Path:
    """A 12-megapixel JPEG as a phone held upright writes it: lying, with a note to turn it, time and place."""
    picture = Image.new("RGB", (4000, 3000), "#707070")
    picture.paste("#d02020", (0, 0, 4000, 300))
    notes = Image.Exif()
    notes[0x0112] = orientation
    notes.get_ifd(0x8769)[0x9003] = "2026:11:23 15:58:00"
    notes.get_ifd(0x8825).update({1: "N", 2: (38.0, 29.0, 24.0), 3: "E", 4: (106.0, 7.0, 48.0)})
    picture.save(path, quality=88, exif=notes)
    return path


def open_report(page: Page) -> None:
    """From anywhere to an empty report."""
    page.click('.bar a[href="/m/report"]')
    page.wait_for_selector("#report-form")


def test_a_photo_is_kept_upright_small_and_without_the_cameras_notes(page: Page, tmp_path: Path) -> None:
    open_report(page)
    page.set_input_files("[data-gallery]", camera_photo(tmp_path / "a.jpg"))
    page.click("#category .choices label >> nth=0")
    page.click(".action .main")
    page.wait_for_selector(".gallery img")
    source = page.get_attribute(".gallery img", "src")
    sent = page.evaluate("url => fetch(url).then(r => r.arrayBuffer()).then(b => [...new Uint8Array(b)])", source)
    picture = Image.open(io.BytesIO(bytes(sent)))
    assert picture.size == (1200, 1600)
    assert not picture.getexif()
    red, green, _ = picture.convert("RGB").getpixel((1190, 800))
    assert red > 150 > green  # the camera's top edge, turned to the right
    assert "38.49" in page.inner_text(".facts")  # no receiver here: the photo knew the place


def test_a_refused_form_keeps_its_words_and_photos(page: Page, tmp_path: Path) -> None:
    open_report(page)
    page.fill("#text", "写了一半")
    page.set_input_files("[data-gallery]", [camera_photo(tmp_path / f"{n}.jpg") for n in range(2)])
    page.click(".action .main")
    page.wait_for_selector("#form-errors .notice")
    assert page.input_value("#text") == "写了一半"
    assert page.locator(".shot").count() == 2
    page.click("#category .choices label >> nth=1")
    assert page.locator("#form-errors .notice").count() == 0
    page.click(".action .main")
    page.wait_for_selector(".gallery")
    assert page.locator(".gallery img").count() == 2


def test_a_removed_photo_is_not_sent(page: Page, tmp_path: Path) -> None:
    open_report(page)
    page.set_input_files("[data-gallery]", [camera_photo(tmp_path / f"{n}.jpg", 1) for n in range(2)])
    page.click(".shot >> nth=0 >> button")
    page.click("#category .choices label >> nth=0")
    page.click(".action .main")
    page.wait_for_selector(".gallery")
    assert page.locator(".gallery img").count() == 1


# A receiver that answers when it is told to.
RECEIVER = """() => {
  navigator.geolocation.getCurrentPosition = (found, missed) => {
    window.found = (latitude, accuracy) => found({coords: {latitude, longitude: 106.1, accuracy}});
    window.missed = () => missed({code: 2});
  };
}"""
IS_ASKED = "typeof window.found === 'function'"
# A report's three seconds of patience with it end when they are told to, too.
PATIENT = """() => {
  const wait = window.setTimeout;
  let now_ms = Date.now();
  Date.now = () => now_ms;
  window.setTimeout = (work, wait_ms, ...rest) => {
    if (wait_ms !== 3000) return wait(work, wait_ms, ...rest);
    window.endPatience = () => { now_ms += wait_ms; work(); };
    return 0;
  };
}"""


def test_the_place_can_be_dropped_tried_again_and_goes_with_the_photo_that_gave_it(page: Page, tmp_path: Path) -> None:
    page.evaluate(RECEIVER)
    open_report(page)
    wait_for(page, IS_ASKED)
    page.evaluate("found(38.1, 500)")
    chip = page.locator("[data-place-state]")
    rough = chip.inner_text()
    assert "500" in rough and "wait" in str(chip.get_attribute("class"))
    page.click("[data-locate]")
    page.click("[data-locate]")
    assert chip.inner_text() != rough
    page.evaluate("missed()")
    assert chip.inner_text() == rough, "what stood before stands again"
    page.click("[data-locate]")
    page.click("[data-unplace]")
    page.evaluate("found(38.2, 5)")
    assert page.input_value("[name=lat]") == "", "an answer that came too late"
    assert page.locator("[data-unplace]").is_hidden()
    page.set_input_files("[data-gallery]", camera_photo(tmp_path / "a.jpg"))
    page.wait_for_selector("[data-place-state].good")
    assert page.input_value("[name=lat]").startswith("38.49")
    page.click(".shot button")
    assert page.input_value("[name=lat]") == ""
    page.evaluate("found(38.3, 5)")
    assert page.input_value("[name=lat]").startswith("38.3")


def test_a_report_that_nothing_places_waits_a_little_for_the_receiver(page: Page) -> None:
    page.evaluate(RECEIVER)
    page.evaluate(PATIENT)
    for text, answer, said in (("等定位", "found(38.7, 5)", "38.70000"), ("定不到", "endPatience()", "没有记下位置")):
        page.evaluate("() => { window.found = null; }")
        open_report(page)
        wait_for(page, IS_ASKED)
        page.click("#category .choices label >> nth=2")
        page.fill("#text", text)
        page.click(".action .main")
        page.wait_for_selector("#report-form.held")
        assert page.locator(".action .when-busy").is_visible()
        page.evaluate(answer)
        page.wait_for_selector(".steps")
        assert said in page.inner_text(".facts")


# Photos that are not made until it is said how that went.
MAKING = """() => {
  const make = window.createImageBitmap;
  const gate = new Promise((resolve, reject) => Object.assign(window, {fail: reject}));
  window.createImageBitmap = (...given) => gate.then(() => make(...given));
}"""


def test_a_photo_that_is_being_made_is_not_left_behind_or_out_unasked(page: Page, tmp_path: Path) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    open_report(page)
    page.click("#category .choices label >> nth=0")
    page.fill("#text", "照片还在处理")
    page.wait_for_selector("form[data-draft=kept]")
    page.evaluate(MAKING)
    page.set_input_files("[data-gallery]", camera_photo(tmp_path / "late.jpg", 1))
    page.click('.bar a[href="/m/me"]')
    assert len(asked) == 1
    page.click(".action .main")
    page.wait_for_selector("#report-form.held")
    page.evaluate("fail()")
    page.wait_for_selector("#photos-error:not(:empty)")
    assert "late.jpg" in page.inner_text("#photos-error")
    page.wait_for_selector("#report-form:not(.held)")
    assert page.locator(".steps").count() == 0, "its user has not seen it yet"
    page.click(".action .main")
    page.wait_for_selector(".steps")
    assert len(asked) == 1


def test_a_text_file_called_jpg_is_left_out_and_said_so(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "not.jpg"
    file.write_text("not a photo")
    open_report(page)
    page.set_input_files("[data-gallery]", file)
    page.wait_for_selector("#photos-error:not(:empty)")
    assert page.locator(".shot").count() == 0


def test_many_taps_on_save_make_one_record(page: Page) -> None:
    open_report(page)
    page.click("#category .choices label >> nth=0")
    page.fill("#text", "连点三下")
    page.evaluate("() => { const button = document.querySelector('.action .main'); for (const n of [1, 2, 3]) button.click(); }")
    page.wait_for_selector(".steps")
    page.click('.bar a[href="/m/cases"]')
    page.wait_for_selector(".rows")
    assert page.locator(".rows li", has_text="连点三下").count() == 1


def test_leaving_a_changed_form_asks_first(page: Page) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    open_report(page)
    page.fill("#text", "写了一半")
    page.click('.bar a[href="/m/me"]')
    assert page.input_value("#text") == "写了一半"
    assert len(asked) == 1
    page.click("#category .choices label >> nth=0")
    page.click(".action .main")
    page.wait_for_selector(".steps")
    assert len(asked) == 1


def test_a_form_that_fails_for_no_fault_of_the_user_stays(page: Page) -> None:
    open_report(page)
    page.click("#category .choices label >> nth=0")
    page.fill("#text", "不能丢")
    page.evaluate("() => { window.kept = fetch; window.fetch = async () => new Response('broken', { status: 500 }); }")
    page.click(".action .main")
    page.wait_for_selector("#form-errors .notice")
    assert page.input_value("#text") == "不能丢"
    page.evaluate("() => { window.fetch = window.kept; }")
    page.click(".action .main")
    page.wait_for_selector(".steps")
    assert "不能丢" in page.inner_text(".facts")


def test_live_news_never_touch_a_form_that_is_being_filled_in(page: Page) -> None:
    open_report(page)
    page.fill("#text", "正在写")
    page.evaluate("document.querySelector('#text').dataset.mine = 'yes'")
    with page.expect_response("**/m/sync-chip"):
        page.evaluate("new BroadcastChannel('xunge').postMessage({type: 'changed', databases: [], ids: []})")
    assert page.get_attribute("#text", "data-mine") == "yes"
    assert page.input_value("#text") == "正在写"
    page.click("#category .choices label >> nth=0")
    page.click(".action .main")
    page.wait_for_selector(".steps")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_pages_fit_a_narrow_phone_and_every_target_can_be_hit(page: Page, system: RunningSystem, language: str) -> None:
    page.goto(f"{system.url}/m/me")
    page.click(f"button[value={language}]")
    page.wait_for_selector(f"html[lang={language}]")
    for path in PATHS:
        page.goto(system.url + path)
        page.wait_for_selector(".bar")
        assert page.evaluate(SMALL_TARGETS, TARGET_PX) == [], path
        assert page.evaluate(SMALL_LETTERS) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, f"{path} with large letters"


def test_dark_stays_chosen_whatever_the_phone_is_set_to(page: Page, system: RunningSystem) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    page.goto(f"{system.url}/m/me")
    light = page.evaluate(ground)
    page.click("button[value=dark]")
    page.wait_for_selector("html[data-theme=dark] button[value=dark][aria-pressed=true]")
    page.goto(f"{system.url}/m/")
    assert page.evaluate(ground) != light
    page.goto(f"{system.url}/m/me")
    page.click("button[value=phone]")
    page.wait_for_selector("html[data-theme=phone] button[value=phone][aria-pressed=true]")
    page.wait_for_load_state()  # with its style sheet
    assert page.evaluate(ground) == light


def test_what_became_of_records_is_said_to_those_who_listen(page: Page) -> None:
    open_report(page)
    page.evaluate("document.querySelector('#sync-chip').dataset.mine = 'yes'")
    with page.expect_response("**/m/sync-chip"):
        page.evaluate("new BroadcastChannel('xunge').postMessage({type: 'changed', databases: [], ids: []})")
    page.wait_for_selector("#sync-chip[data-mine=yes][role=status] a > .chip")
    assert page.locator("#sync-chip").count() == 1


NEWS_ARRIVE = """async () => {
  const heard = new Promise(done => new BroadcastChannel('xunge').addEventListener('message', done, {once: true}));
  new BroadcastChannel('xunge').postMessage({type: 'changed', databases: [], ids: []});
  await heard;
}"""


def test_an_idle_page_in_a_pocket_has_no_timer_and_asks_for_no_place(page: Page, system: RunningSystem) -> None:
    page.add_init_script(path=Path(__file__).with_name("wakes.js"))
    for path in PATHS:
        page.goto(system.url + path)
        page.wait_for_selector(".bar")
        page.evaluate("hide()")
        # What had been asked for before is still drawn.
        wait_for(page, "wakes.waiting.size === 0 && !document.querySelector('.htmx-request')")
        page.evaluate("() => Object.assign(wakes, {frames: 0, places: 0})")
        page.evaluate(NEWS_ARRIVE)  # nothing is drawn until somebody looks
        assert page.evaluate("[wakes.waiting.size, wakes.frames, wakes.places]") == [0, 0, 0], path


def test_a_page_that_redraws_itself_says_of_no_form_that_it_is_being_saved(page: Page) -> None:
    start = page.locator("form[action='/m/patrols'] button")
    page.evaluate(HOLD_BACK, EVERYTHING)
    page.evaluate("() => { document.body.dispatchEvent(new CustomEvent('xunge:changed', {bubbles: true})); }")
    page.wait_for_selector("#live.htmx-request")
    assert start.locator(".when-idle").is_visible()
    assert start.locator(".when-busy").is_hidden()
    start.click()
    page.wait_for_selector("form.htmx-request")
    assert start.locator(".when-busy").is_visible()
    page.evaluate("() => window.letGo()")
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("form[action$='/end'] button")
    page.wait_for_selector("form[action$='/end']", state="detached")
