"""Two first revisions of one immutable record: one stays, the other goes to quarantine and then from its database (DESIGN §5).

The gate cannot see this: it looks nothing up. Which one was processed first is told by whoever processed it; where nothing was
made of a record, the store's own winner stays.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from server.domain import documents
from server.quarantine import keep
from sync.couch import Couch
from sync.database import Database

Document = dict[str, Any]
Row = dict[str, Any]


def first_revisions(row: Row) -> list[Document]:
    """The living first revisions of an immutable record in a row of the feed, the store's winner first; else nothing."""
    return [
        leaf
        for leaf in row["leaves"]
        if not leaf.get("_deleted") and leaf.get("type") in documents.IMMUTABLE and str(leaf["_rev"]).startswith("1-")
    ]


def settle(couch: Couch, database: Database, rows: Iterable[Row], kept: Mapping[str, str]) -> int:
    """Quarantine and remove the revisions that do not stay; how many. `kept` is `{id: revision that was processed}`."""
    losers = []
    for row in rows:
        leaves = first_revisions(row)
        if len(leaves) > 1:
            stays = kept.get(row["id"], leaves[0]["_rev"])
            losers += [leaf for leaf in leaves if leaf["_rev"] != stays]
    for leaf in losers:
        keep_aside(couch, database.name, leaf, "immutable_revision")
    database.bulk([{"_id": leaf["_id"], "_rev": leaf["_rev"], "_deleted": True} for leaf in losers])
    return len(losers)


def keep_aside(couch: Couch, database: str, doc: Document, reason: str, fields: Mapping[str, str] | None = None) -> None:
    """Put a stored document into quarantine, so that a clerk sees it. Doing it twice makes one entry."""
    clean = {name: value for name, value in doc.items() if name != "_revisions"}
    device, author = str(doc.get("device", "")), str(doc.get("author", ""))
    keep(couch, database=database, device=device, user=author, doc=clean, reason=reason, fields=dict(fields or {}))
