"""Superseded values of household files: found, opened, restored, let go of. Who may is `server/domain/permissions.py`.

Restoring is an edit like any other, with a fresh stamp and the clerk's name; letting go leaves a mark that the value was seen, so
that it does not come back with a phone that was away. Both may run twice. Each is in the access log before it happens.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from server import audit
from server.domain import documents, hlc, merge, permissions, times
from server.domain.errors import Changed, InvalidInput, Missing
from server.households import spilling
from server.households.waiting import Waiting
from sync.couch import Couch
from sync.database import Database
from sync.databases import DEVICES, home_db
from sync.errors import Conflict, NotFound

LISTED_MOST = 100
PURPOSE_LENGTH = 200
TRIES = 8
DEVICE = "desk"

Document = dict[str, Any]


class Lost(NamedTuple):
    """A superseded value, the document it is of, and how it is called in an address. `household` is None when it is not there."""

    grid: str
    doc: Document
    edit: merge.Edit
    key: str
    spilled: Document | None
    household: Document | None = None

    @property
    def is_sensitive(self) -> bool:
        """True when reading it asks for a purpose."""
        return self.edit.field in documents.SENSITIVE.get(self.doc["type"], frozenset())


def waiting_in(couch: Couch, waiting: Waiting, grid: str) -> list[Lost]:
    """What waits in a grid, newest first. The caller has asked whether it may be seen."""
    database = couch.database(home_db(grid))
    ids = waiting.of(database.name)
    docs = {id: doc for id, doc in database.many(ids).items() if doc} if ids else {}
    spilled = [doc for doc in docs.values() if doc["type"] == "superseded"]
    docs |= _present(database, {doc["of"] for doc in spilled} - docs.keys())
    found = [_lost(grid, docs[doc["of"]], doc) for doc in spilled if doc["of"] in docs]
    for doc in docs.values():
        if doc["type"] in merge.MUTABLE:
            found += [Lost(grid, doc, edit, merge.key_of(edit), None) for edit in merge.superseded(doc)]
    found.sort(key=lambda lost: hlc.rank(lost.edit.stamp), reverse=True)
    return _with_households(database, found[:LISTED_MOST])


def find(couch: Couch, person: permissions.Person, grid: str, id: str, key: str) -> Lost:
    """One of them. Raises Missing when it is not for this person to know of, Changed when it waits no more."""
    if not permissions.may_review_households(person, grid):
        raise Missing
    database = couch.database(home_db(grid))
    try:
        doc, spilled = database.find(id), database.find(f"superseded:{id}:{key}")
    except NotFound:
        raise Missing from None
    if doc is None or doc.get("type") not in merge.MUTABLE:
        raise Missing
    edits = [edit for edit in merge.superseded(doc) if merge.key_of(edit) == key]
    if not edits and spilled is None:
        raise Changed
    lost = Lost(grid, doc, edits[0], key, spilled) if edits else _lost(grid, doc, spilled or {})
    return _with_households(database, [lost])[0]


def read(couch: Couch, person: permissions.Person, lost: Lost, purpose: str) -> None:
    """Log that a sensitive value is read, and for what. Raises InvalidInput without a purpose; then nothing may be shown."""
    why = purpose.strip()
    if not why or len(why) > PURPOSE_LENGTH:
        raise InvalidInput({"purpose": "too_long" if why else "required"})
    _note(couch, person, lost, "household.read", why)


def restore(couch: Couch, person: permissions.Person, lost: Lost, now: datetime) -> None:
    """Make a superseded value the present one again. Raises Changed when it waits no more."""
    _note(couch, person, lost, "household.restored")

    def change(doc: Document) -> Document:
        stamp = hlc.tick(now, hlc.DESK + person["name"], merge.latest_stamp(doc))
        signed = {"author": person["name"], "device": DEVICE, "captured_at": times.to_text(now), "clock_offset_ms": 0}
        return merge.edit(doc, {lost.edit.field: lost.edit.value}, stamp) | signed

    _change(couch, person, lost, change)


def let_go(couch: Couch, person: permissions.Person, lost: Lost) -> None:
    """Say that a superseded value was looked at and is needed no more. Raises Changed when it waits no more."""
    _note(couch, person, lost, "household.reviewed")
    _change(couch, person, lost, lambda doc: merge.let_go(doc, lost.edit))


def authors(couch: Couch, stamps: Collection[str]) -> dict[str, str]:
    """Account names of those who made stamps: `{stamp: user}`, without those nobody knows."""
    nodes = {stamp: parsed.node for stamp in stamps if (parsed := hlc.parse(stamp))}
    wanted = sorted({f"device:{node}" for node in nodes.values() if not node.startswith(hlc.DESK)})
    try:
        devices = couch.database(DEVICES).many(wanted)
    except NotFound:
        devices = {}
    users = {id.partition(":")[2]: str(doc["user"]) for id, doc in devices.items() if doc}
    clerks = {node: node.removeprefix(hlc.DESK) for node in nodes.values() if node.startswith(hlc.DESK)}
    return {stamp: known for stamp, node in nodes.items() if (known := clerks.get(node) or users.get(node))}


def _change(couch: Couch, person: permissions.Person, lost: Lost, change: Callable[[Document], Document]) -> None:
    """Change the document under its revision's guard; of a value kept apart, that document goes last."""
    database = couch.database(home_db(lost.grid))
    present = lost
    for _ in range(TRIES):
        doc, over = merge.bound(change(present.doc))
        documents.read_stored(doc)
        spilling.keep(database, doc, over)
        try:
            database.put(doc | {"_rev": present.doc["_rev"]})
        except Conflict:
            present = find(couch, person, lost.grid, lost.doc["_id"], lost.key)
            continue
        if present.spilled is not None:
            database.bulk([{"_id": present.spilled["_id"], "_rev": present.spilled["_rev"], "_deleted": True}])
        return
    raise Conflict(lost.doc["_id"])


def _note(couch: Couch, person: permissions.Person, lost: Lost, action: str, why: str = "") -> None:
    facts = {"grid": lost.grid, "field": lost.edit.field, "stamp": lost.edit.stamp}
    audit.note(couch, by=person["name"], action=action, subject=lost.doc["_id"], why=why, facts=facts)


def _lost(grid: str, doc: Document, spilled: Document) -> Lost:
    edit = merge.Edit(spilled["field"], spilled["stamp"], spilled.get("value"))
    return Lost(grid, doc, edit, merge.key_of(edit), spilled)


def _with_households(database: Database, found: Sequence[Lost]) -> list[Lost]:
    """Each with the household its document belongs to."""
    own = {lost.doc["_id"]: lost.doc for lost in found if lost.doc["type"] == "household"}
    known = own | _present(database, {str(lost.doc.get("household", lost.doc["_id"])) for lost in found} - own.keys())
    return [lost._replace(household=known.get(lost.doc.get("household", lost.doc["_id"]))) for lost in found]


def _present(database: Database, ids: Collection[str]) -> dict[str, Document]:
    return {id: doc for id, doc in database.many(sorted(ids)).items() if doc}
