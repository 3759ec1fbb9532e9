"""From sheets to entries, row by row: a cell that is not understood is a problem with its sheet, row, column and reason. Pure.

What a row changes is decided by `plans.py`; here it is only read and checked against what exists (units, categories, places).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, cast

import msgspec

from server.domain import lists
from server.lists import cells
from server.lists.cells import CellError, Names
from server.lists.columns import COLUMNS, Column, column_named, list_named
from server.lists.sheets import Row, Sheet

PROBLEMS_MOST = 200
FIRST = ("units", "catalogue")
WRONG = {"place": "place_format", "categories": "category_format", "category": "category_format", "phone": "phone_format"}
WRONG |= {"count": "out_of_range", "key": "key_format"}
UNIT_KEY = "unit:"


class Problem(NamedTuple):
    """What is wrong with a cell, row or sheet. `row` is Excel's number, 0 for the sheet; `column` its field or header."""

    sheet: str
    row: int
    column: str
    code: str
    value: str


class Line(NamedTuple):
    """A sound row: an entry as the file has it; days that were left empty are None."""

    list: str
    key: str
    row: int
    valid_from: str | None
    valid_to: str | None
    body: lists.Entry


class Read(NamedTuple):
    """What a file says: sound rows, problems, and which lists it has sheets for."""

    lines: list[Line]
    problems: list[Problem]
    lists: frozenset[str]


def read(sheets: Sequence[Sheet], names: Names) -> Read:
    """All sheets; units and categories first, so that other sheets of the file may refer to them."""
    lines: list[Line] = []
    problems: list[Problem] = []
    named: dict[str, Sheet] = {}
    for sheet in sheets:
        list_ = list_named(sheet.title)
        if list_ is None or list_ in named:
            code = "unknown_sheet" if list_ is None else "sheet_twice"
            problems += [Problem(sheet.title, 0, "", code, "")] if sheet.rows else []
        else:
            named[list_] = sheet
    for list_ in sorted(named, key=lambda one: (one not in FIRST, one)):
        found = list(_of_sheet(list_, named[list_], names))
        lines += [one for one in found if isinstance(one, Line)]
        problems += [one for one in found if isinstance(one, Problem)]
        names = _with_new(names, list_, lines)
    return Read(lines, problems[:PROBLEMS_MOST], frozenset(named))


def _with_new(names: Names, list_: str, lines: Sequence[Line]) -> Names:
    found = {line.key: str(getattr(line.body, "name", "")) for line in lines if line.list == list_}
    if list_ == "units":
        by_name = {name.casefold(): key for key, name in found.items()}
        return replace(names, units={**names.units, **found}, units_by_name={**names.units_by_name, **by_name})
    return replace(names, categories={**names.categories, **found}) if list_ == "catalogue" else names


def _of_sheet(list_: str, sheet: Sheet, names: Names) -> Iterator[Line | Problem]:
    if not sheet.rows:
        return
    head, *rest = sheet.rows
    columns: dict[int, Column] = {}
    for at, header in enumerate(head.cells):
        column = column_named(list_, str(header)) if header not in (None, "") else None
        if column is not None and column not in columns.values():
            columns[at] = column
        elif header not in (None, ""):
            yield Problem(sheet.title, head.number, str(header)[:100], "column_twice" if column else "unknown_column", "")
    missing = [one for one in COLUMNS[list_] if one.is_needed and one not in columns.values()]
    if missing:
        yield from (Problem(sheet.title, head.number, one.field, "missing_column", "") for one in missing)
        return
    seen: dict[str, int] = {}
    for row in rest:
        yield from _of_row(list_, sheet.title, row, columns, names, seen)


def _of_row(  # noqa: PLR0917 - one row with all it is read against
    list_: str, title: str, row: Row, columns: Mapping[int, Column], names: Names, seen: dict[str, int]
) -> Iterator[Line | Problem]:
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for at, column in columns.items():
        cell = row.cells[at] if at < len(row.cells) else None
        try:
            values[column.field] = _value(column, cell, names, is_formula=at in row.formulas)
        except CellError as error:
            problems.append(Problem(title, row.number, column.field, error.code, _short(cell)))
    line = None if problems else _line(list_, row.number, values)
    if isinstance(line, Line):
        problems += [Problem(title, row.number, field, code, value) for field, code, value in _whats_wrong(line, names, seen)]
    elif line is not None:
        problems.append(Problem(title, row.number, *line, _short(values.get(line[0]))))
    if problems:
        yield from problems
    elif isinstance(line, Line):
        seen[line.key] = row.number
        yield line


def _value(column: Column, cell: object, names: Names, *, is_formula: bool) -> Any:
    if is_formula:
        raise CellError("formula")
    return cells.read(column, cell, names)


def line_of(list_: str, number: int, values: Mapping[str, Any]) -> Line | tuple[str, str]:
    """A row's values as a line, or the field and code of what its shape does not take."""
    return _line(list_, number, values)


def _line(list_: str, number: int, values: Mapping[str, Any]) -> Line | tuple[str, str]:
    key = str(values["key"])
    if list_ == "units":
        key = key.removeprefix(UNIT_KEY)
    body = {name: value for name, value in values.items() if name not in ("key", "valid_from", "valid_to") and value is not None}
    try:
        msgspec.convert(key, lists.Key)
        if list_ == "units":
            msgspec.convert(UNIT_KEY + key, lists.UnitId)
        entry = msgspec.convert(body, lists.SHAPES[list_])
    except msgspec.ValidationError as error:
        return _field_of(list_, str(error))
    if list_ == "catalogue" and not (len(key) == 4 and key.isdigit()):
        return "key", "category_format"
    return Line(list_, key, number, values.get("valid_from"), values.get("valid_to"), entry)


def _field_of(list_: str, message: str) -> tuple[str, str]:
    """The field a shape's refusal is about, and its code by what the column holds."""
    path = message.partition(" - at `$.")[2].partition("`")[0].partition("[")[0] or "key"
    kind = next((column.kind for column in COLUMNS[list_] if column.field == path), "key")
    return path, WRONG.get(kind, "format" if path in ("account", "grid") else "too_long")


def _whats_wrong(line: Line, names: Names, seen: Mapping[str, int]) -> Iterator[tuple[str, str, str]]:
    """Field, code and value of what contradicts the rest of the file or what exists."""
    if line.key in seen:
        yield "key", "key_twice", str(seen[line.key])
    if line.valid_from and line.valid_to and line.valid_to < line.valid_from:
        yield "valid_to", "days_reversed", line.valid_to
    for code in getattr(line.body, "categories", ()):
        if not any(known.startswith(code) for known in names.categories):
            yield "categories", "unknown_category", code
    for field in ("area", "belongs_to", "grid"):
        place = cast("str | None", getattr(line.body, field, None))
        if place and names.places and place not in names.places:
            yield field, "unknown_place", place


def _short(value: object) -> str:
    return "" if value is None else str(value)[:60]
