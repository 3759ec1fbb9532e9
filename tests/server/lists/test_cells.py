"""What people type into a cell, and what is refused: nothing is guessed."""

from datetime import date, datetime, time
from typing import Any

import pytest

from server.lists import cells
from server.lists.cells import CellError, Names
from server.lists.columns import COLUMNS, KINDS, TITLES, Column, column_named, list_named

NAMES = Names(units={"police": "派出所"}, categories={"0101": "井盖"}, places={"640105": ""}, units_by_name={"派出所": "police"})


def column(kind: Any, **more: Any) -> Column:
    return Column("f", "字段", "Field", kind, **more)


@pytest.mark.parametrize(
    ("kind", "typed", "meant"),
    [
        ("day", datetime(2026, 3, 1), "2026-03-01"),  # noqa: DTZ001 - Excel's dates have no zone
        ("day", date(2026, 3, 1), "2026-03-01"),
        ("day", "2026年3月1日", "2026-03-01"),
        ("day", "２０２６/3/1", "2026-03-01"),
        ("clock", "8:30", "08:30"),
        ("clock", "08：30", "08:30"),
        ("clock", time(18, 0), "18:00"),
        ("category", 101, "0101"),
        ("category", "0101 井盖", "0101"),
        ("categories", "0101 井盖、14，1402\n0101", ["0101", "14", "1402"]),
        ("place", 640105002001001.0, "640105002001001"),
        ("place", "640105 西夏区", "640105"),
        ("unit", "派出所", "unit:police"),
        ("unit", "随便什么名字 [police]", "unit:police"),
        ("unit", "unit:police", "unit:police"),
        ("units", "派出所；police", ["unit:police"]),
        ("flag", "是", True),
        ("flag", "No", False),
        ("count", "１５", 15),
        ("count", 4.0, 4),
        ("weekdays", "1-5", [1, 2, 3, 4, 5]),
        ("weekdays", "周六、日", [6, 7]),
        ("weekdays", "一至三", [1, 2, 3]),
        ("text", " 名\u200b称\u3000一 ", "名称 一"),
        ("text", "  ", None),
    ],
)
def test_a_cell_is_understood(kind: str, typed: object, meant: object) -> None:
    assert cells.read(column(kind), typed, NAMES) == meant


@pytest.mark.parametrize(
    ("kind", "typed", "code"),
    [
        ("day", "2026-02-30", "day_format"),
        ("day", "明天", "day_format"),
        ("clock", "24:00", "clock_format"),
        ("place", "西夏区", "place_format"),
        ("category", "1e3", "category_format"),
        ("unit", "城管局", "unknown_unit"),
        ("unit", "派出所 [nobody]", "unknown_unit"),
        ("flag", "也许", "not_yes_or_no"),
        ("count", "3.5", "not_a_number"),
        ("weekdays", "8", "weekday_format"),
        ("weekdays", "5-1", "weekday_format"),
        ("text", "x" * 1001, "too_long"),
    ],
)
def test_a_cell_that_is_not_understood_is_refused_with_its_reason(kind: str, typed: object, code: str) -> None:
    with pytest.raises(CellError) as refused:
        cells.read(column(kind), typed, NAMES)
    assert refused.value.code == code


def test_an_empty_cell_is_refused_only_where_something_is_needed() -> None:
    assert cells.read(column("unit"), None, NAMES) is None
    with pytest.raises(CellError, match="required"):
        cells.read(column("unit", is_needed=True), None, NAMES)


def test_a_choice_is_known_by_either_language_or_its_code() -> None:
    kind = column("choice", choices=KINDS)
    assert {cells.read(kind, typed, NAMES) for typed in ("部件", "Public Asset", "component")} == {"component"}
    with pytest.raises(CellError, match="unknown_choice"):
        cells.read(kind, "东西", NAMES)


def test_headers_and_sheets_are_known_in_both_languages() -> None:
    for list_, names in TITLES.items():
        assert {list_named(name) for name in (*names, list_, f" {names[0]} ")} == {list_}
        for one in COLUMNS[list_]:
            assert all(column_named(list_, header) == one for header in (one.zh, one.en.upper(), one.field))
