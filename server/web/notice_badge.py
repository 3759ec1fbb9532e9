"""How many unread notices a person has, for the bar above every desk page; remembered for a few seconds: every page asks."""

import threading
import time
from datetime import UTC, datetime
from typing import Any

from server.domain.permissions import Person
from server.notices import reading
from sync.couch import Couch

KEPT_S = 10.0
PEOPLE_KEPT = 2000
SHOWN_MOST = 99


class NoticeBadge:
    """Counts by person, shared by all requests of a process. Reads the store: call it from plain functions."""

    def __init__(self, couch: Couch, kept_s: float = KEPT_S) -> None:
        self._couch = couch
        self._kept_s = kept_s
        self._kept: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def of(self, person: Person) -> dict[str, Any]:
        """`{count, shown}`: how many, and what the badge says of it (`99+` beyond that)."""
        with self._lock:
            counted_at_s, number = self._kept.get(person["name"], (-self._kept_s, 0))
        return as_shown(number if time.monotonic() - counted_at_s < self._kept_s else self.count(person))

    def count(self, person: Person) -> int:
        """How many, counted now."""
        number = len(reading.unread(self._couch, person, datetime.now(UTC)).places)
        with self._lock:
            if len(self._kept) > PEOPLE_KEPT:
                self._kept.clear()
            self._kept[person["name"]] = (time.monotonic(), number)
        return number

    def forget(self, person: Person) -> None:
        """This person read something: count anew."""
        with self._lock:
            self._kept.pop(person["name"], None)


def as_shown(number: int) -> dict[str, Any]:
    """A count and how a badge writes it."""
    return {"count": number, "shown": str(number) if number <= SHOWN_MOST else f"{SHOWN_MOST}+"}
