"""How many cases wait for a person, for the bar above every desk page; remembered for a few seconds: every page asks."""

import threading
import time

from server.cases import counting
from server.domain.permissions import Person
from server.web import scopes
from sync.couch import Couch

KEPT_S = 5.0
PEOPLE_KEPT = 2000


class TurnBadge:
    """Counts by person, shared by all requests of a process. Reads the store: call it from plain functions."""

    def __init__(self, couch: Couch, kept_s: float = KEPT_S) -> None:
        self._couch = couch
        self._kept_s = kept_s
        self._kept: dict[str, tuple[float, int]] = {}
        self._lock = threading.Lock()

    def of(self, person: Person) -> int | None:
        """How many, a few seconds old at most; None for those for whom no case ever waits."""
        if not scopes.turns_of(person):
            return None
        with self._lock:
            counted_at_s, number = self._kept.get(person["name"], (-self._kept_s, 0))
        return number if time.monotonic() - counted_at_s < self._kept_s else self.count(person)

    def count(self, person: Person) -> int:
        """How many, counted now."""
        scope = scopes.turn(self._couch, person)
        number = counting.turns(self._couch, [place.township for place in scope.places], scope.turns or ())
        with self._lock:
            if len(self._kept) > PEOPLE_KEPT:
                self._kept.clear()
            self._kept[person["name"]] = (time.monotonic(), number)
        return number
