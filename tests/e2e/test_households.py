"""A household file that two workers correct at once, one of them on a phone dated 2030, until the community has looked at it.

The workers speak the real protocol, the wrong phone runs the app's own code; the desk is real Chromium on a whole running system.
"""

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from server.domain import hlc, merge
from sync import conflicts
from sync.couch import Couch
from tests.browsers import DESK, picture, sign_in, start_chromium
from tests.phones import SimulatedPhone
from tests.running import PASSWORD, RunningSystem, until

pytestmark = pytest.mark.e2e
DRIVER = Path(__file__).resolve().parents[1] / "pwa/engine/wrong_clock.mjs"
YEARS_MS = 4 * 365 * 86_400_000
BASIS = {"purpose": "日常走访与便民服务", "given_at": "2026-11-01T08:00:00.000Z", "how": "consent_spoken"}
WRONG, RIGHT = "13900002030", "13800002026"


def stamped(phone: SimulatedPhone, *seen: str) -> str:
    return hlc.tick(datetime.now(UTC), phone.enrolment["device_id"], *seen)


def pushed(phone: SimulatedPhone, database: str, doc: dict[str, Any]) -> dict[str, Any]:
    assert [row.get("ok") for row in phone.push([doc], database)] == [True], phone.refused
    return doc


def make_household(phone: SimulatedPhone, grid: str) -> dict[str, Any]:
    facts = {
        "address": "同心北街 12 号",
        "building": "3",
        "room": "501",
        "contact_name": "李奶奶",
        "contact_phone": "13700000001",
    }
    stamp = stamped(phone)
    doc = phone.envelope("household", grid=grid, basis=BASIS, stamps=dict.fromkeys([*facts, "basis"], stamp), **facts)
    return pushed(phone, f"home-{grid}", doc)


def correct(phone: SimulatedPhone, doc: dict[str, Any], **changes: Any) -> dict[str, Any]:
    body = merge.edit(conflicts.content_of(doc), changes, stamped(phone, merge.latest_stamp(doc)))
    return pushed(phone, f"home-{doc['grid']}", conflicts.successor(doc, body))


def test_a_phone_dated_2030_wins_nothing_and_what_it_lost_is_reviewed(system: RunningSystem) -> None:
    worker = SimulatedPhone(system.url, "worker1").enrol()
    grid = worker.enrolment["grids"][1]
    doc = make_household(worker, grid)
    command = ["node", str(DRIVER), system.url, "worker2", PASSWORD, str(YEARS_MS), doc["_id"], WRONG]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as wrong:
        assert wrong.stdin and wrong.stdout
        told = json.loads(wrong.stdout.readline())
        assert hlc.is_ahead(told["stamp"], datetime.now(UTC))
        # The difference of clocks is measured to half a round trip: on a busy machine two edits closer than that have no order.
        time.sleep(2)
        correct(worker, doc, contact_phone=RIGHT)
        wrong.stdin.write("go on\n")
        wrong.stdin.flush()
        after = json.loads(wrong.stdout.readline())
    assert (after["waiting"], after["left"]) == (1, 0), "refused while the clock is not known, taken once it is"
    assert abs(after["offset_ms"] - YEARS_MS) < 10_000
    couch = Couch(system.store_url())
    home = couch.database(f"home-{grid}")
    until(
        lambda: not home.get(doc["_id"], conflicts=True).get("_conflicts") and home.get(doc["_id"]).get("superseded"), "the merge"
    )
    merged = home.get(doc["_id"])
    assert merged["contact_phone"] == RIGHT, merged
    assert [lost["value"] for lost in merged["superseded"]] == [WRONG]
    assert not any(hlc.is_ahead(stamp, datetime.now(UTC)) for stamp in merged["stamps"].values())
    review_at_the_desk(system)
    assert home.get(doc["_id"])["contact_phone"] == WRONG
    assert home.get(doc["_id"])["superseded"] == []


def review_at_the_desk(system: RunningSystem) -> None:
    """community1 finds the entry, opens it for a purpose and restores it; pictures in both languages."""
    with sync_playwright() as playwright:
        browser = start_chromium(playwright)
        page = browser.new_page(viewport=DESK, locale="zh-CN", timezone_id="Asia/Shanghai")
        sign_in(page, system, "community1")
        page.click("a.to[href='/households']")
        page.click("a.tab[href^='/households/reviews']")
        page.wait_for_selector(".masked")
        assert WRONG not in page.content()
        pictures(page, system, "desk-households-masked")
        page.fill("input[name=purpose]", "与住户电话核对号码")
        page.click("form[action$=opening] button")
        page.wait_for_selector(f"text={WRONG}")
        pictures(page, None, "desk-households-opened")
        page.click("form[action$=restoration] button")
        page.wait_for_selector("p.done")
        browser.close()


def pictures(page: Page, system: RunningSystem | None, name: str) -> None:
    """What it looks like in Chinese and, where the address says it all, in English."""
    picture(page, f"{name}-zh-CN")
    if system is not None:
        page.goto(f"{system.url}/households/reviews?lang=en")
        picture(page, f"{name}-en")
        page.goto(f"{system.url}/households/reviews?lang=zh-CN")
