"""Taking what was erased out of one database of household records: every leaf is closed by a tombstone with an empty body.

What belongs to something marked is marked before it is closed, so that whoever is killed in between finds it again. Two that do
this at once write the same tombstones. What stays loses what leads to it (`server/domain/erasure.py`).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from server.domain import erasure
from server.erasure import store
from server.erasure.marks import Marks
from sync import conflicts, feed
from sync.couch import Couch
from sync.database import Database
from sync.errors import NotFound, Unreachable

BATCH = 500
# Of a tombstone nothing but these.
BARE = frozenset({"_id", "_rev", "_deleted", "_revisions"})
Document = dict[str, Any]
Found = dict[str, str]


class Swept(NamedTuple):
    """What a pass met of what was erased, closed now or before (`{id: type}`), and whether it wrote anything."""

    found: Found
    has_written: bool


def sweep(couch: Couch, name: str, marks: Marks, erasure_id: str, now: datetime) -> Swept:
    """One pass over a database. Nothing when it is not there. Raises the errors of the store."""
    database, since, found, has_written = couch.database(name), None, Found(), False
    while True:
        try:
            page = feed.read_after(database, since, BATCH, style="all_docs")
        except NotFound:
            return Swept(found, has_written)
        rows = [(row["id"], row["leaves"]) for row in page.changes if not row["id"].startswith("_design/")]
        met, wrote = _deal_with(couch, database, rows, marks, erasure_id, now)
        found, has_written, since = found | met, has_written or wrote, page.seq
        if not page.more:
            return Swept(found, has_written)


def look_up(couch: Couch, name: str, ids: Iterable[str], marks: Marks) -> bool:
    """Close these ids in a database that holds copies or things made of them; True when any was there."""
    database = couch.database(name)
    try:
        present = [id for id, doc in database.many(sorted(ids)).items() if doc]
    except NotFound:
        return False
    for id in present:
        if marks.has(id):
            close(database, leaves_of(couch, name, id))
    return bool(present)


def leaves_of(couch: Couch, name: str, id: str) -> list[Document]:
    """All leaves of a document, deleted ones included, with their histories."""
    try:
        rows = couch.json("GET", [name, id], params={"open_revs": "all", "revs": "true"})
    except NotFound:
        return []
    return [row["ok"] for row in rows if "ok" in row]


def close(database: Database, leaves: Iterable[Document]) -> bool:
    """Tombstones for these leaves, where they are not bare ones already; True when there were any to write."""
    made = [conflicts.tombstone(leaf) for leaf in leaves if not leaf.get("_deleted") or not leaf.keys() <= BARE]
    if any("error" in row for row in database.bulk(made, new_edits=False)):
        raise Unreachable(f"{database.name}: a tombstone was not stored")
    return bool(made)


def _deal_with(  # noqa: PLR0917 - where, what, and by whose erasure
    couch: Couch, database: Database, rows: list[tuple[str, list[Document]]], marks: Marks, erasure_id: str, now: datetime
) -> tuple[Found, bool]:
    """A page: what goes is marked, then closed; what stays is cut."""
    fresh: Found = {}
    for _, leaves in rows:
        fresh |= store.followers(leaves, marks)
    if fresh:
        store.add(couch, erasure_id, fresh)
        marks.add(fresh)
    gone = {id: erasure.type_of(id) for id, _ in rows if marks.has(id)}
    wrote = close(database, [leaf for id, leaves in rows if id in gone for leaf in leaves])
    wrote = close(database, _values(rows, marks)) or wrote
    staying = [[leaf for leaf in leaves if not leaf.get("_deleted")] for id, leaves in rows if id not in gone]
    plain = [clean for leaves in staying if len(leaves) == 1 for _, clean in _cut(leaves, marks, now)]
    branched = [conflicts.successor(*one) for leaves in staying if len(leaves) > 1 for one in _cut(leaves, marks, now)]
    # A conflict means that somebody wrote meanwhile; the pass that follows one that wrote looks again.
    database.bulk(plain)
    if any("error" in row for row in database.bulk(branched, new_edits=False)):
        raise Unreachable(f"{database.name}: a version without what was erased was not stored")
    return gone, wrote or bool(plain) or bool(branched) or bool(fresh)


def _values(rows: list[tuple[str, list[Document]]], marks: Marks) -> list[Document]:
    """Documents of one replaced value each, whose value was erased."""
    found = [leaf for _, leaves in rows for leaf in leaves if not leaf.get("_deleted")]
    return [doc for doc in found if (one := erasure.spilled_value(doc)) and marks.has(erasure.value_name(one))]


def _cut(leaves: list[Document], marks: Marks, now: datetime) -> list[tuple[Document, Document]]:
    """Those of a document's leaves that lead to what was erased, each with what is left of it: of several, each goes on by itself
    and the resolver makes one of them."""
    made = [(leaf, erasure.cut(leaf, marks, erasure.server_stamp(now))) for leaf in leaves]
    changed = [(leaf, clean) for leaf, clean in made if clean is not leaf]
    if len(leaves) == 1:
        return [(leaf, {name: value for name, value in clean.items() if name != "_revisions"}) for leaf, clean in changed]
    return [(leaf, conflicts.content_of(clean)) for leaf, clean in changed]
