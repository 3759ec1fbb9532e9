"""Homes without a network, in real Chromium: a household found by initials, masked facts opened for a purpose, a member, a visit
by its form that found a problem, an errand with a photographed paper and a signature. Then the network comes: the reading is in
the access log, the errand is a case of the desk's, and what the desk says of it is on the phone.
"""

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Playwright

from server.audit import entries
from server.domain import hlc, times
from sync.couch import Couch
from sync.databases import month_at
from tests.browsers import Phone, picture, wait_for
from tests.e2e.test_lock import state
from tests.e2e.test_main_flow import MOBILE, photograph_phone, send
from tests.media.photographs import camera_jpeg
from tests.phones import SimulatedPhone
from tests.running import RunningSystem, until

pytestmark = pytest.mark.e2e
BASIS = {"purpose": "日常走访与便民服务", "given_at": "2026-11-01T08:00:00.000Z", "how": "consent_signed"}
SECRET = "13951234567"


def households_of_a_colleague(system: RunningSystem) -> str:
    """Sixty households in a grid that two workers share, one of them with something to hide and a visit that is due; its id."""
    colleague = SimulatedPhone(system.url, "worker2").enrol()
    grid, now = colleague.enrolment["grids"][0], datetime.now(UTC)
    stamp = hlc.tick(now, colleague.enrolment["device_id"])

    def household(n: int) -> dict[str, Any]:
        facts: dict[str, Any] = {"address": "文昌北路 12 号", "building": str(1 + n // 24), "unit": str(1 + n // 12 % 2)}
        facts |= {"room": f"{1 + n // 2 % 6}0{1 + n % 2}", "contact_name": "曾秀兰" if n == 40 else f"王{n}", "basis": BASIS}
        facts |= {"contact_phone": SECRET, "needs": ["elderly_alone"]} if n == 40 else {}
        return colleague.envelope("household", grid=grid, stamps=dict.fromkeys(facts, stamp), **facts)

    docs = [household(n) for n in range(60)]
    said = {"address": "文昌北路 12 号", "kind": "routine", "findings": "一切正常", "answers": {}, "reports": []}
    due = times.to_text(now - timedelta(hours=1))
    visit = colleague.envelope("visit", grid=grid, household=docs[40]["_id"], next_at=due, **said)
    quarter = next(one["name"] for one in colleague.enrolment["databases"] if one["name"].startswith(f"home-{grid}-2"))
    colleague.push(docs, f"home-{grid}")
    colleague.push([visit], quarter)
    assert not colleague.refused
    return str(docs[40]["_id"])


def find(phone: Phone, typed: str, household: str) -> None:
    """What a thumb does: letters, one after the other, then the first that is found."""
    phone.page.locator("[type=search]").press_sequentially(typed, delay=60)
    phone.page.wait_for_selector(f"#live a.row[href='/m/homes/{household}?found=1'] >> nth=0")
    wait_for(phone.page, "document.querySelectorAll('#live a.row').length === 1")


def come_back_to_what_was_found(phone: Phone, typed: str) -> None:
    """By the browser's Back and by the page's own arrow; what was typed is in no address, whatever Enter does."""
    entries = phone.page.evaluate("history.length")
    phone.page.locator("[type=search]").press("Enter")
    for back in (phone.page.go_back, lambda: phone.page.click("header a.back")):
        phone.page.click("#live a.row")
        phone.page.wait_for_selector("#address-title")
        back()
        wait_for(phone.page, f"document.querySelector('[type=search]')?.value === '{typed}'")
        phone.page.wait_for_url("**/m/homes?found=1")
        assert phone.page.locator("#live a.row").count() == 1
    assert phone.page.evaluate("history.length") == entries + 2, "the household and the arrow, no letter and no Enter"
    picture(phone.page, "phone-homes-found-zh-CN")


def open_for_a_purpose(phone: Phone) -> None:
    assert SECRET not in phone.page.content()
    picture(phone.page, "phone-household-masked-zh-CN", full_page=True)
    phone.page.click("button[value=visit]")
    phone.page.wait_for_selector(f"a[href='tel:{SECRET}']")
    picture(phone.page, "phone-household-opened-zh-CN", full_page=True)


def add_member(phone: Phone, household: str) -> None:
    phone.open(f"/m/homes/{household}/members/new")
    phone.page.fill("#name", "曾小兰")
    phone.page.fill("#relation", "女儿")
    phone.page.click("#needs .choice >> nth=1")
    send(phone, "#members-title")
    assert "曾小兰" in phone.page.inner_text("section:has(#members-title)")


def visit_that_finds_a_problem(phone: Phone, household: str) -> tuple[str, str]:
    """A safety check by its questions, and the report of what it found; the pages of both."""
    phone.open(f"/m/homes/{household}/visits/new")
    phone.page.click("#kind .choice:has([value=safety])")
    phone.page.click("#answer-gas_is_safe .choice >> nth=1")
    phone.page.fill("#findings", "煤气软管老化，已劝停用")
    phone.page.check("[name=raise]", force=True)
    picture(phone.page, "phone-visit-safety-zh-CN", full_page=True)
    send(phone, "#form-errors .notice")
    phone.page.wait_for_selector("#answer-wiring_is_safe-error:not(:empty)")  # what the form needs is asked for
    for key in ("wiring_is_safe", "exit_is_clear"):
        phone.page.click(f"#answer-{key} .choice >> nth=0")
    send(phone, "#report-form")
    visit = phone.page.url.partition("visit=")[2]
    phone.page.evaluate("document.querySelector(`input[name=category][value='3201']`).click()")
    phone.page.fill("#text", "煤气软管老化")
    send(phone, ".steps")
    report = phone.page.url.removeprefix(phone.system.url).partition("?")[0]
    return f"/m/records/{visit}", report


def errand_with_paper_and_signature(phone: Phone, household: str, photo: Path) -> str:
    phone.open(f"/m/homes/{household}/errands/new")
    phone.page.click("#item .choice:has([value=old-age])")
    send(phone, "#errand-title")
    errand = phone.page.url.removeprefix(phone.system.url)
    phone.page.click("a.row >> nth=0")
    phone.page.wait_for_selector("#state")
    phone.page.set_input_files("[data-gallery]", [photo])
    send(phone, "#errand-title")
    phone.open(f"{errand}/signature")
    box = phone.page.locator("canvas").bounding_box()
    assert box
    phone.page.mouse.click(box["x"] + 10, box["y"] + 10)
    send(phone, "#form-errors .notice")
    phone.page.wait_for_selector("#signature-error:not(:empty)")  # a dot signs nothing
    box = phone.page.locator("canvas").bounding_box()
    assert box
    phone.page.mouse.move(box["x"] + 30, box["y"] + 40)
    phone.page.mouse.down()
    phone.page.mouse.move(box["x"] + 150, box["y"] + 90, steps=6)
    phone.page.mouse.up()
    picture(phone.page, "phone-errand-signature-zh-CN", full_page=True)
    send(phone, "#errand-title")
    wait_for(phone.page, "[...document.querySelectorAll('main img.thumb')].length === 2")
    asked = []
    phone.page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    phone.page.click("form:has([value=handed_in]) button")
    phone.page.wait_for_selector("form:has([value=done])")
    assert "银行卡" in asked[0], "a paper that lacks is named before"
    return errand


def move(system: RunningSystem, desk: requests.Session, case: str, name: str, **fields: Any) -> None:
    headers = {"Origin": system.url, "Idempotency-Key": secrets.token_hex(8)}
    answer = desk.post(f"{system.url}/api/cases/{case}/events", json={"move": name, **fields}, headers=headers, timeout=10)
    assert answer.ok, answer.text


def reading_is_logged(system: RunningSystem, household: str) -> None:
    couch, month = Couch(system.store_url()), month_at(datetime.now(UTC))

    def logged() -> list[dict[str, Any]]:
        return [one for one in entries.read(couch, month) if one["action"] == "household.unmask"]

    until(logged, "the reading in the access log", 60)
    [entry] = logged()
    assert (entry["by"], entry["subject"], entry["why"]) == ("worker1", household, "走访联系")
    assert entry["facts"]["fields"] == ["contact_phone", "needs"]
    shown = system.desk().get(f"{system.url}/audit", params={"action": "household.unmask"}, timeout=10)
    assert household in shown.text
    assert SECRET not in shown.text


def errand_is_returned_and_sent_again(phone: Phone, system: RunningSystem, desk: requests.Session, errand: str) -> str:
    """Its case, whose papers the office sees; what it returns stands on the phone, is put right, and goes on."""

    def cases() -> list[dict[str, object]]:
        return [one for one in system.cases(desk) if one["category"] == "4104"]

    until(cases, "the errand's case", 60)
    case = str(cases()[0]["id"])
    found = desk.get(f"{system.url}/api/cases/{case}", timeout=10).json()
    assert found["kind"] == "service"

    def shown() -> str:
        return desk.get(f"{system.url}/cases/{case}", headers={"Accept": "text/html"}, timeout=10).text

    until(lambda: shown().count("data-full=") == 2, "the office sees the paper and the signature", 60)
    move(system, desk, case, "return", reason="身份证看不清")
    phone.open("/m/cases")
    phone.page.click(f"section[aria-label='待我处理'] a.row[href='{errand}']:has-text('身份证看不清')", timeout=60_000)
    phone.page.click("a[href$='note?intent=resubmit']")
    phone.page.fill("#text", "重拍了身份证")
    send(phone, "#errand-title")
    until(lambda: cases()[0]["state"] == "reported", "the errand sent again", 60)
    move(system, desk, case, "accept")
    phone.page.wait_for_selector("#errand-title ~ p .chip:has-text('已受理')", timeout=60_000)
    return case


def task_about_the_household(phone: Phone, system: RunningSystem, desk: requests.Session, case: str, household: str) -> None:
    """Sent down from the errand's case: what is begun of its answer is kept sealed, is there again, and goes with the answer."""
    move(system, desk, case, "send_task", kind="visit", text="请上门再看一次证件", days=2)
    phone.open("/m/")
    phone.page.click(f"a.row[href^='/m/homes/{household}/tasks/']", timeout=60_000)
    phone.page.fill("#text", "证件已当面核对")
    path = phone.page.url.removeprefix(system.url)
    until(lambda: path in (state(phone.page, "sealed-drafts") or {}), "what is begun is kept")
    phone.page.reload()
    phone.page.wait_for_selector("[data-sealed-draft]")
    wait_for(phone.page, "document.querySelector('#text').value === '证件已当面核对'")
    picture(phone.page, "phone-household-task-zh-CN")
    phone.page.click("#outcome .choice >> nth=0")
    send(phone, ".notice.good")
    assert path not in state(phone.page, "sealed-drafts")
    found = f"{system.url}/api/cases/{case}"
    until(lambda: desk.get(found, timeout=10).json()["tasks"][0]["state"] == "answered", "the answer at the desk", 60)


def test_homes_work_without_a_network_and_what_was_done_there_arrives(
    system: RunningSystem, playwright: Playwright, tmp_path: Path
) -> None:
    household = households_of_a_colleague(system)
    phone = Phone(playwright, tmp_path / "worker", system, **MOBILE)
    phone.enrol("worker1")
    phone.open("/m/")
    phone.page.wait_for_selector("a[href='/m/homes?due=1']", timeout=60_000)
    phone.context.set_offline(True)
    phone.page.click("a[href='/m/homes?due=1']")
    phone.page.wait_for_selector(f"a.row[href='/m/homes/{household}']:has(.chip.wait)")
    phone.open("/m/homes")
    picture(phone.page, "phone-homes-due-zh-CN", full_page=True)
    find(phone, "zxl", household)
    come_back_to_what_was_found(phone, "zxl")
    phone.page.click("#live a.row")
    phone.page.wait_for_selector("#address-title")
    open_for_a_purpose(phone)
    add_member(phone, household)
    visit, report = visit_that_finds_a_problem(phone, household)
    phone.open(visit)
    phone.page.click(f"a.row[href='{report}']")
    phone.page.wait_for_selector(f"a.row[href='{visit}']")
    phone.open("/m/homes")
    assert phone.page.locator(".chip.wait:has-text('应走访')").count() == 0, "the visit was made"
    errand = errand_with_paper_and_signature(phone, household, camera_jpeg(tmp_path / "card.jpg", orientation=1, text="card"))

    phone.context.set_offline(False)
    reading_is_logged(system, household)
    desk = system.desk("community1")

    case = errand_is_returned_and_sent_again(phone, system, desk, errand)
    task_about_the_household(phone, system, desk, case, household)
    for language in ("en", "zh-CN"):
        pages = {"phone_errand": errand, "phone_errands": "/m/errands", "phone_household_lists": f"/m/homes/{household}"}
        photograph_phone(phone, language, **pages)
