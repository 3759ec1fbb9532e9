"""Warnings are said once each, with the instant they fell due, whatever the worker was doing meanwhile."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from server.cases import store
from server.domain import case_warnings, ids, times
from server.notices import store as notice_store
from sync.couch import Couch
from sync.databases import cases_db
from tests.conftest import wait_until
from tests.records import new_id
from tests.server.domain.test_clock_rules import FIVE_HOURS, UNIT, Story
from tests.server.domain.test_worktime import at
from tests.worker.conftest import running_worker
from worker import deadlines

TOWNSHIP = "640105002"
CASES = cases_db(TOWNSHIP)
Document = dict[str, Any]
Keep = Callable[..., Document]


@pytest.fixture
def keep(empty_store: Couch) -> Keep:
    """Stores a case as a story left it, its events too."""
    notice_store.ensure(empty_store)
    database = store.ensure(empty_store, TOWNSHIP)

    def one(story: Story) -> Document:
        case = story.case
        present = database.find(case["_id"])
        database.bulk([event for event in story.events if database.find(event["_id"]) is None])
        database.bulk([case | ({"_rev": present["_rev"]} if present else {})])
        return case

    return one


def dispatched() -> Story:
    """Five working hours from nine o'clock: half of them at 11:30, four fifths at 15:00, all at 16:00."""
    return Story("2026-11-26 09:00", FIVE_HOURS).dispatched("2026-11-26 09:00").move("2026-11-26 09:05", "start", party=UNIT)


def said(couch: Couch) -> list[tuple[str, str]]:
    """What was said, and when it fell due by China's clock."""
    found = couch.database("notices").range("notice:", "notice:\ufff0", 9999)
    clocks = [one for one in found if one["what"].startswith("clock.")]
    return sorted((local(one["at"]), f"{one['what']} {one['facts']['pct']}") for one in clocks)


def local(text: str) -> str:
    return f"{times.from_text(text) + timedelta(hours=8):%m-%d %H:%M}"


ALL = [("11-26 11:30", "clock.warned 50"), ("11-26 15:00", "clock.warned 80"), ("11-26 16:00", "clock.overdue 100")]
STATE = ("11-26 16:05", "clock.state_overdue 100")


def test_a_warning_is_said_when_it_falls_due_and_not_before(empty_store: Couch, keep: Keep) -> None:
    keep(dispatched())
    for when, count in (("11:29", 0), ("11:30", 1), ("14:59", 1), ("15:00", 2), ("16:04", 3), ("16:05", 4)):
        deadlines.warn(empty_store, at(f"2026-11-26 {when}"))
        assert len(said(empty_store)) == count, when


def test_after_a_day_off_every_warning_is_said_once_with_the_instant_it_fell_due(empty_store: Couch, keep: Keep) -> None:
    keep(dispatched())
    deadlines.warn(empty_store, at("2026-11-26 09:10"))
    for when in ("2026-11-27 20:00", "2026-11-27 20:01", "2026-11-28 09:00"):
        deadlines.warn(empty_store, at(when))
    assert said(empty_store) == [*ALL, STATE]


def test_a_first_run_ever_says_what_open_cases_wait_for(empty_store: Couch, keep: Keep) -> None:
    keep(dispatched())
    deadlines.warn(empty_store, at("2026-11-26 20:00"))
    assert said(empty_store) == [*ALL, STATE]


def test_many_are_gone_through_in_small_steps_and_none_is_left_out(empty_store: Couch, keep: Keep) -> None:
    for _ in range(7):
        keep(dispatched())
    deadlines.warn(empty_store, at("2026-11-26 09:10"), batch=2)
    deadlines.warn(empty_store, at("2026-11-26 20:00"), batch=2)
    assert Counter(said(empty_store)) == Counter(dict.fromkeys([*ALL, STATE], 7))


def test_a_case_that_is_folded_only_after_its_warning_fell_due_is_warned_of_all_the_same(empty_store: Couch, keep: Keep) -> None:
    deadlines.warn(empty_store, at("2026-11-26 20:00"))
    keep(dispatched())
    deadlines.warn(empty_store, at("2026-11-26 20:01"))
    assert said(empty_store) == [*ALL, STATE]


def test_a_clock_that_stands_still_warns_of_what_fell_before_and_of_nothing_since(empty_store: Couch, keep: Keep) -> None:
    keep(dispatched().granted("2026-11-26 14:00", "stop"))
    deadlines.warn(empty_store, at("2026-11-30 20:00"))
    assert said(empty_store) == ALL[:1]


def test_a_resumed_clock_warns_when_it_now_falls_due(empty_store: Couch, keep: Keep) -> None:
    story = dispatched().granted("2026-11-26 14:00", "stop")
    keep(story)
    deadlines.warn(empty_store, at("2026-11-27 10:00"))
    keep(story.move("2026-11-27 11:00", "resume", reason="材料已到"))
    deadlines.warn(empty_store, at("2026-11-27 20:00"))
    state = ("11-27 15:05", STATE[1])
    assert said(empty_store) == [ALL[0], ("11-27 12:00", ALL[1][1]), ("11-27 15:00", ALL[2][1]), state]


def test_a_case_that_was_closed_in_time_is_warned_of_no_more(empty_store: Couch, keep: Keep) -> None:
    story = dispatched().move("2026-11-26 10:00", "answer", party=UNIT, result="已修")
    keep(story.move("2026-11-26 10:05", "close", result="已修"))
    deadlines.warn(empty_store, at("2026-11-27 20:00"))
    assert said(empty_store) == []


def test_a_clock_set_back_says_nothing_twice_and_leaves_nothing_out(empty_store: Couch, keep: Keep) -> None:
    keep(dispatched())
    for when in ("12:00", "09:00", "15:30"):
        deadlines.warn(empty_store, at(f"2026-11-26 {when}"))
    assert said(empty_store) == ALL[:2]


def test_what_fell_due_long_ago_is_no_news(empty_store: Couch, keep: Keep) -> None:
    keep(dispatched())
    deadlines.warn(empty_store, at("2027-02-01 09:00"))
    assert said(empty_store) == []


def test_a_notice_says_codes_and_no_names(empty_store: Couch, keep: Keep) -> None:
    case = keep(dispatched())
    deadlines.warn(empty_store, at("2026-11-26 12:00"))
    [notice] = empty_store.database("notices").range("notice:", "notice:\ufff0", 9)
    assert (notice["to"], notice["subject"], notice["township"]) == ([UNIT], case["_id"], TOWNSHIP)
    assert set(notice["facts"]) == {"pct", "due_at", "is_provisional", "case_no", "state", "grid", "category", "unit"}


def many_late(couch: Couch, count: int) -> set[str]:
    """Cases whose three warnings fell due within the last hours; the keys of their notices."""
    now, base = datetime.now(UTC), dispatched().case
    fallen = [[times.to_text(now - timedelta(hours=hours)), pct] for hours, pct in ((3, 50), (2, 80), (1, 100))]
    case_ids = [ids.case_id(new_id("report")) for _ in range(count)]
    dates = {"clocks": None, "marks": fallen, "due_at": fallen[-1][0], "state_due_at": None}
    cases = [base | dates | {"_id": id, "events": 1} for id in case_ids]
    assert not any("error" in row for row in couch.database(CASES).bulk(cases))
    return {case_warnings.notice_of(case, one, now)["_id"] for case in cases for one in case_warnings.warnings_of(case)}


def test_a_worker_killed_at_any_moment_says_everything_exactly_once(
    empty_store: Couch, keep: Keep, environment: dict[str, str], tmp_path: Path
) -> None:
    expected = many_late(empty_store, 600)
    notices = empty_store.database("notices")

    def count() -> int:
        return len(notices.range("notice:", "notice:\ufff0", 99_999))

    for _ in range(3):
        before = count()
        with running_worker(environment, tmp_path / "log", "intake") as worker:
            wait_until(lambda before=before: count() > before or count() >= len(expected), 120, "some warnings")
            worker.kill()
    with running_worker(environment, tmp_path / "log", "intake") as worker:
        wait_until(lambda: count() >= len(expected), 150, "all warnings")
        assert not worker.said("Traceback"), worker.log.read_text()[-4000:]
    assert {one["_id"] for one in notices.range("notice:", "notice:\ufff0", 99_999)} == expected
