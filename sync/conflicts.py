"""Resolving conflicts CouchDB has stored: the branches of a document become one, without anybody in charge.

Two that resolve the same branches at once, on two nodes, write the same revisions: a revision's name is made here from its parent
and its content, as a phone's is, and written with `new_edits: false`, where the same one twice is once. The new body is durable
before a losing branch is closed, so it may be killed anywhere and run again. What the new body says is `server/domain/merge.py`;
which documents are in conflict is found by whoever calls (`worker/conflicts.py`).
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from sync.database import Database
from sync.errors import Unreachable

Document = dict[str, Any]
# CouchDB's default; more of a history than this the store forgets by itself.
HISTORY_MOST = 1000


def is_branched(row: dict[str, Any]) -> bool:
    """True for a row of `style=all_docs` changes whose document has more than one living branch."""
    return len(living(row)) > 1


def living(row: dict[str, Any]) -> list[Document]:
    """The living leaves of such a row, each with `_revisions`. Raises Unreachable when the store left one out."""
    if len(row["leaves"]) < len(row["changes"]):
        raise Unreachable(f"not every branch of {row['id']} could be read")
    return [leaf for leaf in row["leaves"] if not leaf.get("_deleted")]


def resolve(database: Database, leaves: Sequence[Document], body: Document) -> str:
    """Make one living branch of several; the revision that is left. `leaves` carry `_rev` and `_revisions`.

    `body` is what the leaves say together: a function of them alone, whatever their order. The longest branch goes on with it, or
    stays as it is when it says so already. Raises the errors of the store; running it again then is right.
    """
    by_age = sorted(leaves, key=lambda leaf: _rank(leaf["_rev"]))
    parent = by_age[-1]
    stays = parent if content_of(parent) == body else successor(parent, body)
    if stays is not parent:
        _write(database, [stays])
    _write(database, [tombstone(leaf) for leaf in by_age[:-1]])
    return str(stays["_rev"])


def successor(parent: Document, body: Document) -> Document:
    """A revision of its own after `parent`. The same parent and body make the same revision, whoever writes it."""
    generation, _, digest = parent["_rev"].partition("-")
    known = parent["_revisions"]["ids"] if "_revisions" in parent else [digest]
    content = orjson.dumps([parent["_rev"], body], option=orjson.OPT_SORT_KEYS)
    name = hashlib.md5(content, usedforsecurity=False).hexdigest()
    start = int(generation) + 1
    return {**body, "_rev": f"{start}-{name}", "_revisions": {"start": start, "ids": [name, *known][:HISTORY_MOST]}}


def tombstone(leaf: Document) -> Document:
    """The revision that closes a branch, without a body. The same for everybody who closes it."""
    return successor(leaf, {"_id": leaf["_id"], "_deleted": True})


def content_of(doc: Document) -> Document:
    """A document without the store's own fields, except its id."""
    return {name: value for name, value in doc.items() if not name.startswith("_") or name == "_id"}


def _rank(rev: str) -> tuple[int, str]:
    """CouchDB's own order of leaves: the longer branch, then the greater digest."""
    generation, _, digest = rev.partition("-")
    return int(generation), digest


def _write(database: Database, docs: Sequence[Document]) -> None:
    failed = [row for row in database.bulk(docs, new_edits=False) if "error" in row]
    if failed:
        raise Unreachable(f"{database.name}: {failed[0].get('error')}")
