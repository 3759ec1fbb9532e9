"""Whether the wall clock can be believed enough to erase by it: only when the system lived through some days before this one.

A clock set a year ahead for an hour must not remove what waits for ninety days. So the days on which a sweep ran are noted in
the store, and what erases by date asks here first. A clock that stays wrong for days is believed; nobody could tell.
"""

from datetime import datetime, timedelta

from sync.couch import Couch
from sync.databases import PEOPLE
from sync.errors import NotFound

NOTED = "days"
NOTED_MOST = 60
LOOK_BACK = timedelta(days=7)
DAYS_ENOUGH = 2


class Calendar:
    """Remembers, for this process's life, which day it noted last."""

    def __init__(self) -> None:
        self._days: list[str] = []

    def is_believable(self, couch: Couch, now: datetime) -> bool:
        """Note this day, and say whether at least two other days of the last seven were lived through.

        Raises the errors of the store.
        """
        today = f"{now:%Y-%m-%d}"
        if today not in self._days[-1:]:
            self._days = _note(couch, today)
        since = f"{now - LOOK_BACK:%Y-%m-%d}"
        return len({day for day in self._days if since <= day < today}) >= DAYS_ENOUGH


def _note(couch: Couch, today: str) -> list[str]:
    """All noted days, this one last."""
    database = couch.database(PEOPLE)
    try:
        saved = database.local_get(NOTED)
        known = [str(day) for day in saved["days"]] if saved else []
        days = [*(day for day in known if day != today), today][-NOTED_MOST:]
        if days != known:
            database.local_put(NOTED, {"days": days}, rev=saved["_rev"] if saved else None)
    except NotFound:
        return [today]
    return days
