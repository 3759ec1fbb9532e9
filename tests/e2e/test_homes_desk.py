"""Household files at the desk, from a worker's phone to the township's screen, and police who ask for one in writing.

Real Chromium on a whole running system; what each page says in detail is `tests/server/web/test_household*.py`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from server.domain import hlc, times
from tests.browsers import DESK, PATIENCE_S, PHONE, picture, start_chromium
from tests.phones import SimulatedPhone
from tests.running import PASSWORD, RunningSystem, until

pytestmark = pytest.mark.e2e
BASIS = {"purpose": "日常走访与便民服务", "given_at": "2026-11-01T08:00:00.000Z", "how": "consent_spoken"}
TELEPHONE = "13700004321"
FACTS = {"address": "同心北街 12 号", "building": "3", "room": "501", "contact_name": "李桂兰", "contact_phone": TELEPHONE}
PAPERS = [{"key": "01", "name": "户口本", "state": "there"}, {"key": "02", "name": "收入证明", "state": "missing"}]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """Everything running, and what a worker brought: a household, an errand, and an overdue visit that found a problem."""
    running = RunningSystem(tmp_path_factory.mktemp("homes") / "data").start()
    worker = SimulatedPhone(running.url, "worker1").enrol()
    stamp = hlc.tick(datetime.now(UTC), worker.enrolment["device_id"])
    home = worker.envelope("household", basis=BASIS, needs=["elderly_alone"], stamps=dict.fromkeys(FACTS, stamp), **FACTS)
    errand = worker.envelope("errand", household=home["_id"], item="低保申请", materials=PAPERS, stamps={"item": stamp})
    report = worker.make_report("燃气软管老化")[0] | {"source": "visit"}
    long_ago = times.to_text(datetime.now(UTC) - timedelta(days=45))
    said: dict[str, Any] = {
        "kind": "safety",
        "findings": "燃气软管老化",
        "answers": {},
        "reports": [report["_id"]],
        "next_at": None,
    }
    visit = worker.envelope("visit", household=home["_id"], address="x", **said) | {"captured_at": long_ago}
    pushed = [(report, worker.database()), (home, worker.database("home")), (errand, worker.database("home"))]
    pushed.append((visit, worker.database("home", quarterly=True)))
    for doc, database in pushed:
        assert [row.get("ok") for row in worker.push([doc], database)] == [True], worker.refused
    yield running
    running.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        found = start_chromium(playwright)
        yield found
        found.close()


def signed_in(browser: Browser, system: RunningSystem, name: str, path: str, size: Any) -> Page:
    context = browser.new_context(viewport=size, locale="zh-CN", timezone_id="Asia/Shanghai")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_S * 1000)
    page.goto(f"{system.url}/?next={path}")
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button")
    page.wait_for_url(f"**{path}")
    return page


def has_shown(page: Page, selector: str) -> bool:
    page.reload()
    return page.locator(selector).count() > 0


def is_within_its_width(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


def test_the_township_finds_an_overdue_household_reads_it_masked_and_follows_its_visit_to_the_case(
    system: RunningSystem, browser: Browser
) -> None:
    page = signed_in(browser, system, "triage1", "/households", DESK)
    until(lambda: has_shown(page, ".tab.alarm"), "the overdue household is counted", 40)
    picture(page, "desk-homes-list-zh-CN")
    page.fill("#q", "桂兰 501")
    page.click("form.filters button")
    page.click("table.homes a.open")
    page.wait_for_selector(".sensitive")
    assert TELEPHONE not in page.content()
    page.locator(".sensitive summary").first.click()
    page.locator(".sensitive [name=purpose]").first.fill("电话约定走访")
    page.locator(".sensitive form button").first.click()
    page.wait_for_selector(f"text={TELEPHONE}")
    assert "独居" not in page.content(), "one field at a time"
    picture(page, "desk-homes-file-zh-CN")
    until(lambda: has_shown(page, ".timeline a[href^='/cases/']"), "the report became a case", 40)
    assert TELEPHONE not in page.content(), "masked again"
    page.click(".timeline a[href^='/cases/']")
    page.wait_for_selector("text=燃气软管老化")
    page.goto(f"{system.url}/households/errands")
    until(lambda: has_shown(page, ".errand a[href^='/cases/']"), "the errand became a case", 40)
    assert [text.split() for text in page.locator(".materials li").all_inner_texts()] == [
        ["户口本", "已备齐"],
        ["收入证明", "缺"],
        ["签名", "未签名"],
    ]
    picture(page, "desk-homes-errands-zh-CN")


def test_an_officer_asks_on_a_phone_the_township_grants_some_of_it_and_each_reading_is_seen(
    system: RunningSystem, browser: Browser
) -> None:
    officer = signed_in(browser, system, "police1", "/requests", PHONE)
    picture(officer, "phone-requests-zh-CN", full_page=True)
    assert is_within_its_width(officer)
    officer.fill("#address", "同心北街 12 号 501")
    officer.select_option("#basis", "criminal_case")
    officer.fill("#document_no", "调取证据通知书〔2026〕15 号")
    officer.fill("#purpose", "核实证人的住处")
    officer.fill("#period_from", times.to_text(datetime.now(UTC) - timedelta(days=60))[:10])
    for fact in ("contact_name", "contact_phone"):
        officer.check(f"[name='fact:{fact}']")
    officer.click("form[action='/requests'] button")
    officer.wait_for_selector(".done")
    assert is_within_its_width(officer)
    triage = signed_in(browser, system, "triage1", "/requests", DESK)
    triage.click(".asking a")
    triage.wait_for_selector("button[value=approve]")
    until(lambda: has_shown(triage, "[name=file]"), "the file is found by its address", 40)
    triage.check("[name=file]")
    triage.uncheck("[name='fact:contact_phone']")
    picture(triage, "desk-requests-decide-zh-CN")
    triage.click("button[value=approve]")
    triage.wait_for_selector(".done")
    officer.reload()
    officer.click("form[action$=reading] button")
    officer.wait_for_selector("text=李桂兰")
    assert TELEPHONE not in officer.content(), "asked, not granted"
    assert is_within_its_width(officer)
    picture(officer, "phone-requests-read-zh-CN", full_page=True)
    triage.reload()
    assert triage.locator(".readings li time").count() == 1
    for path in ("/households", "/households?q=李桂兰"):
        assert officer.goto(system.url + path).status == 404  # type: ignore[union-attr]
