"""Names for codes: categories, grids, units, people, as the reference and people databases have them, kept for a short while.

A name that is not known is shown by its code: a page never fails for want of a name.
"""

import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from typing import Any, TypeVar

from server.domain.grids import township_of
from server.domain.ids import CHINA
from server.web.locale import has_text, named, text
from sync import databases
from sync.couch import Couch
from sync.errors import NotFound

KEPT_S = 30.0
PEOPLE_KEPT = 5000
MOST = 2000
Kept = TypeVar("Kept")
Document = dict[str, Any]


class Names:
    """Reads and keeps names; safe between threads. Reads the store: call it from plain functions."""

    def __init__(self, couch: Couch, kept_s: float = KEPT_S) -> None:
        self._ref = couch.database(databases.REF)
        self._users = couch.database(databases.PEOPLE)
        self._systems = couch.database(databases.SOURCES)
        self._kept_s = kept_s
        self._kept: dict[str, tuple[float, Any]] = {}
        self._people: dict[str, tuple[float, Document | None]] = {}
        self._lock = threading.Lock()

    def categories(self) -> dict[str, Document]:
        """All categories by code, in the catalogue's order."""
        return self._keep("categories", lambda: {doc["code"]: doc for doc in self._range("category:")})

    def grids(self, township: str) -> dict[str, Document]:
        """The grids of a township by their 15 digits."""
        return self._keep(f"grids:{township}", lambda: {doc["code"]: doc for doc in self._range(f"grid:{township}")})

    def townships(self) -> dict[str, Document]:
        """The townships by their 9 digits."""
        return self._keep("townships", lambda: {doc["_id"].partition(":")[2]: doc for doc in self._range("township:")})

    def units(self) -> dict[str, Document]:
        """The units that can hold a case, by id."""
        return self._keep("units", lambda: {doc["_id"].partition(":")[2]: doc for doc in self._range("unit:")})

    def units_serving(self, township: str) -> dict[str, Document]:
        """The units in force today that serve a township, by id: those of its area, of a part of it, or of a larger one."""
        today = datetime.now(UTC).astimezone(CHINA).date().isoformat()

        def serves(doc: Document) -> bool:
            area = str(doc.get("area") or "")
            return (township.startswith(area) or area.startswith(township)) and str(doc.get("valid_to") or today) >= today

        return {id: doc for id, doc in self.units().items() if serves(doc)}

    def category(self, code: str, language: str) -> str:
        """A category's name."""
        return named(self.categories().get(code, {}).get("name"), language, code)

    def grid(self, code: str, language: str) -> str:
        """A grid's name."""
        return named(self.grids(township_of(code)).get(code, {}).get("name"), language, code)

    def community(self, grid: str, language: str) -> str:
        """The name of the community or village a grid belongs to."""
        found = self.grids(township_of(grid)).get(grid, {}).get("community", {})
        return named(found.get("name"), language, grid[:12])

    def township(self, code: str, language: str) -> str:
        """A township's name."""
        return named(self.townships().get(code, {}).get("name"), language, code)

    def unit(self, id: str, language: str) -> str:
        """A unit's name, by `unit:<id>`."""
        return named(self.units().get(id.removeprefix("unit:"), {}).get("name"), language, id)

    def party(self, party: str, language: str) -> str:
        """What a party is called: a unit, or the place it stands for; district and city by their level's name."""
        kind, _, code = party.partition(":")
        if kind == "unit":
            return self.unit(party, language)
        if kind == "township":
            return self.township(code, language)
        if kind == "community":
            docs = self.grids(township_of(code)).values()
            found: dict[str, Any] = next(
                (doc["community"] for doc in docs if doc["code"].startswith(code) and "community" in doc), {}
            )
            return named(found.get("name"), language, code)
        return text(language, f"level.{kind}") if has_text(f"level.{kind}") else code or party

    def people(self, names: Collection[str], language: str) -> dict[str, str]:
        """What people are called, by account name; read in one request for those not kept."""
        now = time.monotonic()
        with self._lock:
            if len(self._people) > PEOPLE_KEPT:
                self._people.clear()
            missing = [name for name in set(names) if now - self._people.get(name, (-self._kept_s, None))[0] >= self._kept_s]
        if missing:
            found = self._users_of([name for name in missing if not name.startswith("source:")])
            found |= {f"user:{name}": self._source(name) for name in missing if name.startswith("source:")}
            with self._lock:
                self._people.update({name: (now, found.get(f"user:{name}")) for name in missing})
        shown = {name: self._people.get(name, (now, None))[1] or {} for name in names}
        return {name: named(user.get("display"), language, name) for name, user in shown.items()}

    def _source(self, id: str) -> Document | None:
        """Another system, as if it were somebody: it reports, too."""
        try:
            found = self._systems.find(id)
        except NotFound:
            found = None
        return {"display": found["name"]} if found else None

    def _users_of(self, names: list[str]) -> dict[str, Document | None]:
        try:
            return self._users.many([f"user:{name}" for name in names])
        except NotFound:
            return {}

    def _range(self, prefix: str) -> list[Document]:
        try:
            return self._ref.range(prefix, prefix + "\ufff0", limit=MOST)
        except NotFound:
            return []

    def _keep(self, key: str, read: Callable[[], Kept]) -> Kept:
        now = time.monotonic()
        with self._lock:
            known = self._kept.get(key)
        if known is not None and now - known[0] < self._kept_s:
            found: Kept = known[1]
            return found
        found = read()
        with self._lock:
            self._kept[key] = (now, found)
        return found
