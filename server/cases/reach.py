"""In which townships a person's cases lie: their own, and for units every township the unit serves."""

import threading
import time
import weakref
from typing import Any

from server.domain.permissions import Person, may_use_desk, townships_seen
from sync.couch import Couch
from sync.databases import REF
from sync.errors import NotFound

KEPT_S = 30.0
MOST = 2000
_kept: "weakref.WeakKeyDictionary[Couch, tuple[float, list[str]]]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def townships_of(couch: Couch, person: Person) -> list[str]:
    """The townships (9 digits) in which this person may have cases to see, in order."""
    own = set(townships_seen(person)) if may_use_desk(person) else set()
    if person.get("units") and may_use_desk(person):
        own |= {township for unit in unit_docs(couch, person["units"]).values() for township in served_by(couch, unit)}
    return sorted(own)


def unit_docs(couch: Couch, units: list[str]) -> dict[str, dict[str, Any] | None]:
    """The `ref` documents of units by id, None for those that are not there."""
    try:
        return couch.database(REF).many(units)
    except NotFound:
        return dict.fromkeys(units)


def served_by(couch: Couch, unit: dict[str, Any] | None) -> list[str]:
    """The townships a unit serves: those below its `area` (a code's beginning), all when it has none."""
    area = (unit or {}).get("area") or ""
    return [code for code in all_townships(couch) if code.startswith(area) or area.startswith(code)]


def all_townships(couch: Couch) -> list[str]:
    """Every township that `ref` knows."""
    now = time.monotonic()
    with _lock:
        at, found = _kept.get(couch, (-KEPT_S, []))
    if now - at < KEPT_S:
        return found
    try:
        docs = couch.database(REF).range("township:", "township:\ufff0", MOST)
    except NotFound:
        docs = []
    found = [doc["_id"].partition(":")[2] for doc in docs]
    if found:
        with _lock:
            _kept[couch] = (now, found)
    return found
