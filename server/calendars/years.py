"""What administrators do with calendar years: see which are known, load one, go back to an earlier version, set the hours.

Every change is a new version and an entry in the access log. Open cases whose dates change are the worker's to compute again
(`worker/recalculation.py`); it notices by the calendar's identity.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from server import audit
from server.calendars import current
from server.domain import calendar_years, times
from server.domain.calendar_years import Days, Row, RowError
from server.domain.errors import Changed, DomainError, InvalidInput
from sync.couch import Couch
from sync.database import Database
from sync.databases import REF
from sync.errors import Conflict

Document = dict[str, Any]


class RowsRefused(DomainError):
    """Rows of a calendar that cannot be used; `errors` says which and why. Nothing was changed."""

    code = "calendar_rows"

    def __init__(self, errors: Sequence[RowError]) -> None:
        self.errors = list(errors)
        super().__init__(None, count=len(self.errors))


class Year(NamedTuple):
    """A year as administrators see it. `source`: `loaded`, `built_in`, or None when nobody knows it. Days are of `source`."""

    year: int
    source: str | None
    days: Days
    version: int
    loaded_at: str | None
    earlier: list[Document]


class _Change(NamedTuple):
    """What a year becomes, the version somebody looked at, and when."""

    days: Days | None
    seen: int | None
    now: datetime


def overview(couch: Couch, now: datetime) -> list[Year]:
    """Last year, this one, the next two, and every other that was loaded, in order."""
    database = _ref(couch)
    found = database.range("calendar:2", "calendar:3", current.DOCUMENTS_MOST)
    docs = {doc["year"]: doc for doc in found if isinstance(doc.get("year"), int)}
    years = {now.year + n for n in (-1, 0, 1, 2)} | docs.keys()
    return [_year(year, docs.get(year)) for year in sorted(years)]


def load(couch: Couch, by: str, year: int, rows: Sequence[Row], now: datetime, *, seen: int | None = None) -> Year:
    """Load a year's days; a new version. `seen` is the version the person looked at (None: whatever it is).

    Raises InvalidInput for a year that is none, RowsRefused with every unusable row, Changed when somebody else was first.
    """
    if year not in calendar_years.YEARS:
        raise InvalidInput({"year": "out_of_range"})
    days, wrong = calendar_years.read_rows(year, rows)
    if wrong:
        raise RowsRefused(wrong)
    return _renew(couch, by, year, "calendar.load", _Change(days, seen, now))


def go_back(couch: Couch, by: str, year: int, version: int, now: datetime, *, seen: int | None = None) -> Year:
    """Make an earlier version count again, as a new one; version 0 is the year before anybody loaded it.

    Raises InvalidInput for a version that is not kept, Changed when somebody else was first.
    """
    present = _ref(couch).find(calendar_years.year_id(year))
    if present is None:
        raise InvalidInput({"version": "unknown"})
    return _renew(couch, by, year, "calendar.go_back", _Change(calendar_years.version_of(present, version), seen, now))


def set_hours(couch: Couch, by: str, text: str, now: datetime) -> list[list[int]]:
    """Set the hours of a working day ("09:00-12:00, 14:00-18:00"). Raises InvalidInput."""
    spans = calendar_years.read_hours(text)
    database = _ref(couch)
    present = database.find(calendar_years.HOURS_ID)
    if present is None or present["spans"] != spans:
        audit.note(couch, by=by, action="calendar.hours", subject=calendar_years.HOURS_ID, facts={"hours": text[:100]}, at=now)
        doc = {"_id": calendar_years.HOURS_ID, "type": "calendar", "v": 1, "spans": spans}
        _put(database, doc | ({"_rev": present["_rev"]} if present else {}))
        current.current(couch, is_fresh=True)
    return spans


def _renew(couch: Couch, by: str, year: int, action: str, change: _Change) -> Year:
    database = _ref(couch)
    present = database.find(calendar_years.year_id(year))
    if change.seen is not None and change.seen != (present["version"] if present else 0):
        raise Changed(year=year)
    doc = calendar_years.renewed(year, present, change.days, times.to_text(change.now))
    facts = {"version": doc["version"], "off": len(doc["off"]), "extra": len(doc["extra"])}
    audit.note(couch, by=by, action=action, subject=doc["_id"], facts=facts, at=change.now)
    _put(database, doc)
    current.current(couch, is_fresh=True)
    return _year(year, doc)


def _ref(couch: Couch) -> Database:
    couch.create(REF, replicated=True)
    return couch.database(REF)


def _put(database: Database, doc: Document) -> None:
    try:
        database.put(doc)
    except Conflict as error:
        raise Changed(id=doc["_id"]) from error


def _year(year: int, doc: Document | None) -> Year:
    known = current.built_in()
    source = "built_in" if year in known.known else None
    if doc and doc["is_loaded"]:
        source, days = "loaded", Days(doc["off"], doc["extra"])
    else:
        days = Days(*(sorted(str(day) for day in some if day.year == year) for some in (known.off, known.extra)))
    version, at = (doc["version"], doc["loaded_at"]) if doc else (0, None)
    return Year(year, source, days, version, at, doc["earlier"] if doc else [])
