"""A calendar year as a `ref` document, `calendar:<yyyy>`, and as rows that a person typed or a file held. Pure.

    {"_id": "calendar:2027", "type": "calendar", "v": 1, "year": 2027, "off": [dates], "extra": [dates], "is_loaded": true,
     "version": 2, "loaded_at": instant, "earlier": [{"version", "off", "extra", "is_loaded", "loaded_at"}…]}

`off` are the holidays, `extra` the weekend days worked in exchange (调休), both as the State Council's notice of each year names
them. `calendar:hours` {`spans`: [[begins_min, ends_min]…]} are the hours of a working day. Files are read and documents kept in
`server/calendars/`; what a calendar means is `worktime.py`.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from server.domain import worktime
from server.domain.errors import InvalidInput
from server.domain.worktime import Calendar, Span

HOURS_ID = "calendar:hours"
YEARS = range(2004, 2100)
ROWS_MOST = 400
EARLIER_MOST = 20
SPANS_MOST = 4
MIDNIGHT_MIN = 24 * 60
OFF_WORDS = frozenset({"off", "holiday", "休", "放假", "休息", "假", "节假日"})
EXTRA_WORDS = frozenset({"work", "working", "班", "上班", "补班"})
DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*[-–—~至到]\s*([01]?\d|2[0-3]):([0-5]\d)")

Document = dict[str, Any]
# What a person wrote in a row: the day or days, and whether they are off or worked.
Row = tuple[object, object]


class RowError(NamedTuple):
    """What is wrong with a row; the first one is 1."""

    row: int
    code: str
    text: str


class Days(NamedTuple):
    """The days of a year that differ from the week's."""

    off: list[str]
    extra: list[str]


def year_id(year: int) -> str:
    """The id of a year's document."""
    return f"calendar:{year}"


def read_rows(year: int, rows: Sequence[Row]) -> tuple[Days, list[RowError]]:
    """The days that rows name, and every row that cannot be used; days are worth nothing unless there is no error."""
    kinds: dict[date, str] = {}
    wrong: list[RowError] = []
    for number, (when, what) in enumerate(rows[:ROWS_MOST], 1):
        days = _days(when)
        kind = _kind(what)
        code = _problem(year, days, kind, kinds)
        if code:
            wrong.append(RowError(number, code, f"{_shown(when)} {_shown(what)}".strip()[:60]))
        else:
            kinds |= dict.fromkeys(days, kind)
    if len(rows) > ROWS_MOST:
        wrong.append(RowError(ROWS_MOST + 1, "too_many", ""))
    if not wrong and "off" not in kinds.values():
        wrong.append(RowError(1, "no_holiday", ""))
    return Days(*([f"{day}" for day, kind in sorted(kinds.items()) if kind == one] for one in ("off", "extra"))), wrong


def year_of(rows: Iterable[Row]) -> int | None:
    """The year of the first date in these rows."""
    return next((days[0].year for when, _ in rows if (days := _days(when))), None)


def renewed(year: int, present: Document | None, days: Days | None, loaded_at: str) -> Document:
    """The year's next version, with the days or (None) not loaded at all; what it was before is among the `earlier` ones."""
    earlier = [] if present is None else [*present["earlier"], _kept(present)]
    return {
        "_id": year_id(year),
        "type": "calendar",
        "v": 1,
        "year": year,
        "off": days.off if days else [],
        "extra": days.extra if days else [],
        "is_loaded": days is not None,
        "version": present["version"] + 1 if present else 1,
        "loaded_at": loaded_at,
        "earlier": earlier[-EARLIER_MOST:],
    } | ({"_rev": present["_rev"]} if present and "_rev" in present else {})


def version_of(present: Document, version: int) -> Days | None:
    """The days of one of a year's earlier versions, None when it was not loaded then. Raises InvalidInput for one not kept."""
    if version == 0:
        return None
    for one in present["earlier"]:
        if one["version"] == version:
            return Days(one["off"], one["extra"]) if one["is_loaded"] else None
    raise InvalidInput({"version": "unknown"})


def combined(base: Calendar, documents: Iterable[Mapping[str, Any]]) -> Calendar:
    """A calendar with the loaded years and hours in place of its own; a loaded year counts alone."""
    for doc in documents:
        if doc["_id"] == HOURS_ID:
            base = base._replace(spans=tuple(Span(*span) for span in doc["spans"]))
        elif doc.get("is_loaded"):
            off, extra = (frozenset(date.fromisoformat(day) for day in doc[name]) for name in ("off", "extra"))
            base = base._replace(
                known=base.known | {doc["year"]},
                off=frozenset(day for day in base.off if day.year != doc["year"]) | off,
                extra=frozenset(day for day in base.extra if day.year != doc["year"]) | extra,
            )
    return base


def read_hours(text: str) -> list[list[int]]:
    """The spans of a working day of "09:00-12:00, 14:00-18:00". Raises InvalidInput for what is not in order or not hours."""
    parts = [part for part in re.split(r"[,，;；、]\s*|\s+(?=\d)", text.strip()) if part]
    found = [HOURS.fullmatch(part.strip()) for part in parts]
    spans = [[int(hour) * 60 + int(minute) for hour, minute in (one.groups()[:2], one.groups()[2:])] for one in found if one]
    bounds = [minute for span in spans for minute in span]
    if not spans or None in found or len(spans) > SPANS_MOST or sorted(set(bounds)) != bounds:
        raise InvalidInput({"hours": "invalid"})
    return spans


def hours_text(spans: Iterable[Sequence[int]]) -> str:
    """Spans as people write them."""
    return ", ".join(f"{a // 60:02}:{a % 60:02}-{b // 60:02}:{b % 60:02}" for a, b in spans)


def _kept(doc: Document) -> Document:
    return {name: doc[name] for name in ("version", "off", "extra", "is_loaded", "loaded_at")}


def _problem(year: int, days: list[date], kind: str, kinds: Mapping[date, str]) -> str | None:
    if not days:
        return "bad_date"
    if any(day.year != year for day in days):
        return "other_year"
    if not kind:
        return "bad_kind"
    if any(day in kinds for day in days):
        return "twice"
    if kind == "extra" and any(day.weekday() < worktime.SATURDAY for day in days):
        return "worked_anyway"
    return None


def _days(value: object) -> list[date]:
    """The days a cell names: one, or from one to another ("2027-10-01~2027-10-07"); none when it cannot be read."""
    if isinstance(value, date):
        # A spreadsheet's cell; a datetime is a date, too.
        return [date(value.year, value.month, value.day)]
    found = [one.groups() for one in DATE.finditer(str(value or ""))]
    rest = DATE.sub("", str(value or "")).strip()
    try:
        bounds = [date(int(year), int(month), int(day)) for year, month, day in found]
    except ValueError:
        return []
    if len(bounds) == 1 and not rest:
        return bounds
    if len(bounds) != 2 or rest not in ("-", "~", "至", "到", "–", "—") or not 0 <= (bounds[1] - bounds[0]).days <= ROWS_MOST:
        return []
    return [bounds[0] + n * timedelta(days=1) for n in range((bounds[1] - bounds[0]).days + 1)]


def _kind(value: object) -> str:
    word = str(value or "").strip().lower()
    return "off" if word in OFF_WORDS else "extra" if word in EXTRA_WORDS else ""


def _shown(value: object) -> str:
    return "" if value is None else str(value)
