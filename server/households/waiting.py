"""Which household files have a superseded value to review: an index in this process's memory, rebuilt from the changes feed.

It holds ids and no contents. The first look at a database reads all of it, later ones what changed since.
"""

import threading

from server.domain import merge
from sync import feed
from sync.couch import Couch
from sync.errors import NotFound

PAGE = 500


class Waiting:
    """Safe between threads; two that look at once do the same work twice and agree."""

    def __init__(self, couch: Couch) -> None:
        self._couch = couch
        self._known: dict[str, tuple[feed.Seq | None, frozenset[str]]] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> list[str]:
        """The ids of a `home-*` database's documents with something to review, in order. Nothing when it is not there."""
        with self._lock:
            since, ids = self._known.get(name, (None, frozenset()))
        found, more = set(ids), True
        while more:
            try:
                page = feed.read_after(self._couch.database(name), since, PAGE)
            except NotFound:
                return []
            for row in page.changes:
                (found.add if _waits(row.get("doc") or {}) else found.discard)(row["id"])
            since, more = page.seq, page.more
        with self._lock:
            self._known[name] = since, frozenset(found)
        return sorted(found)


def _waits(doc: merge.Document) -> bool:
    if doc.get("_deleted"):
        return False
    return doc.get("type") == "superseded" or (doc.get("type") in merge.MUTABLE and bool(doc.get("superseded")))
