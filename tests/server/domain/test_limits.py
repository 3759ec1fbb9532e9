"""How long a case may take, and each of its states: rows of tables, shortened by urgency, overridden by places and categories."""

from datetime import UTC, datetime

import pytest

from server.domain import catalogue, limits, times, worktime
from server.domain.limits import Limit
from server.domain.worktime import CHINA, Calendar
from tests.server.domain.test_worktime import YEAR_2026, at

DAY_MIN = Calendar().day_min
FOUR_DAYS = {"limit": {"amount": 4, "unit": "working_days"}}


def test_every_category_of_the_catalogue_has_a_limit_in_every_urgency() -> None:
    for category in catalogue.categories():
        for urgency in limits.URGENCIES:
            assert limits.of_case(category, urgency, DAY_MIN)
            assert limits.of_state("in_hand", category, urgency, DAY_MIN)


def test_an_ordinary_case_has_its_categorys_own_limit() -> None:
    assert limits.of_case(FOUR_DAYS, "normal", DAY_MIN) == Limit(4, "working_days")


def test_an_urgent_case_has_half_of_it() -> None:
    assert limits.of_case(FOUR_DAYS, "urgent", DAY_MIN) == Limit(2, "working_days")
    one_day = {"limit": {"amount": 1, "unit": "working_days"}}
    assert limits.of_case(one_day, "urgent", DAY_MIN) == Limit(210, "working_minutes")


def test_danger_to_life_or_property_has_two_hours_by_the_clock() -> None:
    assert limits.of_case(FOUR_DAYS, "emergency", DAY_MIN) == Limit(2, "hours")


def test_urgency_never_makes_a_limit_longer() -> None:
    fire = {"limit": {"amount": 1, "unit": "hours"}}
    assert [limits.of_case(fire, urgency, DAY_MIN) for urgency in limits.URGENCIES] == [Limit(1, "hours")] * 3


def test_a_category_may_have_limits_of_its_own() -> None:
    own = FOUR_DAYS | {"limits": {"urgent": {"amount": 3, "unit": "working_hours"}}}
    assert limits.of_case(own, "urgent", DAY_MIN) == Limit(3, "working_hours")
    own = FOUR_DAYS | {"state_limits": {"reported": {"normal": "1 working_days"}}}
    assert limits.of_state("reported", own, "normal", DAY_MIN) == Limit(1, "working_days")


def test_a_place_may_have_tables_of_its_own() -> None:
    tables = limits.TABLES | {"urgency": {"normal": {"share": "50%", "most": None}}}
    assert limits.of_case(FOUR_DAYS, "normal", DAY_MIN, tables) == Limit(2, "working_days")
    assert limits.of_case(FOUR_DAYS, "urgent", DAY_MIN, tables) == Limit(2, "working_days")


def test_a_state_that_waits_for_nobody_has_no_limit() -> None:
    assert limits.of_state("closed", FOUR_DAYS, "normal", DAY_MIN) is None


def test_rework_has_half_of_the_cases_limit() -> None:
    assert limits.of_state("rework", FOUR_DAYS, "normal", DAY_MIN) == Limit(2, "working_days")


def test_a_category_without_a_limit_makes_a_case_without_one() -> None:
    assert limits.of_case({}, "normal", DAY_MIN) is None
    assert limits.of_state("in_hand", {}, "normal", DAY_MIN) is None


@pytest.mark.parametrize("value", ["2", "2 fortnights", "0 hours", {"amount": "2", "unit": "hours"}, {"amount": 2}, 7])
def test_what_is_no_limit_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r".*"):
        limits.read(value)


def test_warnings_are_at_half_at_four_fifths_and_at_the_end_of_working_time() -> None:
    start = at("2026-09-30 14:00")
    due = worktime.add(YEAR_2026, start, 10, "working_hours").at
    found = [(datetime.fromisoformat(text).astimezone(CHINA), pct) for text, pct in limits.marks(YEAR_2026, start, due)]
    assert found == [(at("2026-10-08 10:00"), 50), (at("2026-10-08 15:00"), 80), (at("2026-10-08 17:00"), 100)]


def test_warnings_of_plain_hours_come_at_night_too() -> None:
    start = datetime(2026, 10, 1, 14, tzinfo=UTC)
    due = worktime.add(YEAR_2026, start, 2, "hours").at
    minutes = [
        (times.from_text(text) - start).seconds // 60 for text, _ in limits.marks(YEAR_2026, start, due, is_plain_hours=True)
    ]
    assert minutes == [60, 96, 120]
