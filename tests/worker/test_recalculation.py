"""When a year becomes known, open cases get the dates it decides, each once, and only those whose dates change."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from server.calendars import current, years
from server.cases import store
from server.nudges import Nudges
from sync.couch import Couch
from sync.databases import cases_db
from tests.server.domain.test_clock_rules import ONE_DAY, UNIT, Story
from tests.server.domain.test_worktime import at
from worker import recalculation

TOWNSHIP = "640105002"
NEW_YEAR = [("2027-01-01~2027-01-03", "休")]
LATER = at("2026-12-31 17:30")


@pytest.fixture
def system(empty_store: Couch) -> Iterator[Couch]:
    """A store that knows 2026, and has been gone through with that."""
    empty_store.create("ref", replicated=True)
    store.ensure(empty_store, TOWNSHIP)
    current.current(empty_store, is_fresh=True)
    yield empty_store
    current.current(empty_store, is_fresh=True)


def keep(couch: Couch, story: Story) -> str:
    """Stores a case; its id."""
    couch.database(cases_db(TOWNSHIP)).bulk([*story.events, story.case])
    return str(story.case["_id"])


def dispatched(couch: Couch, when: str = "2026-12-31 16:00") -> Story:
    return Story(when, ONE_DAY, current.current(couch).calendar).dispatched(when).move(when, "start", party=UNIT)


def dates(couch: Couch, case_id: str) -> tuple[str, bool, int]:
    case = couch.database(cases_db(TOWNSHIP)).get(case_id)
    due = datetime.fromisoformat(case["due_at"]) + timedelta(hours=8)
    return f"{due:%m-%d %H:%M}", case["is_provisional"], case["events"]


def test_loading_a_year_makes_its_provisional_dates_final(system: Couch, nudges: Nudges) -> None:
    waiting, done_before = keep(system, dispatched(system)), keep(system, dispatched(system, "2026-11-26 10:00"))
    assert dates(system, waiting) == ("01-01 18:00", True, 4)
    years.load(system, "admin", 2027, NEW_YEAR, LATER)
    assert recalculation.recalculate(system, nudges, LATER) == 1
    assert dates(system, waiting) == ("01-04 18:00", False, 5)
    assert dates(system, done_before) == ("11-27 18:00", False, 4)


def test_it_is_done_once_and_looked_at_once_more_a_little_later(system: Couch, nudges: Nudges) -> None:
    case_id = keep(system, dispatched(system))
    years.load(system, "admin", 2027, NEW_YEAR, LATER)
    for seconds in (0, 10, 40, 50):
        recalculation.recalculate(system, nudges, LATER + timedelta(seconds=seconds))
    assert dates(system, case_id)[2] == 5
    place = system.database(cases_db(TOWNSHIP)).local_get("recalculation")
    assert place
    assert (len(place["ends"]), place["after"]) == (2, None)


def test_who_moved_a_case_by_the_calendar_before_is_found_by_the_second_look(system: Couch, nudges: Nudges) -> None:
    story = dispatched(system)
    years.load(system, "admin", 2027, NEW_YEAR, LATER)
    recalculation.recalculate(system, nudges, LATER)
    case_id = keep(system, story)
    recalculation.recalculate(system, nudges, LATER + timedelta(seconds=10))
    assert dates(system, case_id)[1]
    recalculation.recalculate(system, nudges, LATER + timedelta(seconds=40))
    assert dates(system, case_id) == ("01-04 18:00", False, 5)


def test_taking_the_year_back_makes_them_provisional_again_and_loading_it_again_final(system: Couch, nudges: Nudges) -> None:
    case_id = keep(system, dispatched(system))
    years.load(system, "admin", 2027, NEW_YEAR, LATER)
    recalculation.recalculate(system, nudges, LATER)
    years.go_back(system, "admin", 2027, 0, LATER)
    recalculation.recalculate(system, nudges, LATER)
    assert dates(system, case_id) == ("01-01 18:00", True, 6)
    years.go_back(system, "admin", 2027, 1, LATER)
    recalculation.recalculate(system, nudges, LATER)
    assert dates(system, case_id) == ("01-04 18:00", False, 7)


def test_many_are_gone_through_in_small_steps_and_none_is_left_out(system: Couch, nudges: Nudges) -> None:
    case_ids = [keep(system, dispatched(system)) for _ in range(7)]
    years.load(system, "admin", 2027, NEW_YEAR, LATER)
    while recalculation.recalculate(system, nudges, LATER, batch=2):
        pass
    assert {dates(system, one) for one in case_ids} == {("01-04 18:00", False, 5)}


def test_an_event_that_was_written_before_a_crash_is_not_written_twice(
    system: Couch, nudges: Nudges, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = keep(system, dispatched(system))
    years.load(system, "admin", 2027, NEW_YEAR, LATER)
    with monkeypatch.context() as patch:
        patch.setattr(store, "refold", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            recalculation.recalculate(system, nudges, LATER)
    recalculation.recalculate(system, nudges, LATER)
    assert dates(system, case_id) == ("01-04 18:00", False, 5)
