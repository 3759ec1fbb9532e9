"""Real moves carry their clock's facts, and the overdue list goes by them."""

import secrets
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from server.cases import intake, moves, search, store
from server.cases.search import Filters
from server.domain import ids, times
from server.nudges import Nudges
from sync.couch import Couch
from tests.conftest import GRID_A, person
from tests.records import receipt, report
from tests.server.cases.conftest import CASES_DB, GRID_DB, Push
from tests.server.domain.test_clock_rules import FIVE_HOURS, UNIT, Story
from tests.server.domain.test_worktime import at

TOWNSHIP = GRID_A[:9]
DEPT1 = person("dept1", "department", "市政", "Utilities", units=[UNIT])
MONDAY = at("2026-11-23 10:00")


@pytest.fixture(autouse=True)
def units(couch: Couch) -> Iterator[None]:
    couch.create("ref", replicated=True)
    couch.database("ref").put({"_id": UNIT, "type": "unit", "v": 1, "level": "township", "name": {"zh-CN": "市政"}})
    couch.database("ref").put({"_id": f"township:{TOWNSHIP}", "type": "township", "v": 1})
    yield
    couch.delete("ref")


def test_a_report_that_came_late_is_dispatched_and_due_by_when_the_server_had_it(
    couch: Couch, push: Push, no_broker: Nudges, people: dict[str, dict[str, Any]]
) -> None:
    [pushed] = push(report(category="1101", at=at("2026-11-16 09:00")), receipted=False)
    couch.database(GRID_DB).bulk([receipt([pushed["_id"]], MONDAY)])
    intake.run(couch, GRID_DB, at("2026-11-23 10:01"))
    case_id = ids.case_id(pushed["_id"])
    case = couch.database(CASES_DB).get(case_id)
    assert (case["received_at"], case["due_at"], case["state_due_at"]) == (
        times.to_text(MONDAY),
        None,
        times.to_text(at("2026-11-23 12:00")),
    )

    def move(who: dict[str, Any], name: str, when: str, **fields: Any) -> store.Loaded:
        key = secrets.token_hex(8)
        return moves.move(couch, no_broker, who, case_id, name, fields, if_match=None, key=key, now=at(when))

    clerk = people["triage1"]
    move(clerk, "accept", "2026-11-23 10:30")
    sent = move(clerk, "dispatch", "2026-11-23 11:00", unit=UNIT, reason="职责").case
    assert (sent["due_at"], sent["is_provisional"]) == (times.to_text(at("2026-11-24 18:00")), False)
    assert [pct for _, pct in sent["marks"]] == [50, 80, 100]
    move(DEPT1, "ask", "2026-11-23 12:00", what="stop", reason="等待材料")
    assert move(clerk, "grant", "2026-11-23 14:00").case["due_at"] is None
    resumed = move(clerk, "resume", "2026-11-30 14:00", reason="已到").case
    assert resumed["due_at"] == times.to_text(at("2026-12-01 18:00"))
    assert store.refold(couch.database(CASES_DB), case_id) == move_again(couch, case_id)


def move_again(couch: Couch, case_id: str) -> store.Loaded | None:
    return store.load(couch.database(CASES_DB), case_id)


def overdue(couch: Couch, now: datetime, limit: int = 50, **filters: Any) -> list[str]:
    """The ids of overdue cases, page by page."""
    found, cursor = [], None
    while True:
        page = search.search(couch, TOWNSHIP, Filters(overdue_at=now, **filters), limit, cursor)
        found += [case["id"] for case in page.cases]
        cursor = page.next
        if cursor is None:
            return found


def test_the_overdue_list_has_open_cases_whose_clock_ran_out_and_no_others(couch: Couch) -> None:
    couch.delete(CASES_DB)
    database = store.ensure(couch, TOWNSHIP)

    def story(when: str = "2026-11-26 09:00") -> Story:
        return Story(when, FIVE_HOURS).dispatched(when)

    late, later = story(), story("2026-11-26 10:00")
    others = {
        "in time": story("2026-11-27 09:00"),
        "stopped": story().granted("2026-11-26 11:00", "stop"),
        "shelved": story().granted("2026-11-26 11:00", "shelf"),
        "not dispatched": Story("2026-11-26 09:00").move("2026-11-26 10:00", "accept"),
        "closed late": story()
        .move("2026-11-27 09:00", "answer", party=UNIT, result="已修")
        .move("2026-11-27 09:30", "close", result="已修"),
        "transferred": story().move("2026-11-26 11:00", "transfer", authority="区住建局", reason="超出权限"),
    }
    database.bulk([one.case for one in (late, later, *others.values())])
    now = at("2026-11-27 10:00")
    assert overdue(couch, now) == [later.case["_id"], late.case["_id"]]
    assert overdue(couch, now, limit=1) == [later.case["_id"], late.case["_id"]]
    assert overdue(couch, at("2026-11-26 16:30")) == [late.case["_id"]]
    assert overdue(couch, at("2026-11-26 16:00")) == []
    assert overdue(couch, now, unit=UNIT, state="dispatched") == overdue(couch, now)
    assert overdue(couch, now, category="nothing") == []
