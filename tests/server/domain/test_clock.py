"""One clock: stopped and resumed it keeps what it had, extended it has more, run out it stays run out."""

from datetime import date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from server.domain import clock, limits, times, worktime
from server.domain.limits import Limit
from server.domain.worktime import CHINA, Calendar
from tests.server.domain.test_worktime import CALENDARS, MOMENTS, YEAR_2026, at

FIVE_HOURS = Limit(5, "working_hours")


def due_of(one: clock.Clock, calendar: Calendar = YEAR_2026) -> str:
    return f"{clock.due(calendar, one).at.astimezone(CHINA):%m-%d %H:%M}"


def test_a_clock_runs_out_when_its_limit_is_over() -> None:
    assert due_of(clock.started(FIVE_HOURS, at("2026-11-26 10:00"))) == "11-26 17:00"


def test_a_stopped_clock_goes_on_with_what_it_had_left() -> None:
    one = clock.started(FIVE_HOURS, at("2026-11-26 10:00"))
    standing = clock.stopped(YEAR_2026, one, at("2026-11-26 11:30"))
    assert clock.remaining_min(YEAR_2026, standing, at("2026-11-30 10:00")) == 210
    assert due_of(clock.resumed(standing, at("2026-11-30 10:00"))) == "11-30 15:30"


def test_stopping_a_clock_that_ran_out_does_not_make_it_less_late() -> None:
    one = clock.started(FIVE_HOURS, at("2026-11-26 10:00"))
    standing = clock.stopped(YEAR_2026, one, at("2026-11-27 10:00"))
    assert clock.remaining_min(YEAR_2026, standing, at("2026-11-27 10:00")) == 0
    assert due_of(clock.resumed(standing, at("2026-11-30 10:00"))) == "11-26 17:00"


def test_an_extension_comes_behind_what_is_left() -> None:
    one = clock.extended(clock.started(FIVE_HOURS, at("2026-11-26 10:00")), Limit(2, "working_days"))
    assert due_of(one) == "11-30 18:00"


def test_an_extension_of_a_clock_that_stands_still_counts_when_it_goes_on() -> None:
    one = clock.stopped(YEAR_2026, clock.started(FIVE_HOURS, at("2026-11-26 10:00")), at("2026-11-26 11:00"))
    assert due_of(clock.resumed(clock.extended(one, Limit(1, "working_hours")), at("2026-11-27 09:00"))) == "11-27 16:00"


def test_warnings_of_a_resumed_clock_are_at_shares_of_the_whole() -> None:
    one = clock.started(Limit(10, "working_hours"), at("2026-11-26 09:00"))
    standing = clock.stopped(YEAR_2026, one, at("2026-11-26 15:00"))
    again = clock.resumed(standing, at("2026-11-30 09:00"))
    found = clock.marks(YEAR_2026, again, [], at("2026-11-30 09:00"))
    assert [(datetime.fromisoformat(text).astimezone(CHINA), pct) for text, pct in found] == [
        (at("2026-11-30 10:00"), 50),
        (at("2026-11-30 15:00"), 80),
        (at("2026-11-30 17:00"), 100),
    ]


def test_a_warning_that_has_fallen_stays_and_comes_again_only_with_more_time() -> None:
    one, noon = clock.started(FIVE_HOURS, at("2026-11-26 09:00")), at("2026-11-26 14:00")
    fallen = [mark for mark in clock.marks(YEAR_2026, one, [], at("2026-11-26 09:00")) if mark[0] <= times.to_text(noon)]
    assert [pct for _, pct in fallen] == [50]
    assert [pct for _, pct in clock.marks(YEAR_2026, one, fallen, noon)] == [50, 80, 100]
    longer = clock.extended(one, Limit(10, "working_hours"))
    assert [pct for _, pct in clock.marks(YEAR_2026, longer, fallen, noon)] == [50, 50, 80, 100]


def test_a_date_that_turns_out_earlier_than_thought_warns_all_the_same() -> None:
    one = clock.started(Limit(1, "working_days"), at("2026-11-27 10:00"))
    sunday_worked = YEAR_2026._replace(extra=frozenset({date(2026, 11, 28)}))
    now = at("2026-11-29 10:00")
    assert [pct for text, pct in clock.marks(sunday_worked, one, [], now) if text <= times.to_text(now)] == [50, 80, 100]


@given(CALENDARS, MOMENTS, st.integers(1, 60), st.sampled_from(worktime.UNITS), st.lists(st.integers(0, 9000), max_size=6))
def test_however_often_it_is_stopped_it_gets_what_it_was_given(
    calendar: Calendar, start: datetime, amount: int, unit: str, pauses_min: list[int]
) -> None:
    one = clock.started(Limit(amount, unit), start)
    is_plain = one["is_plain"]

    def between(since: datetime, until: datetime) -> timedelta:
        return limits.measured(calendar, since, until, is_plain_hours=is_plain)

    left, at_ = between(start, clock.due(calendar, one).at), start
    for pause_min in pauses_min:
        at_ += timedelta(minutes=pause_min)
        left -= between(times.from_text(one["since"]), at_)
        one = clock.stopped(calendar, one, at_)
        if clock.is_running(one):
            assert left <= timedelta(0)
            return
        # A minute begun is a minute left: what is kept is never less than what was left, and less than a minute more.
        kept = one["terms"][0][0] * worktime.MINUTE
        assert left <= kept < left + worktime.MINUTE
        left = kept
        at_ += timedelta(minutes=pause_min)
        one = clock.resumed(one, at_)
    assert clock.remaining_min(calendar, one, at_) == -(-left // worktime.MINUTE)
