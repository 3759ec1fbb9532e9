"""How many refused records wait, for the bar above every desk page; remembered for a few seconds, because every page asks."""

import threading
import time
from typing import Any

from server.domain.permissions import Person, has_refused_desk
from server.quarantine import listing
from sync.couch import Couch

KEPT_S = 10.0


class Badge:
    """Counts by township, shared by all requests of a process. Reads the store: call it from plain functions."""

    def __init__(self, couch: Couch, kept_s: float = KEPT_S) -> None:
        self._couch = couch
        self._kept_s = kept_s
        self._kept: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def of(self, person: Person, township: str) -> dict[str, Any] | None:
        """`{url, count}` of the list this person decides about; None for whoever decides about none here."""
        if not has_refused_desk(person):
            return None
        if "admin" in person["roles"]:
            return {"url": "/quarantine", "count": self._count(listing.EVERYWHERE)}
        if township not in person.get("townships", ()):
            return None
        return {"url": f"/township/{township}/quarantine", "count": self._count(township)}

    def forget(self) -> None:
        """Somebody decided: count anew."""
        with self._lock:
            self._kept.clear()

    def _count(self, scope: str) -> int:
        with self._lock:
            counted_at_s, number = self._kept.get(scope, (-self._kept_s, 0))
        if time.monotonic() - counted_at_s < self._kept_s:
            return number
        number = listing.count(self._couch, scope, "waiting/records")
        with self._lock:
            self._kept[scope] = (time.monotonic(), number)
        return number
