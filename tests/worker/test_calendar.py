"""A clock is believed when the system lived through the days before; one that jumped is not, and comes to be in days."""

from datetime import timedelta

from sync.couch import Couch
from tests.records import AT
from worker.calendar import Calendar

DAY, YEAR = timedelta(days=1), timedelta(days=365)


def lived(couch: Couch, *days: int) -> bool:
    """Whether the clock is believed on the last of these days, each seen by a process of its own."""
    couch.delete("people")
    couch.create("people", replicated=False)
    return [Calendar().is_believable(couch, AT + day * DAY) for day in days][-1]


def test_two_days_before_this_one_are_enough(couch: Couch) -> None:
    assert not lived(couch, 0)
    assert not lived(couch, 0, 1)
    assert lived(couch, 0, 1, 2)
    assert lived(couch, 0, 3, 6)


def test_a_month_away_starts_anew(couch: Couch) -> None:
    assert not lived(couch, 0, 1, 2, 32)
    assert lived(couch, 0, 1, 2, 32, 33, 34)


def test_a_jump_is_not_believed_and_the_return_from_it_is(couch: Couch) -> None:
    assert not lived(couch, 0, 1, 2, 367)
    assert not lived(couch, 0, 1, 2, -363)
    assert lived(couch, 0, 1, 2, 367, 3)


def test_one_process_notes_each_day_it_lives_through(couch: Couch) -> None:
    couch.delete("people")
    couch.create("people", replicated=False)
    calendar = Calendar()
    assert [calendar.is_believable(couch, AT + hour * DAY / 4) for hour in range(9)] == [False] * 7 + [True] * 2


def test_without_accounts_nothing_is_believed(couch: Couch) -> None:
    couch.delete("people")
    assert not Calendar().is_believable(couch, AT)
