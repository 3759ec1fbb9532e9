"""A quarter begins: copies of open cases are in its databases, however often a worker looks and whoever moves meanwhile."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.cases import copies, intake, moves
from server.nudges import Nudges
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db, grid_db, quarter_at
from tests.conftest import GRID_A, GRID_B, GRID_ELSEWHERE, person
from tests.records import report, with_rev
from worker import rotate
from worker.rotate import Rotation

# The last minute of 2026q3 in China, and the first of 2026q4.
BEFORE = datetime(2026, 9, 30, 15, 59, tzinfo=UTC)
AFTER = BEFORE + timedelta(minutes=2)
SETTLED = AFTER + timedelta(hours=2)
NEXT = datetime(2026, 12, 31, 16, 0, 1, tzinfo=UTC)
OLD, NEW = grid_db(GRID_A, "2026q3"), grid_db(GRID_A, "2026q4")
CASES = cases_db(GRID_A[:9])


@pytest.fixture
def nudges() -> Any:
    made = Nudges("redis://127.0.0.1:1/0")
    yield made
    made.close()


def take_in(couch: Couch, count: int = 1, grid: str = GRID_A, at: datetime = BEFORE) -> list[str]:
    """Reports of a grid, pushed and made cases just then; the ids of the cases, oldest first."""
    name = grid_db(grid, "2026q3")
    couch.create(name, replicated=True)
    reports = [report(grid, at=at - timedelta(seconds=count - n)) for n in range(count)]
    couch.database(name).bulk([with_rev(one) for one in reports], new_edits=False)
    intake.run(couch, name, at)
    return [one["_id"].replace("report:", "case:") for one in reports]


def close(couch: Couch, case: str, now: datetime) -> None:
    """The desk returns a case, and intake carries that to the phones."""
    nudges = Nudges("redis://127.0.0.1:1/0")
    clerk = person("triage1", "triage", "赵敏", "Zhao Min", townships=[GRID_A[:9]])
    moves.move(couch, nudges, clerk, case, "return", {"reason": "重复上报"}, if_match=None, key="close-it-now", now=now)
    nudges.close()
    intake.run(couch, CASES, now)


def copy(couch: Couch, name: str, case: str) -> dict[str, Any] | None:
    """What a phone sees of a case in a database."""
    return couch.database(name).find(case) if name in couch.all_databases() else None


def run_all(couch: Couch, nudges: Nudges, now: datetime, batch: int = 500) -> int:
    """Batches of a fresh process until none is left; how many."""
    rotation, runs = Rotation(), 1
    while rotation.run(couch, nudges, now, batch):
        runs += 1
    return runs


def test_open_cases_are_in_the_new_quarter_and_closed_ones_are_not(empty_store: Couch, nudges: Nudges) -> None:
    still_open, closed = take_in(empty_store, 2)
    close(empty_store, closed, BEFORE)
    run_all(empty_store, nudges, BEFORE)
    assert NEW not in empty_store.all_databases()
    run_all(empty_store, nudges, AFTER)
    assert copy(empty_store, NEW, still_open) is not None
    assert copy(empty_store, NEW, closed) is None


def test_databases_are_made_where_a_case_is_open_and_nowhere_else(empty_store: Couch, nudges: Nudges) -> None:
    take_in(empty_store)
    [closed] = take_in(empty_store, grid=GRID_B)
    close(empty_store, closed, BEFORE)
    take_in(empty_store, grid=GRID_ELSEWHERE)
    run_all(empty_store, nudges, AFTER)
    made = {name for name in empty_store.all_databases() if name.endswith("2026q4")}
    assert made == {NEW, grid_db(GRID_ELSEWHERE, "2026q4")}


def test_small_batches_go_on_where_a_killed_worker_stopped(empty_store: Couch, nudges: Nudges) -> None:
    cases = take_in(empty_store, 7)
    assert Rotation().run(empty_store, nudges, AFTER, batch=3)
    assert sum(copy(empty_store, NEW, case) is not None for case in cases) == 3
    assert run_all(empty_store, nudges, AFTER, batch=3) == 3, "two batches, and one look that finds no more"
    assert all(copy(empty_store, NEW, case) for case in cases)


def test_cases_of_the_same_second_are_all_taken_along(empty_store: Couch, nudges: Nudges) -> None:
    cases = [take_in(empty_store)[0] for _ in range(5)]
    run_all(empty_store, nudges, AFTER, batch=2)
    assert all(copy(empty_store, NEW, case) for case in cases)


def test_it_stops_between_batches_when_its_time_is_over_and_goes_on_at_the_next_sweep(empty_store: Couch, nudges: Nudges) -> None:
    cases = take_in(empty_store, 4)
    take_in(empty_store, grid=GRID_ELSEWHERE)
    rotation = Rotation()
    assert rotation.run_for(empty_store, nudges, most_s=0.0)
    assert not rotation.run_for(empty_store, nudges, most_s=60.0, batch=2)
    assert all(copy(empty_store, grid_db(GRID_A, quarter_at(datetime.now(UTC))), case) for case in cases)


def test_again_writes_nothing_and_a_finished_quarter_is_not_gone_through(
    empty_store: Couch, nudges: Nudges, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(empty_store, 3)
    run_all(empty_store, nudges, AFTER)
    seq = empty_store.info([NEW])[NEW]
    run_all(empty_store, nudges, SETTLED)
    assert empty_store.info([NEW])[NEW] == seq
    monkeypatch.setattr(rotate, "_copy", lambda *_: pytest.fail("the quarter is done"))
    run_all(empty_store, nudges, SETTLED + timedelta(days=30))


def test_a_case_made_by_an_intake_that_began_in_the_old_quarter_is_found_later(empty_store: Couch, nudges: Nudges) -> None:
    take_in(empty_store)
    run_all(empty_store, nudges, AFTER)
    [late] = take_in(empty_store, at=BEFORE)
    assert copy(empty_store, NEW, late) is None
    run_all(empty_store, nudges, SETTLED)
    assert copy(empty_store, NEW, late) is not None


def test_a_township_made_in_this_quarter_is_not_gone_through(
    empty_store: Couch, nudges: Nudges, monkeypatch: pytest.MonkeyPatch
) -> None:
    [case] = take_in(empty_store, at=SETTLED)
    monkeypatch.setattr(rotate, "_copy", lambda *_: pytest.fail("intake wrote the copy"))
    run_all(empty_store, nudges, SETTLED)
    assert copy(empty_store, NEW, case) is not None


def test_a_township_made_as_the_quarter_began_is_gone_through_once_it_is_settled(empty_store: Couch, nudges: Nudges) -> None:
    take_in(empty_store, at=AFTER)
    [late] = take_in(empty_store, at=BEFORE)
    run_all(empty_store, nudges, AFTER)
    assert copy(empty_store, NEW, late) is None
    run_all(empty_store, nudges, SETTLED)
    assert copy(empty_store, NEW, late) is not None


def test_a_worker_off_over_two_boundaries_catches_up_to_the_present_quarter(empty_store: Couch, nudges: Nudges) -> None:
    [case] = take_in(empty_store)
    run_all(empty_store, nudges, NEXT)
    assert copy(empty_store, grid_db(GRID_A, "2027q1"), case) is not None
    assert NEW not in empty_store.all_databases()


def test_a_case_closed_while_it_was_copied_is_not_left_open_on_phones(
    empty_store: Couch, nudges: Nudges, monkeypatch: pytest.MonkeyPatch
) -> None:
    [case] = take_in(empty_store)
    write = copies.carry_over

    def close_first(couch: Couch, *arguments: Any) -> set[str]:
        close(couch, case, AFTER)
        return write(couch, *arguments)

    monkeypatch.setattr(copies, "carry_over", close_first)
    run_all(empty_store, nudges, AFTER)
    seen = copy(empty_store, NEW, case)
    assert seen is not None
    assert seen["state"] == "returned"


def test_a_later_change_reaches_every_quarter_a_phone_holds(empty_store: Couch, nudges: Nudges) -> None:
    [case] = take_in(empty_store)
    run_all(empty_store, nudges, AFTER)
    run_all(empty_store, nudges, NEXT)
    close(empty_store, case, NEXT)
    for name in (OLD, NEW, grid_db(GRID_A, "2027q1")):
        seen = copy(empty_store, name, case)
        assert seen is not None
        assert seen["state"] == "returned", name


def test_a_township_without_views_is_gone_through_too(empty_store: Couch, nudges: Nudges) -> None:
    [case] = take_in(empty_store)
    cases: Database = empty_store.database(CASES)
    cases.put(cases.get("_design/cases") | {"_deleted": True})
    run_all(empty_store, nudges, AFTER)
    assert copy(empty_store, NEW, case) is not None


def test_a_clock_that_was_a_year_ahead_for_an_hour_skips_no_quarter(empty_store: Couch, nudges: Nudges) -> None:
    [case] = take_in(empty_store)
    for now in (SETTLED, SETTLED + timedelta(days=365), SETTLED, NEXT):
        run_all(empty_store, nudges, now)
    assert copy(empty_store, grid_db(GRID_A, "2027q1"), case) is not None
