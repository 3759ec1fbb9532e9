"""The calendar and the tables of limits that count at this moment, kept for a short while per connection.

Holidays come with the program (the library `chinesecalendar`, years up to its release); a year that an administrator loaded into
`ref` counts instead. `identity` names exactly this calendar: when it changes, dates of open cases are computed again.
"""

import hashlib
import threading
import time
import weakref
from functools import cache
from typing import Any, NamedTuple

import orjson
from chinese_calendar import constants

from server.domain import calendar_years, limits
from server.domain.worktime import Calendar
from sync.couch import Couch
from sync.databases import REF
from sync.errors import NotFound

KEPT_S = 5.0
DOCUMENTS_MOST = 200


class Current(NamedTuple):
    """What counts: the calendar, the tables of limits, and the identity of the calendar."""

    calendar: Calendar
    tables: dict[str, Any]
    identity: str


_kept: "weakref.WeakKeyDictionary[Couch, tuple[float, Current]]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()


@cache
def built_in() -> Calendar:
    """What the library knows, with the default hours."""
    known = frozenset(day.year for day in constants.holidays)
    return Calendar(known, frozenset(constants.holidays), frozenset(constants.workdays))


def current(couch: Couch, *, is_fresh: bool = False) -> Current:
    """The calendar that counts; at most five seconds old, or read now with `is_fresh`. Raises the store's errors."""
    now = time.monotonic()
    with _lock:
        at, found = _kept.get(couch, (-KEPT_S, None))
    if found is not None and now - at < KEPT_S and not is_fresh:
        return found
    found = _read(couch)
    with _lock:
        _kept[couch] = (now, found)
    return found


def _read(couch: Couch) -> Current:
    try:
        database = couch.database(REF)
        documents = database.range("calendar:", "calendar:\ufff0", DOCUMENTS_MOST)
        tables = database.find(limits.REF_ID)
    except NotFound:
        documents, tables = [], None
    calendar = calendar_years.combined(built_in(), documents)
    return Current(calendar, limits.TABLES | (tables or {}), _identity(calendar))


def _identity(calendar: Calendar) -> str:
    days = [sorted(map(str, some)) for some in (calendar.off, calendar.extra)]
    content = [sorted(calendar.known), *days, [list(span) for span in calendar.spans]]
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:16]
