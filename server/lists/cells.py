"""One cell of a list, read and shown: what people type becomes a field's value, a value becomes what people read. Pure.

Reading is generous in form (full-width digits, a date as Excel's own, a name instead of an id) and strict in meaning: what is not
understood is refused with a code (`lists.problem.<code>`), never guessed. What `show` writes, `read` takes back unchanged.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Any

from server.domain.list_versions import is_day
from server.lists.columns import Column

TEXT_LENGTH = 1000
SEPARATORS = re.compile(r"[、,，;；\n]+")
IN_BRACKETS = re.compile(r"\[([a-z0-9-]+)\]$")
DAY = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::00)?")
YES, NO = frozenset({"是", "有", "y", "yes", "true", "1", "√"}), frozenset({"否", "无", "n", "no", "false", "0", ""})
WEEKDAYS = "一二三四五六日"
Value = Any


class CellError(Exception):
    """A cell that is not understood; the code is a key of the catalogues, `lists.problem.<code>`."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True)
class Names:
    """What codes are called, for people: units by key and categories by code in one language, places by code."""

    units: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    units_by_name: Mapping[str, str] = field(default_factory=dict)


def read(column: Column, cell: object, names: Names) -> Value:
    """A cell's value for its field, None when it is empty. Raises CellError."""
    text = _text(cell)
    if len(text) > TEXT_LENGTH:
        raise CellError("too_long")
    if not text:
        if column.is_needed:
            raise CellError("required")
        return None
    return _read(column, cell, text, names)


def _read(column: Column, cell: object, text: str, names: Names) -> Value:
    match column.kind:
        case "day":
            return _day(cell, text)
        case "clock":
            return _clock(cell, text)
        case "category":
            return _code(text)
        case "categories" | "lines":
            read_part = _code if column.kind == "categories" else str
            return _once([read_part(part) for part in _parts(text)])
        case "place":
            return _digits(text, "place_format")
        case "unit":
            return _unit(text, names)
        case "units":
            return _once([_unit(part, names) for part in _parts(text)])
        case "choice":
            return _choice(column, text)
        case "flag":
            return _flag(text)
        case "count":
            return _count(text)
        case "weekdays":
            return _weekdays(text)
        case _:
            return text


def show(column: Column, value: Value, names: Names, language: str) -> str:
    """What a cell says of a value, empty for none."""
    if value is None or value == "":
        return ""
    match column.kind:
        case "choice" if column.choices:
            return column.choices[value][1 if language == "en" else 0]
        case "flag":
            return ("yes" if value else "no") if language == "en" else ("是" if value else "否")
        case "unit":
            return _unit_shown(value, names)
        case "units":
            return "、".join(_unit_shown(one, names) for one in value)
        case "categories":
            return "、".join(f"{code} {names.categories.get(code, '')}".strip() for code in value)
        case "place":
            return f"{value} {names.places.get(value, '')}".strip()
        case "weekdays":
            return "".join(WEEKDAYS[day - 1] for day in value)
        case "lines":
            return "；".join(value)
        case _:
            return str(value)


def _text(cell: object) -> str:
    """A cell as text: whole numbers without a point, full-width characters as plain ones, no characters that do not show."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "1" if cell else "0"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 10**16:
        cell = int(cell)
    shown = "".join(" " if one in "\t\r\u00a0\u3000" else one for one in str(cell))
    return "".join(one for one in shown if one == "\n" or unicodedata.category(one)[0] != "C").strip()


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip()


def _parts(text: str) -> list[str]:
    return [part for part in (one.strip() for one in SEPARATORS.split(text)) if part]


def _once(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _digits(text: str, code: str) -> str:
    """The digits a cell begins with; the name behind them is for people."""
    found = re.match(r"[0-9]+(?![0-9A-Za-z.])", _plain(text))
    if not found:
        raise CellError(code)
    return found[0]


def _code(text: str) -> str:
    """A category or class. Excel makes 101 of 0101: three digits lost a nought before them, and so did one."""
    digits = _digits(text, "category_format")
    return digits.zfill(4) if len(digits) == 3 else digits.zfill(2)


def _unit(text: str, names: Names) -> str:
    plain = _plain(text)
    bracketed = IN_BRACKETS.search(plain)
    key = bracketed[1] if bracketed else plain.removeprefix("unit:")
    if key in names.units:
        return f"unit:{key}"
    named = names.units_by_name.get(plain.casefold())
    if named is None or bracketed:
        raise CellError("unknown_unit")
    return f"unit:{named}"


def _unit_shown(unit: str, names: Names) -> str:
    key = unit.removeprefix("unit:")
    name = SEPARATORS.sub(" ", names.units.get(key, ""))
    return f"{name} [{key}]".strip()


def _choice(column: Column, text: str) -> str:
    wanted = _plain(text).casefold()
    for value, named in (column.choices or {}).items():
        if wanted in (value, *(name.casefold() for name in named)):
            return value
    raise CellError("unknown_choice")


def _flag(text: str) -> bool:
    wanted = _plain(text).casefold()
    if wanted not in YES | NO:
        raise CellError("not_yes_or_no")
    return wanted in YES


def _count(text: str) -> int:
    plain = _plain(text)
    if not re.fullmatch(r"[0-9]{1,6}", plain):
        raise CellError("not_a_number")
    return int(plain)


def _weekdays(text: str) -> list[int]:
    """`1-5`, `一二三`, `1、3、5`, `周六日`."""
    plain = re.sub(r"星期|周", "", _plain(text)).replace("天", "日").replace("至", "-")
    digits = "".join(str(WEEKDAYS.index(one) + 1) if one in WEEKDAYS else one for one in plain)
    spans = re.sub(r"[、,，;；\s]+", "", digits)
    if not re.fullmatch(r"(?:[1-7](?:-[1-7])?)+", spans):
        raise CellError("weekday_format")
    found: set[int] = set()
    for first, last in re.findall(r"([1-7])(?:-([1-7]))?", spans):
        found |= set(range(int(first), int(last or first) + 1))
    if not found:
        raise CellError("weekday_format")
    return sorted(found)


def _clock(cell: object, text: str) -> str:
    if isinstance(cell, datetime | time):
        return cell.strftime("%H:%M")
    found = CLOCK.fullmatch(_plain(text).replace("：", ":"))
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise CellError("clock_format")
    return f"{int(found[1]):02d}:{found[2]}"


def _day(cell: object, text: str) -> str:
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    if isinstance(cell, date):
        return cell.isoformat()
    found = DAY.fullmatch(_plain(text).removesuffix(" 00:00:00"))
    day = f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}" if found else ""
    if not is_day(day):
        raise CellError("day_format")
    return day
