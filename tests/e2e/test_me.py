"""我的 in real Chromium: where each record is, the rescue file from a phone without network to a clerk, letters, signing out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Playwright

from server.demo.people import TOWNSHIP
from tests.browsers import CATALOGUE_IS_THERE, MAIN_SAYS, Phone, picture, wait_for
from tests.e2e.test_quarantine import open_desk, photograph
from tests.e2e.test_sync_spine import MOBILE, SAVE, SYNC_NOW
from tests.running import PASSWORD, RunningSystem, until

pytestmark = pytest.mark.e2e
ASKED = "Number(sessionStorage.getItem('asked') ?? 0)"
COUNT_ASKED = f"""
  StorageManager.prototype.persisted = async () => false;
  StorageManager.prototype.persist = async () => {{ sessionStorage.setItem('asked', {ASKED} + 1); return false; }};
"""
TEXTS = ("井盖破损，已围挡", "楼道堆物", "路灯不亮")


@pytest.fixture
def phone(playwright: Playwright, system: RunningSystem, tmp_path: Path) -> Iterator[Phone]:
    """A phone of `worker1` with the reference data."""
    made = Phone(playwright, tmp_path / "phone", system, accept_downloads=True, **MOBILE)
    made.enrol("worker1")
    yield made
    made.context.close()


def save(phone: Phone, text: str, photos: int = 0) -> None:
    phone.page.evaluate(SAVE, {"text": text, "photos": photos})


def export(phone: Phone, file: Path) -> bytes:
    """Takes the rescue file as a user does."""
    phone.open("/m/me")
    with phone.page.expect_download() as download:
        phone.page.click("a[href='/m/rescue.xunge']")
    download.value.save_as(file)
    wait_for(phone.page, MAIN_SAYS, "上次导出")
    return file.read_bytes()


def take_in(desk: Page, system: RunningSystem, file: Path) -> str:
    """Gives the file to the clerk's page; what it says then."""
    desk.goto(f"{system.url}/rescue")
    desk.set_input_files("#file", file)
    desk.click("#rescue-form button.primary")
    desk.wait_for_selector("#rescue-result section")
    return desk.inner_text("#rescue-result")


def waiting(system: RunningSystem) -> list[dict[str, Any]]:
    """The refused records that no clerk has decided about."""
    query = {"township": TOWNSHIP, "state": "waiting", "part": "records"}
    found: list[dict[str, Any]] = system.desk().get(f"{system.url}/api/quarantine", params=query, timeout=10).json()["entries"]
    return found


def adopt(system: RunningSystem, desk: Any, entry: dict[str, Any]) -> None:
    address = f"{system.url}/api/quarantine/{entry['id']}/adoption"
    answer = desk.post(address, json={}, headers={"Origin": system.url}, timeout=20)
    assert answer.ok, answer.text


def photo_counts(system: RunningSystem, desk: Any) -> list[int]:
    """How many photos each case has."""
    found: list[Any] = [case["photos"] for case in system.cases(desk)]
    return sorted(len(photos) for photos in found)


def test_what_a_phone_could_not_send_is_carried_to_a_clerk_and_nothing_is_doubled_when_the_phone_comes_back(
    phone: Phone, system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    system.stop()
    for text, photos in zip(TEXTS, (2, 0, 1), strict=True):
        save(phone, text, photos)
    phone.open("/m/sync")
    for text in (*TEXTS, "在本机"):
        wait_for(phone.page, MAIN_SAYS, text)
    picture(phone.page, "phone-sync-zh-CN", full_page=True)
    file = tmp_path / "unsent.xunge"
    sealed = export(phone, file)
    assert sealed.startswith(b"XUNGRSQ1")
    assert "井盖".encode() not in sealed
    phone.context.close()  # it falls into the canal, and is found again a week later

    system.start()
    desk = open_desk(playwright, system)
    damaged = tmp_path / "damaged.xunge"
    damaged.write_bytes(sealed[:-2000])
    assert "文件损坏或不完整" in take_in(desk, system, damaged)
    assert waiting(system) == []
    assert "3 条记录、3 个照片文件" in take_in(desk, system, file)
    picture(desk, "desk-rescue-zh-CN")
    photograph(desk, "rescue-form")
    assert len([entry for entry in waiting(system) if entry["doc_id"].startswith("report:")]) == len(TEXTS)
    api = system.desk()
    for entry in waiting(system):
        adopt(system, api, entry)
    until(lambda: photo_counts(system, api) == [0, 1, 2], "three cases with their photos")

    phone.context, phone.page = phone._launch()
    phone.open("/m/sync")
    phone.page.evaluate(SYNC_NOW)
    wait_for(phone.page, MAIN_SAYS, "所有记录都已送达")
    wait_for(phone.page, "document.querySelectorAll('main .row .chip.good, main .row .chip.move').length === 3")
    assert waiting(system) == []
    assert photo_counts(system, api) == [0, 1, 2]
    picture(phone.page, "phone-sync-arrived-zh-CN", full_page=True)


def test_letters_come_in_three_sizes_everywhere_and_stay_and_no_page_needs_scrolling_sideways(phone: Phone) -> None:
    small = size_of_letters(phone)
    phone.open("/m/me")
    phone.page.click("button[value=largest]")
    phone.page.wait_for_selector("html[data-text=largest]")
    assert size_of_letters(phone) > small * 1.3
    phone.kill()
    for path in ("/m/", "/m/me", "/m/sync", "/m/report", "/m/homes", "/m/cases", "/m/session/end"):
        phone.open(path)
        assert size_of_letters(phone) > small * 1.3
        wider = phone.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wider <= 0, path
    picture(phone.page, "phone-sign-out-largest-zh-CN")


def test_the_browser_is_asked_to_keep_the_data_once_something_is_saved_and_not_before(phone: Phone) -> None:
    phone.page.add_init_script(COUNT_ASKED)
    for path in ("/m/", "/m/me", "/m/report"):
        phone.open(path)
    assert phone.page.evaluate(ASKED) == 0
    phone.page.evaluate("document.querySelector(`input[name=category][value='1101']`).click()")
    phone.page.fill("#text", "第一条记录")
    phone.page.click(".action > button[type=submit]")
    phone.page.wait_for_selector(".steps")
    wait_for(phone.page, f"{ASKED} === 1")


def size_of_letters(phone: Phone) -> float:
    phone.page.wait_for_load_state()  # with its style sheet
    return float(phone.page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)"))


def test_who_signs_out_with_something_unsent_is_told_what_stays_and_finds_it_again(phone: Phone, system: RunningSystem) -> None:
    system.stop()
    save(phone, "退出前记的", 1)
    phone.open("/m/me")
    phone.page.click("a[href='/m/session/end']")
    wait_for(phone.page, MAIN_SAYS, "还有 1 条记录、1 张照片没有送达")
    picture(phone.page, "phone-sign-out-zh-CN", full_page=True)
    phone.page.click("main form button[type=submit]")
    phone.page.wait_for_selector("#username")
    assert "2 项记录等待发送" in phone.page.inner_text("main")
    picture(phone.page, "phone-sign-in-others-zh-CN", full_page=True)
    with phone.page.expect_download() as began:
        phone.page.click("a[href='/m/rescue.xunge']")
    assert began.value.path().read_bytes().startswith(b"XUNGRSQ1"), "without network and without anybody signed in"
    system.start()
    phone.page.fill("#username", "worker1")
    phone.page.fill("#password", PASSWORD)
    phone.page.click("form:has(#password) button")
    phone.page.wait_for_selector(".bar")
    wait_for(phone.page, CATALOGUE_IS_THERE)
    phone.open("/m/sync")
    wait_for(phone.page, MAIN_SAYS, "退出前记的")
    phone.page.click("[data-sync-now]")
    wait_for(phone.page, MAIN_SAYS, "所有记录都已送达")
