"""Rows of a calendar year as people write them, what is wrong with a row, and versions of a year."""

from datetime import date, datetime

import pytest

from server.domain import calendar_years, worktime
from server.domain.calendar_years import Days, Row
from server.domain.errors import InvalidInput
from server.domain.worktime import Calendar

SPRING: list[Row] = [("2027-02-05~2027-02-11", "休"), ("2027年2月20日", "上班"), (datetime(2027, 1, 1), "放假")]  # noqa: DTZ001
AT = "2026-11-27T01:00:00.000Z"


def codes(rows: list[Row], year: int = 2027) -> list[tuple[int, str]]:
    return [(error.row, error.code) for error in calendar_years.read_rows(year, rows)[1]]


def test_days_are_read_one_by_one_and_from_one_to_another() -> None:
    days, wrong = calendar_years.read_rows(2027, SPRING)
    assert wrong == []
    assert days.off == ["2027-01-01", *(f"2027-02-{n:02}" for n in range(5, 12))]
    assert days.extra == ["2027-02-20"]


def test_every_row_that_cannot_be_used_is_named_with_why() -> None:
    rows: list[Row] = [
        ("2027-02-30", "休"),
        ("2028-01-01", "休"),
        ("2027-05-01", "maybe"),
        ("2027-10-01", "休"),
        ("2027-10-01", "休"),
        ("2027-10-08", "班"),
        ("tomorrow", "休"),
        ("2027-10-07~2027-10-01", "休"),
    ]
    expected = ["bad_date", "other_year", "bad_kind", "twice", "worked_anyway", "bad_date", "bad_date"]
    assert codes(rows) == list(zip([1, 2, 3, 5, 6, 7, 8], expected, strict=True))


def test_a_year_without_a_holiday_is_no_year() -> None:
    assert codes([]) == [(1, "no_holiday")]
    assert codes([("2027-02-20", "班")]) == [(1, "no_holiday")]


def test_more_rows_than_a_year_has_days_are_refused() -> None:
    assert codes([("2027-01-01", "休")] * 401)[-1] == (401, "too_many")


def test_a_loaded_year_counts_alone_even_against_what_the_program_knows() -> None:
    base = Calendar(frozenset({2027}), frozenset({date(2027, 1, 4)}))
    doc = calendar_years.renewed(2027, None, Days(["2027-01-01"], []), AT)
    combined = calendar_years.combined(base, [doc])
    assert worktime.is_working_day(combined, date(2027, 1, 4))
    assert not worktime.is_working_day(combined, date(2027, 1, 1))


def test_an_earlier_version_can_count_again_and_is_a_version_of_its_own() -> None:
    first = calendar_years.renewed(2027, None, Days(["2027-01-01"], []), AT)
    second = calendar_years.renewed(2027, first, Days(["2027-01-02"], []), AT)
    back = calendar_years.renewed(2027, second, calendar_years.version_of(second, 1), AT)
    assert (back["version"], back["off"]) == (3, ["2027-01-01"])
    gone = calendar_years.renewed(2027, back, calendar_years.version_of(back, 0), AT)
    assert calendar_years.combined(Calendar(), [gone]).known == frozenset()
    with pytest.raises(InvalidInput):
        calendar_years.version_of(gone, 99)


def test_only_so_many_earlier_versions_are_kept() -> None:
    doc = None
    for _ in range(30):
        doc = calendar_years.renewed(2027, doc, Days(["2027-01-01"], []), AT)
    assert doc
    assert len(doc["earlier"]) == calendar_years.EARLIER_MOST


def test_hours_of_a_working_day_are_read_as_people_write_them() -> None:
    for text in ("08:30-12:00, 14:30-18:30", "8:30–12:00；14:30~18:30", "8:30-12:00 14:30至18:30"):
        assert calendar_years.read_hours(text) == [[510, 720], [870, 1110]]
    assert calendar_years.hours_text([[510, 720], [870, 1110]]) == "08:30-12:00, 14:30-18:30"


@pytest.mark.parametrize("text", ["", "9-12", "12:00-09:00", "09:00-12:00, 11:00-18:00", "09:00-25:00", "always"])
def test_hours_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        calendar_years.read_hours(text)
