"""From a phone without network to the township's desk and back, in real Chromium on a whole running system.

One story, told by its helpers below; the pictures it takes on the way are what the pages look like (`tests/screenshots/`).
"""

import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Playwright

from sync.couch import Couch
from tests.browsers import DESK, MAIN_SAYS, PATIENCE_S, PHONE, Phone, picture, start_chromium, wait_for
from tests.media.photographs import camera_jpeg, is_upright
from tests.running import PASSWORD, RunningSystem, until

pytestmark = pytest.mark.e2e
TOWNSHIP = "640105002"
REPORTS = {"楼道堆满纸箱": "3102", "路灯不亮三天了": "0103", "井盖破损有人绊倒": "0101"}
SPOT = {"lat": 38.5455, "lon": 106.159}
MOBILE = {"viewport": PHONE, "has_touch": True, "is_mobile": True, "locale": "zh-CN", "timezone_id": "Asia/Shanghai"}


def cut_off(phone: Phone, system: RunningSystem) -> None:
    """No network at all: the browser is offline and the server is not there either."""
    phone.context.set_offline(True)
    system.stop()
    phone.page.reload()
    phone.page.wait_for_selector(".bar")


def send(phone: Phone, then: str) -> None:
    phone.page.click(".action > button[type=submit]")  # a hint above it has buttons of its own
    phone.page.wait_for_selector(then)


def report(phone: Phone, text: str, category: str, photos: list[Path]) -> None:
    """A report as a person makes one: photos first, then what, then send."""
    phone.open("/m/report")
    phone.page.set_input_files("[data-gallery]", photos)
    phone.page.evaluate("code => document.querySelector(`input[name=category][value='${code}']`).click()", category)
    phone.page.fill("#text", text)
    phone.page.fill("#address", "富宁社区3号楼2单元")
    send(phone, ".gallery img")
    wait_for(phone.page, MAIN_SAYS, "在本机")  # "being sent" is said for as long as a try takes


def add_household_with_visit(phone: Phone) -> str:
    """A household file and one visit to it; where its visit form is."""
    phone.open("/m/homes/new")
    phone.page.fill("#address", "富宁社区3号楼2单元501室")
    phone.page.fill("#contact_name", "李奶奶")
    phone.page.fill("#purpose", "独居老人日常照护")
    phone.page.click("#how label >> nth=0")
    send(phone, "#visits-title")
    form = str(phone.page.get_attribute(".action a", "href"))
    phone.page.click(".action a")
    phone.page.wait_for_selector("#findings")
    phone.page.click("#kind label >> nth=1")
    phone.page.click("#answer-met label >> nth=0")
    phone.page.fill("#findings", "身体状况良好，提醒用电安全")
    send(phone, ".steps")
    return form


def photograph_phone(phone: Phone, language: str, **pages: str) -> None:
    """A picture of each page in a language, then back to Chinese."""
    phone.open("/m/me")
    phone.page.click(f"button[value={language}]")
    phone.page.wait_for_selector(f"html[lang={language}]")
    for name, path in pages.items():
        phone.open(path)
        wait_for(phone.page, "[...document.querySelectorAll('main img:not([loading=lazy])')].every(image => image.complete)")
        picture(phone.page, f"{name.replace('_', '-')}-{language}")
    phone.open("/m/me")
    phone.page.click("button[value=zh-CN]")
    phone.page.wait_for_selector("html[lang=zh-CN]")


def photograph_sign_in(phone: Phone) -> None:
    for language in ("en", "zh-CN"):
        phone.page.click(f"button[value={language}]")
        phone.page.wait_for_selector(f"html[lang={language}] #username")
        picture(phone.page, f"phone-sign-in-{language}")


def open_desk(playwright: Playwright, system: RunningSystem) -> Page:
    browser = start_chromium(playwright)
    page = browser.new_context(viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai").new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    for language in ("en", "zh-CN"):
        page.goto(f"{system.url}/?lang={language}")
        picture(page, f"desk-sign-in-{language}")
    page.fill("#username", "triage1")
    page.fill("#password", PASSWORD)
    page.click("form button.primary")
    page.wait_for_url("**/turn")
    for language in ("en", "zh-CN"):
        page.goto(f"{system.url}/township/{TOWNSHIP}?lang={language}")
        picture(page, f"desk-empty-{language}")
    return page


def move(page: Page, text: str, name: str, state: str, words: str = "") -> None:
    """Opens the case with this text from the list and moves it."""
    page.goto(page.url.partition("/cases/")[0].partition("/township/")[0] + f"/township/{TOWNSHIP}")
    page.click(f"tr.row:has-text('{text}') a.open")
    page.wait_for_selector("#moves")
    if words:
        page.click(f"form.move.{name} summary")
        page.fill(f"form.move.{name} textarea", words)
        picture(page, "desk-case-return-zh-CN")
    page.click(f"form.move.{name} button.primary")
    page.wait_for_selector(f".chip.state.{state}")


def desk_shows_upright_photos(page: Page, system: RunningSystem, photos: set[str]) -> None:
    """Every photo is derived, upright and without the camera's notes; the page shows them and the large view opens."""
    desk = system.desk()
    for photo in photos:
        address = f"{system.url}/api/photos/{photo}/screen"
        until(lambda a=address: desk.get(a, timeout=10).status_code == 200, f"{photo} at the desk", 60)
        image = Image.open(io.BytesIO(desk.get(address, timeout=10).content))
        assert is_upright(image), photo
        assert not image.getexif()
    page.reload()
    wait_for_images(page, ".thumbs img")


def wait_for_images(page: Page, selector: str) -> None:
    """Until every such image is painted."""
    wait_for(page, "selector => [...document.querySelectorAll(selector)].every(image => image.naturalWidth > 0)", selector)


def databases_of(phone: Phone) -> list[str]:
    return list(phone.page.evaluate("indexedDB.databases().then(all => all.map(one => one.name))"))


def stored(system: RunningSystem, prefix: str) -> list[dict[str, Any]]:
    """Every document of the store's databases whose name begins so."""
    couch = Couch(json.loads((system.data / "run.json").read_text())["XUNGE_COUCHDB_URL"])
    names = [name for name in couch.all_databases() if name.startswith(prefix)]
    return [row["doc"] for name in names for row in couch.database(name).changes(None, 1000).results]


def test_what_a_worker_records_without_network_reaches_the_desk_and_comes_back(
    system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    photos = [camera_jpeg(tmp_path / f"{n}.jpg", orientation=turn, text=str(n), **SPOT) for n, turn in enumerate((6, 3, 8, 6))]
    phone = Phone(playwright, tmp_path / "worker", system, **MOBILE)
    phone.page.goto(f"{system.url}/m/")
    phone.page.wait_for_selector("#username")
    photograph_sign_in(phone)
    phone.enrol("worker1")
    cut_off(phone, system)
    phone.open("/m/")
    phone.page.click("#patrol button[type=submit]")
    phone.page.wait_for_selector("#patrol .chip.good")
    for (text, category), pair in zip(REPORTS.items(), (photos[:2], photos[2:3], photos[3:]), strict=True):
        report(phone, text, category, pair)
    phone.open("/m/")
    phone.page.once("dialog", lambda dialog: dialog.accept())  # without a position there is no way back
    phone.page.click("#patrol button.stop")
    phone.page.wait_for_selector(".steps")
    visit_form = add_household_with_visit(phone)
    phone.kill()
    phone.context.set_offline(True)
    phone.open("/m/cases")
    assert all(phone.page.inner_text("main").count(text) == 1 for text in REPORTS)
    phone.unlock()
    for language in ("en", "zh-CN"):
        photograph_phone(phone, language, phone_today="/m/", phone_report="/m/report", phone_homes="/m/homes", phone_me="/m/me")
        home = visit_form.removesuffix("/visits/new")
        photograph_phone(phone, language, phone_home=home, phone_visit_new=visit_form)

    system.start()
    page = open_desk(playwright, system)
    assert page.locator("tr.row").count() == 0
    phone.context.set_offline(False)
    for text in REPORTS:  # without a reload
        page.wait_for_selector(f"tr.row:has-text('{text}')")
    until(lambda: sum(len(case["photos"]) for case in system.cases(system.desk())) == 4, "four photos")
    cases = system.cases(system.desk())
    assert len(cases) == 3
    desk_shows_upright_photos(page, system, {photo for case in cases for photo in case["photos"]})
    picture(page, "desk-list-zh-CN")
    accept_and_return(phone, page, system)
    homes = partial(stored, system, "home-640105002001001")
    until(lambda: [doc["findings"] for doc in homes() if doc["type"] == "visit"], "the visit at the server", 60)
    assert [doc["contact_name"] for doc in homes() if doc["type"] == "household"] == ["李奶奶"]
    phone.context.close()


def accept_and_return(phone: Phone, page: Page, system: RunningSystem) -> None:
    """The desk accepts one case and returns another; the open phone shows both within seconds."""
    accepted, returned, _ = REPORTS
    phone.open("/m/cases")
    move(page, accepted, "accept", "accepted")
    move(page, returned, "return", "returned", "照片看不清灯杆编号，请补拍")
    for text, state in ((accepted, "已受理"), (returned, "已退回")):
        phone.page.wait_for_selector(f".rows li:has-text('{text}'):has-text('{state}')")
    for language in ("en", "zh-CN"):
        page.goto(f"{system.url}/township/{TOWNSHIP}?lang={language}")
        page.wait_for_load_state("load")
        picture(page, f"desk-list-moved-{language}")
        page.click(f"tr.row:has-text('{accepted}') a.open")
        page.wait_for_selector("#moves")
        wait_for_images(page, ".gallery img")
        picture(page, f"desk-case-{language}")
        page.click(".gallery a >> nth=0")
        page.wait_for_selector("#lightbox[open] img[data-large]")
        picture(page, f"desk-photo-{language}")
        page.keyboard.press("Escape")
    phone.page.click(f".rows li:has-text('{returned}') a")
    phone.page.wait_for_selector(".notice.bad")
    assert "请补拍" in phone.page.inner_text("main")
    record = phone.page.url.removeprefix(system.url)
    for language in ("en", "zh-CN"):
        photograph_phone(phone, language, phone_cases="/m/cases", phone_record=record, phone_home_new="/m/homes/new")


def test_police_visits_stay_on_the_beat_and_households_off_the_police_phone(
    system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    phone = Phone(playwright, tmp_path / "police", system, **MOBILE)
    phone.enrol("police1")
    cut_off(phone, system)
    phone.open("/m/visits/new")
    phone.page.fill("#address", "富宁社区底商12号")
    phone.page.click("#kind label >> nth=0")
    phone.page.fill("#findings", "检查出租房登记")
    send(phone, ".steps")
    system.start()
    phone.context.set_offline(False)
    visits = partial(stored, system, "beat-")
    until(lambda: [doc for doc in visits() if doc["type"] == "visit"], "the visit in its beat", 60)
    [visit] = [doc for doc in visits() if doc["type"] == "visit"]
    assert (visit["author"], visit["household"], visit["findings"]) == ("police1", None, "检查出租房登记")
    assert "检查出租房登记" not in json.dumps(stored(system, "grid-") + stored(system, "home-"), ensure_ascii=False)
    names = databases_of(phone)
    assert [name for name in names if "/beat-" in name]
    assert not [name for name in names if "/home-" in name]
    for language in ("en", "zh-CN"):
        photograph_phone(phone, language, police_visits="/m/visits", police_today="/m/", police_visit_new="/m/visits/new")
    phone.context.close()


def test_no_workers_phone_receives_a_police_visit(system: RunningSystem, playwright: Playwright, tmp_path: Path) -> None:
    phone = Phone(playwright, tmp_path / "second", system, **MOBILE)
    phone.enrol("worker2")
    wait_for(phone.page, "indexedDB.databases().then(all => all.some(one => one.name.includes('/home-')))")
    assert not [name for name in databases_of(phone) if "/beat-" in name]
    phone.context.close()
