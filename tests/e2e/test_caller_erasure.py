"""Somebody who called is erased, in real Chromium: a clerk registers the call, looks at what goes, types the case's number, and
the worker takes the caller out behind the page.
"""

import orjson
import pytest
from playwright.sync_api import Page, Playwright

from sync.couch import Couch
from sync.databases import ERASURES, cases_db
from tests.browsers import DESK, picture, sign_in, start_chromium
from tests.running import RunningSystem, until

pytestmark = pytest.mark.e2e
TOWNSHIP, NAME, PHONE = "640105002", "欧阳删测", "13800004713"
SETTLED = "#caller .sub:has-text('已删除')"


def test_a_caller_is_erased_at_the_case_and_its_page_says_so(system: RunningSystem, playwright: Playwright) -> None:
    couch = Couch(system.store_url())
    browser = start_chromium(playwright)
    page = browser.new_page(viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai")
    sign_in(page, system, "triage1")
    case_no = registered(page, system)
    both(page, system, "desk-caller")
    assert told(couch) != []
    page.click("#caller summary")
    picture(page, "desk-caller-rights")
    page.click("#caller a[href$=erasure]")
    page.wait_for_selector("#typed")
    both(page, system, "desk-caller-erasure")
    assert "有 1 处文字写到来电人的姓名或电话" in page.inner_text("main")
    page.select_option("#basis", "asked_for")
    page.fill("#typed", "别的编号")
    page.click("button.final")
    page.wait_for_selector("#typed-wrong")
    picture(page, "desk-caller-wrong", full_page=True)
    page.fill("#typed", case_no)
    page.click("button.final")
    page.wait_for_selector("#caller .masked:has-text('依法永久删除')")
    until(lambda: is_done(couch), "the worker")
    page.reload()
    page.wait_for_selector(SETTLED)
    both(page, system, "desk-caller-erased")
    assert told(couch) == []
    browser.close()


def test_news_leave_alone_what_a_clerk_has_opened_and_typed(system: RunningSystem, playwright: Playwright) -> None:
    browser = start_chromium(playwright)
    context = browser.new_context(viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai")
    page, other = context.new_page(), context.new_page()
    sign_in(page, system, "triage1")
    registered(page, system)
    page.click("#caller summary")
    page.fill("#copy-purpose", "本人申请查阅")
    shown = page.get_attribute("#case", "data-version")
    other.goto(page.url)
    other.click("form.move.accept button.submit")
    other.wait_for_selector("#moves .done")
    page.wait_for_selector(f"#case:not([data-version='{shown}'])")
    assert page.is_visible("#copy-purpose")
    assert page.input_value("#copy-purpose") == "本人申请查阅"
    browser.close()


def registered(page: Page, system: RunningSystem) -> str:
    """A call taken down at the township's counter, whose words name the caller; the case's number. Its page is open."""
    page.goto(f"{system.url}/township/{TOWNSHIP}/intake")
    page.select_option("#category", "1101")
    page.fill("#text", f"来电人电话 {PHONE[:3]}-{PHONE[3:]}：垃圾没人收")
    page.fill("#caller_name", NAME)
    page.fill("#caller_phone", PHONE)
    page.click("form:has(#caller_name) button.primary")
    page.wait_for_url("**/cases/case:*")
    return page.inner_text(".case-title .no")


def both(page: Page, system: RunningSystem, name: str) -> None:
    """What it looks like in Chinese and in English."""
    address = page.url
    picture(page, f"{name}-zh-CN", full_page=True)
    page.goto(f"{address}?lang=en")
    picture(page, f"{name}-en", full_page=True)
    page.goto(f"{address}?lang=zh-CN")


def is_done(couch: Couch) -> bool:
    found = couch.database(ERASURES).range("erasure:", "erasure:\ufff0", 10)
    return [(doc["what"], doc["state"], doc["counts"]) for doc in found] == [("caller", "done", {"caller": 1})]


def told(couch: Couch) -> list[str]:
    """Documents that still tell who called, besides what somebody wrote."""
    rows = couch.database(cases_db(TOWNSHIP)).changes(None, 5000).results
    return [row["id"] for row in rows if (text := orjson.dumps(row.get("doc")).decode()) and (NAME in text or PHONE in text)]
