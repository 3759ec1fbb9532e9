"""Reading rows of one database file: document records, stored bodies, figures. SQL for reading lives here.

Every function takes a connection inside a transaction (`Database.read`), so that what it reads fits together.
"""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, TypeVar

import orjson

from sync.embedded.trees import Node, Tree

_MOST_VARIABLES = 500

_T = TypeVar("_T")


class Attachment(NamedTuple):
    """What a revision knows of one attachment; `blob` is the key of its bytes, `digest` as CouchDB writes it."""

    name: str
    content_type: str
    revpos: int
    digest: str
    length: int
    blob: int


class Body(NamedTuple):
    """A stored revision: its JSON object without `_` fields, and its attachments."""

    doc: bytes
    attachments: list[Attachment]


@dataclass(slots=True)
class Record:
    """A document's row: its revision tree and the sequence number of its last change."""

    id: str
    seq: int
    tree: Tree


class Winner(NamedTuple):
    """What a plain read of a document meets; `body` is the key of its body."""

    id: str
    rev: str
    is_deleted: bool
    body: int


class Figures(NamedTuple):
    """The counters of a database: last sequence, live and deleted documents, last keys given, purges; and the bytes that
    compaction can give back, about."""

    seq: int
    live: int
    dead: int
    body: int
    blob: int
    purge: int
    waste: int = 0


class ChangedDoc(NamedTuple):
    """One row of the changes feed: `body` has `_id` and `_rev`, and of a deleted document nothing else but `_deleted`."""

    seq: int
    id: str
    rev: str
    deleted: bool
    body: dict[str, object]


def read_figures(connection: sqlite3.Connection) -> Figures:
    """The counters as of this transaction."""
    return Figures(*connection.execute("SELECT seq, live, dead, body, blob, purge, waste FROM figure").fetchone())


def make_tree(rev: str, deleted: int, body: int, tree: str | None) -> Tree:
    """The tree of a row of `doc`; a single revision is not written out as one."""
    return Tree({rev: Node(None, deleted == 1, body)}) if tree is None else Tree.decode(tree)


def find_records(connection: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Record]:
    """id → record, of those that exist (deleted ones too)."""
    found: dict[str, Record] = {}
    for part in split(ids, _MOST_VARIABLES):
        sql = f"SELECT id, seq, rev, deleted, body, tree FROM doc WHERE id IN ({_marks(part)})"  # noqa: S608
        for id_, seq, rev, deleted, body, tree in connection.execute(sql, part):
            found[id_] = Record(id_, seq, make_tree(rev, deleted, body, tree))
    return found


def find_winners(connection: sqlite3.Connection, ids: Iterable[str]) -> dict[str, Winner]:
    """id → winner, of the documents that exist (deleted ones too)."""
    found: dict[str, Winner] = {}
    for part in split(ids, _MOST_VARIABLES):
        sql = f"SELECT id, rev, deleted, body FROM doc WHERE id IN ({_marks(part)})"  # noqa: S608
        for id_, rev, deleted, body in connection.execute(sql, part):
            found[id_] = Winner(id_, rev, deleted == 1, body)
    return found


def find_record(connection: sqlite3.Connection, id_: str) -> Record | None:
    """The record of one document."""
    return find_records(connection, [id_]).get(id_)


def find_bodies(connection: sqlite3.Connection, keys: Iterable[int]) -> dict[int, Body]:
    """Body key → body."""
    found: dict[int, Body] = {}
    for part in split(keys, _MOST_VARIABLES):
        sql = f"SELECT key, doc, atts FROM body WHERE key IN ({_marks(part)})"  # noqa: S608
        for key, doc, atts in connection.execute(sql, part):
            found[key] = Body(doc, read_attachments(atts))
    return found


def read_attachments(text: str | None) -> list[Attachment]:
    """The column `body.atts`."""
    return [] if text is None else [Attachment(*row) for row in orjson.loads(text)]


def write_attachments(attachments: list[Attachment]) -> str | None:
    """What `read_attachments` reads."""
    return orjson.dumps([tuple(each) for each in attachments]).decode() if attachments else None


def digest_body(doc: bytes, atts: str | None) -> int:
    """What `body.sum` holds: 64 bits over the two columns, so that a byte that turned on the disk is noticed."""
    hasher = hashlib.blake2b(doc, digest_size=8)
    if atts is not None:
        hasher.update(b"\n" + atts.encode())
    return int.from_bytes(hasher.digest(), "big", signed=True)


def read_setting(connection: sqlite3.Connection, name: str) -> str | None:
    """A database's setting (`security`, `revs_limit`) as text, None while it has the default."""
    row = connection.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
    return None if row is None else str(row[0])


def split(values: Iterable[_T], size: int) -> Iterator[list[_T]]:
    """Lists of at most `size`."""
    source = iter(values)
    while part := list(islice(source, size)):
        yield part


def _marks(part: Sized) -> str:
    return ",".join("?" * len(part))
