"""Names of databases, both ways, and the calendar behind them."""

from datetime import UTC, datetime

import pytest

from sync import databases as db

GRID = "640105002001001"
NAMES = [
    (db.grid_db(GRID, "2026q4"), "grid", True),
    (db.home_db(GRID), "home", True),
    (db.home_quarter_db(GRID, "2026q4"), "home-quarter", True),
    (db.beat_db(GRID, "2026q4"), "beat", True),
    (db.track_db("worker1", "202611"), "track", True),
    (db.log_db("0123456789abcdef"), "log", True),
    (db.REF, "ref", True),
    (db.cases_db("640105002"), "cases", False),
    (db.media_db("640105002"), "media", False),
    (db.audit_db("202611"), "audit", False),
    (db.rollup_db("640105"), "rollup", False),
    (db.PEOPLE, "people", False),
    (db.DEVICES, "devices", False),
    (db.QUARANTINE, "quarantine", False),
    (db.LISTS, "lists", False),
    (db.HANDDOWNS, "handdowns", False),
    (db.REQUESTS, "requests", False),
    (db.homes_db("640105002"), "homes", False),
]


@pytest.mark.parametrize(("name", "kind", "is_replicated"), NAMES)
def test_a_name_gives_its_parts_back(name: str, kind: str, is_replicated: bool) -> None:
    found = db.parse(name)
    assert found is not None
    assert found.kind == kind
    assert db.is_replicated(name) is is_replicated
    assert found.grid in (GRID, None)
    assert (found.quarter == "2026q4") == ("2026q4" in name)


@pytest.mark.parametrize(
    "name", ["", "_users", "grid-64010500200100-2026q4", f"grid-{GRID}-2026q5", f"grid-{GRID}", "home-x", "refs"]
)
def test_any_other_name_is_not_ours(name: str) -> None:
    assert db.parse(name) is None
    assert not db.is_replicated(name)


def test_a_quarter_begins_at_midnight_in_china() -> None:
    assert db.quarter_at(datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)) == "2026q4"
    assert db.quarter_at(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == "2027q1"
    assert db.month_at(datetime(2026, 12, 31, 16, 0, tzinfo=UTC)) == "202701"


def test_the_quarter_before_the_first_is_last_years_fourth() -> None:
    assert db.previous_quarter("2026q1") == "2025q4"
    assert db.previous_quarter("2026q4") == "2026q3"
