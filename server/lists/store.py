"""How lists are kept: numbered changes in the server's own database `lists`, each with the versions it brought. Only added to.

    change:<n>                        {n, token, kind, by, at, lists, counts, file, of, reason}
    version:<n>:<token>:<list>:<key>  {list, key, change, token, valid_from, valid_to, body}

Versions are written first and count once their change is there: a change is whole or not at all, wherever its writer is killed.
Two who change at once want the same number: one gets it, the other is told (`Changed`). An undone change is named by a later one
(`of`) and its versions count no more; nothing is deleted. What a change may say is decided by `importing.py` and its neighbours.
"""

import logging
import secrets
import threading
import time
import weakref
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from server.domain import lists, times
from server.domain.errors import Changed
from server.domain.list_versions import Book, Version
from sync import databases
from sync.couch import Couch
from sync.database import Database
from sync.errors import Conflict, NotFound, Unreachable

Document = dict[str, Any]
PAGE = 1000
BATCH = 500
LOOKED_AT_S = 2.0
LOG = logging.getLogger(__name__)


class Kept(NamedTuple):
    """All that is kept: the book of what counts, the changes by number, and which of them were undone."""

    book: Book
    changes: dict[int, Document]
    undone: frozenset[int]


class Seen(NamedTuple):
    """What was read of one store, at which of its sequences, and when somebody last looked whether that is still so."""

    kept: Kept
    sequence: str
    looked_at: float


NOTHING = Kept(Book([]), {}, frozenset())
_SEEN: "weakref.WeakKeyDictionary[Couch, Seen]" = weakref.WeakKeyDictionary()
_LOCK = threading.Lock()


def ensure(couch: Couch) -> Database:
    """The database, made when it is not there."""
    return couch.database(databases.LISTS, create=True)


def read(couch: Couch) -> Kept:
    """All that is kept, at most two seconds old; empty while there is no such database. Raises the store's errors."""
    now = time.monotonic()
    with _LOCK:
        seen = _SEEN.get(couch)
    if seen is not None and now - seen.looked_at < LOOKED_AT_S:
        return seen.kept
    info = couch.info_of(databases.LISTS)
    sequence = str(info["update_seq"]) if info else ""
    kept = seen.kept if seen is not None and seen.sequence == sequence else _load(couch) if info else NOTHING
    with _LOCK:
        _SEEN[couch] = Seen(kept, sequence, now)
    return kept


def append(couch: Couch, *, base: int, kind: str, by: str, now: datetime, versions: Sequence[Version] = (), **facts: Any) -> int:
    """Add a change after the change `base`, with its versions (their own `change` is not looked at); its number.

    `facts` are the change's own: `counts`, `file`, `of`, `reason`. Raises Changed when `base` is not the last change any more.
    """
    database, number, token = ensure(couch), base + 1, secrets.token_hex(8)
    if _number_taken(database, number):
        forget(couch)
        raise Changed("lists_changed", last=number)
    for start in range(0, len(versions), BATCH):
        rows = database.bulk([_document(one, number, token) for one in versions[start : start + BATCH]])
        if any("error" in row for row in rows):
            raise Unreachable(f"versions not stored: {rows[0]}")
    change = {"_id": f"change:{number:06d}", "type": "change", "v": 1, "n": number, "token": token, "kind": kind, "by": by}
    change |= {"at": times.to_text(now), "lists": sorted({one.list for one in versions}), **facts}
    try:
        database.put(change)
    except Conflict:
        raise Changed("lists_changed", last=number) from None
    finally:
        forget(couch)
    return number


def forget(couch: Couch) -> None:
    """Look again at the next question, however soon."""
    with _LOCK:
        _SEEN.pop(couch, None)


def touched_by(couch: Couch, number: int, token: str) -> set[tuple[str, str]]:
    """List and key of every entry a change touched."""
    prefix = f"version:{number:06d}:{token}:"
    return {(doc["list"], doc["key"]) for doc in _range(couch.database(databases.LISTS), prefix)}


def _number_taken(database: Database, number: int) -> bool:
    return database.find(f"change:{number:06d}") is not None


def _load(couch: Couch) -> Kept:
    database = couch.database(databases.LISTS)
    try:
        changes = {doc["n"]: doc for doc in _range(database, "change:")}
        undone = frozenset(doc["of"] for doc in changes.values() if doc["kind"] == "undo")
        tokens = {n: doc["token"] for n, doc in changes.items() if n not in undone}
        found = [_version(doc) for doc in _range(database, "version:") if tokens.get(doc["change"]) == doc["token"]]
    except NotFound:
        return NOTHING
    return Kept(Book([one for one in found if one], max(changes, default=0)), changes, undone)


def _range(database: Database, prefix: str) -> Iterator[Document]:
    start = prefix
    while True:
        page = database.range(start, prefix + "\ufff0", PAGE)
        yield from page
        if len(page) < PAGE:
            return
        start = page[-1]["_id"] + "\x00"


def _document(version: Version, number: int, token: str) -> Document:
    return {
        "_id": f"version:{number:06d}:{token}:{version.list}:{version.key}",
        "type": "version",
        "v": 1,
        "list": version.list,
        "key": version.key,
        "change": number,
        "token": token,
        "valid_from": version.valid_from,
        "valid_to": version.valid_to,
        "body": None if version.body is None else msgspec.to_builtins(version.body),
    }


def _version(doc: Document) -> Version | None:
    """The version of a document; None, and a line in the log, for one that the shapes of today do not take."""
    try:
        body = None if doc["body"] is None else msgspec.convert(doc["body"], lists.SHAPES[doc["list"]])
    except (msgspec.ValidationError, KeyError) as error:
        LOG.warning("%s is left out: %s", doc["_id"], error)
        return None
    return Version(doc["list"], doc["key"], doc["change"], doc["valid_from"], doc["valid_to"], body)
