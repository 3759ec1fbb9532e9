"""When a household is due: by what it needs, by what the last visit agreed on, and never by what nobody knows."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from server.domain import times, visits

AT = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("needs", "day"),
    [([], "2027-05-02"), (["助餐"], "2027-05-02"), (["elderly_alone"], "2026-12-01"), (["独居老人"], "2026-12-01")],
)
def test_ordinary_households_are_due_twice_a_year_and_some_each_month(needs: list[str], day: str) -> None:
    assert visits.due_on(needs, AT) == day


def test_what_the_last_visit_agreed_on_counts_before_the_rule() -> None:
    assert visits.due_on(["hardship"], AT, datetime(2026, 11, 5, 17, 0, tzinfo=UTC)) == "2026-11-06", "a day of China's"


def test_a_visit_is_due_by_the_same_rule_as_on_a_phone() -> None:
    """The phone's own tests hold `pwa/src/store/visiting.js` to the same examples."""
    examples = json.loads((Path(__file__).parents[2] / "pwa/engine/visiting.json").read_text(encoding="utf-8"))
    assert len(examples) >= 7
    for one in examples:
        last_at, next_at = (times.from_text(one[name]) if one[name] else None for name in ("last_at", "next_at"))
        assert visits.due_on(one["flags"], last_at, next_at) == one["due_on"], one["what"]


def test_a_household_without_a_visit_on_record_is_not_overdue_but_unknown() -> None:
    assert visits.standing(visits.due_on([], None), "2026-11-27") == "never"


@pytest.mark.parametrize(
    ("due", "standing"),
    [("2026-11-26", "overdue"), ("2026-11-27", "soon"), ("2026-12-11", "soon"), ("2026-12-12", "later")],
)
def test_a_day_that_is_past_is_overdue_and_two_weeks_ahead_is_soon(due: str, standing: str) -> None:
    assert visits.standing(due, "2026-11-27") == standing
