"""Working time: rules by name on days of 2026 as they were announced, and what holds for all days (hypothesis)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import worktime
from server.domain.worktime import CHINA, Calendar, Span

# State Council notices for 2026: Spring Festival 15-23 February, National Day 1-7 October, and the weekend days worked for them.
OFF = {date(2026, 1, n) for n in (1, 2, 3)} | {date(2026, 2, n) for n in range(15, 24)} | {date(2026, 10, n) for n in range(1, 8)}
EXTRA = {date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28), date(2026, 9, 20), date(2026, 10, 10)}
YEAR_2026 = Calendar(frozenset({2026}), frozenset(OFF), frozenset(EXTRA))


def at(text: str) -> datetime:
    """An instant by China's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def added(start: str, amount: int, unit: str, calendar: Calendar = YEAR_2026) -> str:
    return f"{worktime.add(calendar, at(start), amount, unit).at.astimezone(CHINA):%Y-%m-%d %H:%M}"


def test_working_hours_pause_at_noon_and_at_night() -> None:
    assert added("2026-11-26 11:00", 2, "working_hours") == "2026-11-26 15:00"
    assert added("2026-11-26 17:00", 2, "working_hours") == "2026-11-27 10:00"


def test_a_limit_given_at_night_begins_when_work_does() -> None:
    assert added("2026-11-26 23:10", 5, "working_hours") == "2026-11-27 16:00"


def test_a_span_that_is_used_up_ends_with_it_and_not_when_the_next_begins() -> None:
    assert added("2026-11-26 09:00", 3, "working_hours") == "2026-11-26 12:00"
    assert added("2026-11-26 09:00", 7, "working_hours") == "2026-11-26 18:00"


def test_the_first_day_is_not_counted_and_the_last_ends_with_business() -> None:
    for start in ("2026-11-26 00:05", "2026-11-26 10:00", "2026-11-26 23:59"):
        assert added(start, 1, "working_days") == "2026-11-27 18:00"


def test_weekends_are_no_working_days() -> None:
    assert added("2026-11-27 16:00", 1, "working_days") == "2026-11-30 18:00"
    assert added("2026-11-28 10:00", 1, "working_hours") == "2026-11-30 10:00"


def test_national_day_is_passed_over_and_the_saturday_worked_for_it_counts() -> None:
    assert added("2026-09-30 15:00", 1, "working_days") == "2026-10-08 18:00"
    assert added("2026-09-30 15:00", 3, "working_days") == "2026-10-10 18:00"
    assert added("2026-09-30 17:00", 2, "working_hours") == "2026-10-08 10:00"
    assert added("2026-10-09 17:00", 2, "working_hours") == "2026-10-10 10:00"


def test_a_sunday_worked_for_national_day_counts() -> None:
    assert added("2026-09-18 10:00", 1, "working_days") == "2026-09-20 18:00"


def test_spring_festival_is_passed_over_and_the_saturdays_worked_for_it_count() -> None:
    assert added("2026-02-13 10:00", 1, "working_days") == "2026-02-14 18:00"
    assert added("2026-02-14 10:00", 1, "working_days") == "2026-02-24 18:00"
    assert added("2026-02-27 10:00", 1, "working_days") == "2026-02-28 18:00"


def test_plain_hours_run_at_night_and_on_holidays() -> None:
    assert added("2026-10-01 23:00", 2, "hours") == "2026-10-02 01:00"


def test_a_year_nobody_has_loaded_goes_by_weekends_and_says_so() -> None:
    due = worktime.add(YEAR_2026, at("2026-12-31 15:00"), 1, "working_days")
    assert (due.at, due.is_provisional) == (at("2027-01-01 18:00"), True)
    known = YEAR_2026._replace(known=frozenset({2026, 2027}), off=YEAR_2026.off | {date(2027, 1, 1)})
    due = worktime.add(known, at("2026-12-31 15:00"), 1, "working_days")
    assert (due.at, due.is_provisional) == (at("2027-01-04 18:00"), False)


def test_a_date_inside_a_known_year_is_final_on_its_last_day_too() -> None:
    assert not worktime.add(YEAR_2026, at("2026-12-30 10:00"), 1, "working_days").is_provisional
    assert not worktime.add(YEAR_2026, at("2026-12-31 15:00"), 20, "hours").is_provisional


def test_days_of_a_year_that_is_not_known_are_not_believed() -> None:
    stray = YEAR_2026._replace(extra=frozenset({date(2027, 1, 2)}))
    assert not worktime.is_working_day(stray, date(2027, 1, 2))


def test_hours_of_work_are_data() -> None:
    winter = YEAR_2026._replace(spans=(Span(8 * 60 + 30, 12 * 60), Span(13 * 60 + 30, 17 * 60 + 30)))
    assert winter.day_min == 450
    assert added("2026-11-26 11:00", 2, "working_hours", winter) == "2026-11-26 14:30"
    assert added("2026-11-26 11:00", 1, "working_days", winter) == "2026-11-27 17:30"


@pytest.mark.parametrize(("amount", "unit"), [(0, "working_days"), (-1, "hours"), (251, "working_days"), (1, "fortnights")])
def test_an_amount_that_is_no_limit_is_refused(amount: int, unit: str) -> None:
    with pytest.raises(ValueError, match=unit):
        worktime.add(YEAR_2026, at("2026-11-26 10:00"), amount, unit)


def test_working_time_between_two_instants_leaves_out_what_is_not_worked() -> None:
    assert worktime.between(YEAR_2026, at("2026-09-30 17:00"), at("2026-10-08 10:30")) == 150
    assert worktime.between(YEAR_2026, at("2026-10-08 10:30"), at("2026-09-30 17:00")) == -150


MOMENTS = st.integers(0, 420 * 24 * 3600).map(lambda seconds: datetime(2025, 12, 1, tzinfo=UTC) + timedelta(seconds=seconds))
MINUTES = st.integers(0, 60 * 7 * 30)
CALENDARS = st.builds(
    Calendar,
    st.frozensets(st.sampled_from([2025, 2026, 2027])),
    st.frozensets(st.dates(date(2025, 12, 1), date(2027, 3, 1)), max_size=40),
    st.frozensets(st.dates(date(2025, 12, 1), date(2027, 3, 1)), max_size=20),
    st.sampled_from([worktime.SPANS, (Span(0, 24 * 60 - 1),), (Span(510, 720), Span(870, 1110))]),
)


@given(CALENDARS, MOMENTS, MINUTES)
def test_what_was_added_is_what_lies_between(calendar: Calendar, start: datetime, minutes: int) -> None:
    assert worktime.between(calendar, start, worktime.add_minutes(calendar, start, minutes).at) == minutes


@given(CALENDARS, MOMENTS, st.integers(1, 40))
def test_days_that_were_added_are_the_days_between(calendar: Calendar, start: datetime, days: int) -> None:
    due = worktime.add(calendar, start, days, "working_days").at
    assert worktime.days_between(calendar, start, due) == days


@given(CALENDARS, MOMENTS, MINUTES, MINUTES)
def test_a_limit_in_two_parts_ends_when_the_whole_one_does(calendar: Calendar, start: datetime, first: int, second: int) -> None:
    in_parts = worktime.add_minutes(calendar, worktime.add_minutes(calendar, start, first).at, second).at
    assert in_parts == worktime.add_minutes(calendar, start, first + second).at


@given(CALENDARS, MOMENTS, st.integers(1, 20), st.integers(1, 20))
def test_days_in_two_parts_end_when_the_whole_ones_do(calendar: Calendar, start: datetime, first: int, second: int) -> None:
    in_parts = worktime.add(calendar, worktime.add(calendar, start, first, "working_days").at, second, "working_days").at
    assert in_parts == worktime.add(calendar, start, first + second, "working_days").at


@given(CALENDARS, MOMENTS, st.integers(0, 10_000), st.integers(0, 50), st.sampled_from(["working_hours", "working_days"]))
def test_nothing_is_ever_due_outside_working_time(
    calendar: Calendar, start: datetime, later_min: int, amount: int, unit: str
) -> None:
    due = worktime.add(calendar, start + timedelta(minutes=later_min), amount + 1, unit)
    assert worktime.is_working(calendar, due.at)
    assert due.at > start


@given(CALENDARS, MOMENTS, st.integers(0, 20_000), st.integers(1, 60), st.sampled_from(worktime.UNITS))
def test_who_begins_later_is_never_due_earlier(
    calendar: Calendar, start: datetime, later_min: int, amount: int, unit: str
) -> None:
    first = worktime.add(calendar, start, amount, unit).at
    assert first <= worktime.add(calendar, start + timedelta(minutes=later_min), amount, unit).at
    assert first <= worktime.add(calendar, start, amount + 1, unit).at


@given(CALENDARS, MOMENTS, st.integers(1, 60), st.sampled_from(worktime.UNITS))
def test_a_date_is_provisional_only_if_a_year_it_counted_is_not_known(
    calendar: Calendar, start: datetime, amount: int, unit: str
) -> None:
    due = worktime.add(calendar, start, amount, unit)
    years = {worktime.day_of(start).year, worktime.day_of(due.at).year}
    assert due.is_provisional == (unit not in worktime.PLAIN_UNITS and not years <= calendar.known)
