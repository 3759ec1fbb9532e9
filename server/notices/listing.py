"""A person's notices as a list: what is unread first, then what was read, page by page, by kind and urgency.

What counts as read is `reading.py`. Every list is bounded: so many unread ones at a time, so many looked at for a filter.
"""

from datetime import datetime
from typing import Any, NamedTuple

from server import cursors
from server.domain import notices
from server.domain.errors import InvalidInput
from server.domain.permissions import Person
from server.notices import reading, store
from sync.couch import Couch

UNREAD_SHOWN = 200
LIMIT_MOST = 100
LOOKS_MOST = 5

Document = dict[str, Any]


class Page(NamedTuple):
    """Notices, newest first: those unread (on the first page only) and those read; how many are unread, and what follows.

    `newest` is when the newest that this person was shown was noted: until then everything may be marked read at once.
    """

    unread: list[Document]
    read: list[Document]
    unread_count: int
    is_more_unread: bool
    newest: str
    next: str | None


class Wanted(NamedTuple):
    """Which notices are listed."""

    kind: str | None = None
    urgency: str | None = None
    is_unread_only: bool = False

    def takes(self, notice: Document) -> bool:
        """True when this notice is one of them."""
        return self.kind in (None, notices.kind_of(notice["what"])) and self.urgency in (None, notice["urgency"])


def page(  # noqa: PLR0917 - who, when, which
    couch: Couch, person: Person, now: datetime, wanted: Wanted, limit: int = 50, cursor: str | None = None
) -> Page:
    """A page of a person's notices. Raises InvalidInput."""
    if not 1 <= limit <= LIMIT_MOST:
        raise InvalidInput({"limit": "out_of_range"})
    after = cursors.read(cursor)
    unread = reading.unread(couch, person, now)
    fresh = [] if after else _docs(couch, [id for _, id in unread.places[:UNREAD_SHOWN]], wanted)
    skipped = {id for _, id in unread.places}
    read, left = ([], None) if wanted.is_unread_only else _read(couch, person, wanted, skipped, after, limit)
    newest = unread.places[0][0] if unread.places else ""
    return Page(fresh, read, len(unread.places), unread.is_more, newest, cursors.write(left))


def _read(  # noqa: PLR0917 - who, which, from where
    couch: Couch, person: Person, wanted: Wanted, skipped: set[str], after: list[str] | None, limit: int
) -> tuple[list[Document], list[str] | None]:
    """Notices that are not unread, and the place behind the last one looked at when something follows."""
    found: list[Document] = []
    before = (after[0], after[1]) if after else None
    for _ in range(LOOKS_MOST):
        looked_at = reading.places(couch, person, before=before, limit=LIMIT_MOST)
        kept = _docs(couch, [id for _, id in looked_at if id not in skipped], wanted)
        found += kept[: limit - len(found)]
        if len(found) == limit and found[-1] != kept[-1]:
            return found, [found[-1]["noted_at"], found[-1]["_id"]]
        if len(looked_at) < LIMIT_MOST:
            return found, None
        before = looked_at[-1]
        if len(found) == limit:
            break
    return found, list(before) if before else None


def _docs(couch: Couch, ids: list[str], wanted: Wanted) -> list[Document]:
    docs = store.many(couch, ids)
    return [docs[id] for id in ids if id in docs and wanted.takes(docs[id])]
