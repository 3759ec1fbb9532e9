"""A worker is moved to another grid with unsent records: none is lost. Through the real system, with a real desk browser.

The phone is simulated; it speaks the real protocol. Pictures of the clerk's pages are for people to look at.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, Playwright

from server.demo.district import grid_codes
from server.demo.people import TOWNSHIP
from tests.browsers import DESK, PATIENCE_S, SCREENSHOTS, sign_in, start_chromium, wait_for
from tests.media.photographs import camera_jpeg
from tests.phones import SimulatedPhone, first_revision
from tests.running import ROOT, RunningSystem, until

pytestmark = pytest.mark.e2e
Document = dict[str, Any]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    running = RunningSystem(tmp_path_factory.mktemp("quarantine") / "data", XUNGE_SWEEP_S="2").start()
    yield running
    running.stop()


def move_worker(system: RunningSystem, name: str, *grids: str) -> None:
    """`xunge user move`, as an administrator types it."""
    options = [part for grid in grids for part in ("--grid", grid)]
    environment = {"XUNGE_DATA": str(system.data), "PATH": "/usr/bin"}
    command = [sys.executable, "-m", "server.cli", "user", "move", name, *options]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)


def outcomes(phone: SimulatedPhone) -> dict[str, Document]:
    """What the phone is told of its refused records, by record."""
    answer = phone.session.get(f"{phone.url}/api/quarantine/mine", timeout=10)
    return {entry["doc_id"]: entry for entry in answer.json()["entries"]}


def open_desk(playwright: Playwright, system: RunningSystem) -> Page:
    browser = start_chromium(playwright)
    page = browser.new_context(viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai").new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    sign_in(page, system, "triage1")
    return page


def photograph(page: Page, name: str) -> None:
    """The page in both languages, as a clerk sees it."""
    SCREENSHOTS.mkdir(exist_ok=True)
    address = page.url.partition("?")[0]
    for language in ("en", "zh-CN"):
        page.goto(f"{address}?lang={language}")
        wait_for(page, "[...document.images].every((image) => image.complete)")
        page.screenshot(path=SCREENSHOTS / f"desk-{name}-{language}.png")


def test_a_worker_moved_with_unsent_records_loses_none(system: RunningSystem, playwright: Playwright, tmp_path: Path) -> None:
    old, new = grid_codes(TOWNSHIP)[0], grid_codes(TOWNSHIP)[4]
    phone = SimulatedPhone(system.url, "worker1").enrol()
    home = phone.database()
    photo, late = (camera_jpeg(tmp_path / f"{name}.jpg", orientation=6, text=name).read_bytes() for name in ("a", "b"))
    before = phone.make_report("搬走之前记的：井盖破损")
    move_worker(system, "worker1", new)
    after, wrong = phone.make_report("搬走之后记的：路面塌陷，已放警示锥", (photo, late)), phone.make_report("楼道飞线充电")
    wrong[0] |= {"urgency": "terrible"}
    wrong[0] |= {"_rev": first_revision({name: value for name, value in wrong[0].items() if name != "_rev"})}
    visit = phone.make_visit(None, "富宁社区3号楼501室")
    until(lambda: phone.push([before[0]], home)[0].get("ok"), "the record from before the move")
    until(lambda: phone.push(after, home)[0].get("reason") == "not_grid_holder", "the others are refused")
    phone.push(wrong, home)
    phone.push([visit], home.replace("grid-", "home-"))
    assert phone.upload(after[1]["_id"], photo, home).status_code in {201, 422}
    assert {entry["state"] for entry in outcomes(phone).values()} == {"waiting"}

    page = open_desk(playwright, system)
    page.click("header .to:has-text('未接收记录')")
    page.wait_for_selector("tr.row:has-text('路面塌陷')")
    photograph(page, "quarantine")
    page.keyboard.press("j")
    assert page.locator("tr.row.picked").count() == 1
    adopt_by_keys(page)
    correct(page)
    dismiss_masked(page)

    found = outcomes(phone)
    moved = found[after[0]["_id"]]
    assert moved["state"] == "adopted"
    assert moved["adopted_as"]["database"].startswith(f"grid-{new}")
    assert found[visit["_id"]]["decision_reason"].startswith("误操作")
    desk = system.desk()
    expected = {before[0]["_id"], moved["adopted_as"]["id"], found[wrong[0]["_id"]]["adopted_as"]["id"]}
    until(lambda: {case["reports"][0] for case in system.cases(desk)} == expected, "three cases and no fourth")
    [case] = [one for one in system.cases(desk) if one["reports"] == [moved["adopted_as"]["id"]]]
    assert case["captured_at"] == after[0]["captured_at"]
    first, second = (str(one) for one in case["photos"])
    until(lambda: _is_shown(system, desk, first), "the photo's sizes", 60)
    assert phone.upload(after[2]["_id"], late, home).status_code in {201, 422}
    until(lambda: _is_shown(system, desk, second), "the photo that came late goes home by itself", 60)
    assert old in home


def _is_shown(system: RunningSystem, desk: requests.Session, photo: str) -> bool:
    return desk.get(f"{system.url}/api/photos/{photo}/screen", timeout=10).status_code == 200


def adopt_by_keys(page: Page) -> None:
    """Opens the record with the photo and adopts it as it is preselected: into the grid its author holds now."""
    page.click("tr.row:has-text('路面塌陷') a.open")
    page.wait_for_selector("#refused img")
    photograph(page, "refused")
    page.keyboard.press("a")
    page.focus("form.adopt button.primary")
    page.keyboard.press("Enter")
    page.wait_for_selector("#decide .done")
    page.screenshot(path=SCREENSHOTS / "desk-refused-adopted-zh-CN.png")
    page.keyboard.press("u")
    page.wait_for_selector("tr.row:has-text('飞线充电')")


def correct(page: Page) -> None:
    """Puts the wrong field right and adopts the corrected record."""
    page.click("tr.row:has-text('飞线充电') a.open")
    page.wait_for_selector("form.correct select[aria-invalid]")
    photograph(page, "refused-wrong")
    page.select_option("#f_urgency", "urgent")
    page.click("form.correct button.primary")
    page.wait_for_selector("#decide .done")
    page.goto(page.url.partition("/quarantine")[0] + f"/township/{TOWNSHIP}/quarantine")


def dismiss_masked(page: Page) -> None:
    """A visit shows nothing until it is opened with a purpose; then it is dismissed with a common reason."""
    page.click("tr.row:has(.masked) a.open")
    page.wait_for_selector("#purpose")
    assert "501室" not in page.inner_text("main")
    photograph(page, "refused-masked")
    page.fill("#purpose", "核对走访所属网格")
    page.click(".opening button")
    page.wait_for_selector("text=501室")
    page.keyboard.press("Escape")
    page.click("form.dismiss summary")
    page.click("form.dismiss .pick:has-text('误操作')")
    page.screenshot(path=SCREENSHOTS / "desk-refused-opened-zh-CN.png")
    page.click("form.dismiss button.primary")
    page.wait_for_selector("#decide .done")
