"""What a server process knows of erased ids, in memory: asked of every pushed document, kept up from the changes of `erasures`.

A mark that another process made is known within `SURE_S`; what slips in before is taken out by the erasure's second run.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any

from server.domain import erasure
from server.erasure.marks import PREFIX, Marks
from sync import feed
from sync.couch import Couch
from sync.databases import ERASURES
from sync.errors import NotFound

SURE_S = 2.0
PAGE = 1000


class Erased:
    """One per server process. Safe between threads."""

    def __init__(self, couch: Couch) -> None:
        self._couch = couch
        self._marks = Marks()
        self._since: feed.Seq | None = None
        self._sure_until_s = 0.0
        self._lock = threading.Lock()

    def is_stale(self) -> bool:
        """True when it is time to `look`."""
        return time.monotonic() >= self._sure_until_s

    def look(self) -> None:
        """Read what was erased since the last look. Blocks; raises the errors of the store."""
        with self._lock:
            begun_at_s, more = time.monotonic(), True
            while more:
                try:
                    page = self._couch.database(ERASURES).changes(self._since, PAGE, include_docs=False)
                except NotFound:
                    self._marks, self._since, more = Marks(), None, False
                    break
                names = (row["id"] for row in page.results)
                self._marks.known.update(id.removeprefix(PREFIX) for id in names if id.startswith(PREFIX))
                self._since, more = page.last_seq, page.pending > 0
            self._sure_until_s = begun_at_s + SURE_S

    def has_any(self) -> bool:
        """False while nothing was ever erased."""
        return bool(self._marks.known)

    def has(self, id: str) -> bool:
        """True for an erased id."""
        return self._marks.has(id)

    def covered(self, docs: Sequence[Any]) -> set[int]:
        """The places of those of these documents (any JSON values) that were erased, or belong to what was or to one of those."""
        found: set[int] = set()
        if not self.has_any():
            return found
        marks, is_growing = Marks(self._marks.known), True
        while is_growing:
            more = {
                place
                for place, doc in enumerate(docs)
                if place not in found and isinstance(doc, dict) and erasure.is_erased(doc, marks)
            }
            marks.add(docs[place]["_id"] for place in more if isinstance(docs[place].get("_id"), str))
            found, is_growing = found | more, bool(more)
        return found

    def add(self, docs: Sequence[Any]) -> None:
        """These were refused as erased: what comes for them next is, too."""
        self._marks.add(doc["_id"] for doc in docs if isinstance(doc, dict) and isinstance(doc.get("_id"), str))
