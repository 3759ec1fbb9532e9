"""Homes for refused records: which databases an entry could go to, what lies there already, and the write that puts it there.

A record and the receipt that names it go in one request, as when a phone pushes; the receipt says when the server first got it.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from server.domain import adoption, documents, times
from server.domain.admission import Target
from server.domain.errors import InvalidInput
from server.domain.permissions import PHONE_ROLES, Person
from server.people import accounts
from server.people.reach import QUARTERS_BACK
from server.quarantine.entries import Entry
from sync import databases
from sync.couch import Couch
from sync.databases import DatabaseName
from sync.errors import NotFound, Unreachable
from sync.gateway.receipts import make_receipt

BY_GRID_AND_QUARTER = {"grid": databases.grid_db, "home-quarter": databases.home_quarter_db, "beat": databases.beat_db}
Document = dict[str, Any]


class Leaf(NamedTuple):
    """The end of a branch of a stored document: its revisions from the newest back, and whether it is a deletion."""

    revs: tuple[str, ...]
    is_deleted: bool


def author_of(couch: Couch, entry: Entry) -> Person:
    """Whose record it is: the sender's account; of a name nobody has, somebody with any phone's role."""
    person = accounts.lookup(couch, entry["user"])
    return person or {"name": entry["user"], "roles": sorted(PHONE_ROLES), "grids": []}


def kind_of(entry: Entry, author: Person) -> str | None:
    """The kind of database an entry belongs into: what it was sent to when its type may lie there, else the first that may."""
    name, kinds = databases.parse(entry["database"]), adoption.kinds_of(str(entry["about"]["type"]), author)
    return name.kind if name and name.kind in kinds else next(iter(kinds), None)


def name_of(entry: Entry, kind: str, grid: str, quarter: str) -> str:
    """The database of a kind for a grid and quarter; of a track or a reading log, the one it was sent to."""
    if kind in BY_GRID_AND_QUARTER:
        return BY_GRID_AND_QUARTER[kind](grid, quarter)
    return databases.home_db(grid) if kind == "home" else str(entry["database"])


def quarters(now: datetime) -> list[str]:
    """The quarters that are not archived, the present one first."""
    found = [databases.quarter_at(now)]
    while len(found) < QUARTERS_BACK:
        found.append(databases.previous_quarter(found[-1]))
    return found


def suggested(entry: Entry, now: datetime) -> tuple[str | None, str]:
    """`(grid, quarter)` a clerk most likely wants: where it was sent to, while that quarter is open, else the present one."""
    name, document = databases.parse(entry["database"]), entry.get("document")
    own = document.get("grid") if isinstance(document, dict) else None
    open_quarters = quarters(now)
    quarter = name.quarter if name and name.quarter in open_quarters else open_quarters[0]
    return (name.grid if name and name.grid else own), str(quarter)


def read(couch: Couch, entry: Entry, database: str, author: Person, now: datetime) -> DatabaseName:
    """The parts of a database an entry could be adopted into. Raises InvalidInput that names what is wrong with it."""
    name = databases.parse(database)
    if name is None or name.kind not in adoption.kinds_of(str(entry["about"]["type"]), author):
        raise InvalidInput({"database": "type_not_allowed"})
    if name.grid is None and database != entry["database"]:
        raise InvalidInput({"database": "not_grid_holder"})
    if name.quarter is not None:
        is_recent = name.quarter in quarters(now)[:2]
        if name.quarter not in quarters(now) or not (is_recent or couch.info_of(database)):
            raise InvalidInput({"database": "archived_database"})
    return name


def is_for_photos(database: str) -> bool:
    """True for the databases that photo records lie in."""
    name = databases.parse(database)
    return name is not None and name.kind in BY_GRID_AND_QUARTER


def target_of(name: DatabaseName) -> Target:
    """The same as the rules of admission want it."""
    return Target(name.kind, name.grid)


def leaves(couch: Couch, database: str, id: str) -> list[Leaf]:
    """All leaves of a document with their histories; none when it or its database is not there."""
    try:
        rows = couch.json("GET", [database, id], params={"open_revs": "all", "revs": "true"})
    except NotFound:
        return []
    found = [row["ok"] for row in rows if "ok" in row]
    return [Leaf(_history(doc["_revisions"]), bool(doc.get("_deleted"))) for doc in found]


def is_there(couch: Couch, database: str, id: str, rev: str) -> bool:
    """True when this revision is in a living branch of the document: the record is stored."""
    return any(rev in leaf.revs and not leaf.is_deleted for leaf in leaves(couch, database, id))


def check_free(couch: Couch, database: str, doc: Document) -> None:
    """Raises InvalidInput when this very revision cannot come to life there: another is in its place, or it was taken away."""
    present = leaves(couch, database, doc["_id"])
    is_immutable = doc["type"] in documents.IMMUTABLE
    if any(doc["_rev"] in leaf.revs and leaf.is_deleted for leaf in present):
        raise InvalidInput({"document": "was_removed"})
    if is_immutable and any(not leaf.is_deleted and doc["_rev"] not in leaf.revs for leaf in present):
        raise InvalidInput({"document": "id_taken"})


def put(couch: Couch, database: str, doc: Document, entry: Entry) -> None:
    """Store a record as a push would, with its receipt; storing it again changes nothing. Makes a missing database."""
    docs, receipt = [doc], _receipt(database, doc, entry)
    docs += [receipt] if receipt else []
    try:
        failed = couch.database(database).bulk(docs, new_edits=False)
    except NotFound:
        couch.create(database, replicated=True)
        failed = couch.database(database).bulk(docs, new_edits=False)
    if any("error" in row for row in failed):
        raise Unreachable(f"{database} did not take {doc['_id']}: {failed}")


def _receipt(database: str, doc: Document, entry: Entry) -> Document | None:
    random = hashlib.sha256(f"{entry['_id']} {database} {doc['_id']}".encode()).digest()
    return make_receipt(database, entry["device"], [doc["_id"]], times.from_text(entry["refused_at"]), random)


def _history(revisions: dict[str, Any]) -> tuple[str, ...]:
    start = int(revisions["start"])
    return tuple(f"{start - back}-{digest}" for back, digest in enumerate(revisions["ids"]))


def waited(entry: Entry, now: datetime) -> timedelta:
    """How long ago it was refused."""
    return now - times.from_text(entry["refused_at"])
