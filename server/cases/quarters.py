"""How far a township's open cases are carried into the present quarter: a place, kept in its own database of cases.

`worker/rotate.py` goes from place to place; what is carried is said there.
"""

from datetime import datetime, timedelta
from typing import Any

from sync.database import Database
from sync.databases import quarter_at

PLACE = "rotation"
# An intake that began in the old quarter may make a case that the first pass is past already: once this long after the quarter
# began, the pass is made once more. It finds nearly everything written and costs only reading.
SETTLED_AFTER = timedelta(hours=1)

Place = dict[str, Any]


def place_in(database: Database) -> Place | None:
    """What is remembered, with `_rev`; None in a township that nobody has gone through yet. Raises the store's errors."""
    return database.local_get(PLACE)


def remember(database: Database, place: Place, saved: Place | None) -> None:
    """Keep a place over what was read as `saved`. Raises the store's errors."""
    database.local_put(PLACE, place, rev=saved["_rev"] if saved else None, is_new=saved is None)


def where_to_begin(saved: Place | None, now: datetime) -> Place:
    """Where a run stopped, or the start of a pass: of a new quarter's first, or of its last."""
    # Not "earlier than": a place that a wrong clock left in a later quarter must hold up none until then.
    if saved is None or saved["quarter"] != quarter_at(now):
        return _start(now)
    if saved["is_over"] and not saved["is_final"] and _is_settled(now):
        return _start(now)
    return {name: value for name, value in saved.items() if not name.startswith("_")}


def remember_that_it_is_new(database: Database, now: datetime) -> None:
    """A township that was only just made has nothing to carry into this quarter. Raises the store's errors."""
    remember(database, _start(now) | {"is_over": True}, None)


def _start(now: datetime) -> Place:
    return {"quarter": quarter_at(now), "is_final": _is_settled(now), "is_over": False, "state": 0, "after": None}


def _is_settled(now: datetime) -> bool:
    return quarter_at(now - SETTLED_AFTER) == quarter_at(now)
