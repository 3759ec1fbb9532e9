"""Reading one document in all the ways the protocol knows: by revision, with history, with conflicts, with attachments.

Functions take a connection inside a read transaction and answer JSON text; HTTP is not known here.
"""

import sqlite3
from dataclasses import dataclass
from typing import Any

from sync.embedded.codec import dump
from sync.embedded.refusals import missing
from sync.embedded.rendering import describe_attachments, inline_attachments, render
from sync.embedded.rows import Attachment, Body, Record, find_bodies, find_record
from sync.embedded.trees import rank


@dataclass(slots=True)
class View:
    """Which extras a read wants; the names are those of CouchDB's parameters."""

    revs: bool = False
    revs_info: bool = False
    conflicts: bool = False
    deleted_conflicts: bool = False
    local_seq: bool = False
    attachments: bool = False
    atts_since: list[str] | None = None
    latest: bool = False


def read_blob(connection: sqlite3.Connection, key: int) -> bytes:
    """The bytes of an attachment."""
    row: tuple[bytes] = connection.execute("SELECT data FROM blob WHERE key = ?", (key,)).fetchone()
    return row[0]


def read_blob_part(connection: sqlite3.Connection, key: int, first: int, last: int) -> bytes:
    """The bytes of an attachment from `first` to `last`, without reading the others."""
    with connection.blobopen("blob", "data", key, readonly=True) as blob:
        blob.seek(first)
        return blob.read(last + 1 - first)


def read_document(connection: sqlite3.Connection, id_: str, revision: str | None, view: View) -> tuple[str, bytes]:
    """(revision, JSON text) of the winner or of a named revision. Raises 404 `missing` or `deleted`."""
    record = find_record(connection, id_)
    if record is None:
        raise missing()
    if revision is None:
        winner = record.tree.winner()
        if record.tree.nodes[winner].is_deleted:
            raise missing("deleted")
        return winner, render_revision(connection, record, winner, view, with_meta=True)
    if view.latest and revision in record.tree.nodes:
        revision = record.tree.leaves_above(revision)[0]
    if not has_body(record, revision):
        raise missing()
    return revision, render_revision(connection, record, revision, view, with_meta=False)


def read_open_revisions(connection: sqlite3.Connection, id_: str, wanted: list[str] | None, view: View) -> bytes:
    """JSON text of `open_revs`: every leaf when `wanted` is None, else the revisions asked for."""
    record = find_record(connection, id_)
    if record is None and wanted is None:
        raise missing()
    rows = []
    for revision in choose_revisions(record, wanted, view.latest):
        if record is not None and has_body(record, revision):
            rows.append(b'{"ok":' + render_revision(connection, record, revision, view, with_meta=False) + b"}")
        else:
            rows.append(b'{"missing":' + dump(revision) + b"}")
    return b"[" + b",".join(rows) + b"]"


def choose_revisions(record: Record | None, wanted: list[str] | None, latest: bool) -> list[str]:
    """The revisions to show: all leaves, or those wanted; with `latest`, the leaves that grew from them."""
    if wanted is None:
        return record.tree.leaves() if record is not None else []
    chosen: dict[str, None] = {}
    for revision in wanted:
        if latest and record is not None and revision in record.tree.nodes:
            chosen.update(dict.fromkeys(record.tree.leaves_above(revision)))
        else:
            chosen[revision] = None
    return list(chosen)


def has_body(record: Record, revision: str) -> bool:
    """Whether the revision's content is stored here."""
    node = record.tree.nodes.get(revision)
    return node is not None and node.body != 0


def render_revision(
    connection: sqlite3.Connection, record: Record, revision: str, view: View, *, with_meta: bool, body: Body | None = None
) -> bytes:
    """JSON text of one stored revision. `with_meta`: CouchDB shows conflicts and the like only on plain reads."""
    node = record.tree.nodes[revision]
    if body is None:
        body = find_bodies(connection, [node.body])[node.body]
    extras: dict[str, Any] = {}
    if view.revs:
        path = record.tree.path(revision)
        extras["_revisions"] = {"start": rank(revision)[0], "ids": [each.partition("-")[2] for each in path]}
    if with_meta:
        extras |= describe_meta(record, revision, view)
    if view.local_seq:
        extras["_local_seq"] = record.seq
    if body.attachments and (view.attachments or view.atts_since is not None):
        extras["_attachments"] = _show_attachments(connection, record, revision, body.attachments, view)
    return render(record.id, revision, body, node.is_deleted, extras)


def describe_meta(record: Record, revision: str, view: View) -> dict[str, Any]:
    """`_revs_info`, `_conflicts`, `_deleted_conflicts`, as far as asked for and not empty."""
    nodes = record.tree.nodes
    extras: dict[str, Any] = {}
    if view.revs_info:
        extras["_revs_info"] = [{"rev": each, "status": _name_status(record, each)} for each in record.tree.path(revision)]
    others = [leaf for leaf in record.tree.leaves() if leaf != revision]
    live = [leaf for leaf in others if not nodes[leaf].is_deleted]
    dead = [leaf for leaf in others if nodes[leaf].is_deleted]
    if view.conflicts and live:
        extras["_conflicts"] = live
    if view.deleted_conflicts and dead:
        extras["_deleted_conflicts"] = dead
    return extras


def _name_status(record: Record, revision: str) -> str:
    if not has_body(record, revision):
        return "missing"
    return "deleted" if record.tree.nodes[revision].is_deleted else "available"


def _show_attachments(
    connection: sqlite3.Connection, record: Record, revision: str, attachments: list[Attachment], view: View
) -> dict[str, Any]:
    """With bytes, except those the client has already: named in `atts_since` by an ancestor that knew them."""
    path = record.tree.path(revision)
    known = max((rank(each)[0] for each in view.atts_since or () if each in path), default=0)
    fresh = [each for each in attachments if each.revpos > known]
    old = [each for each in attachments if each.revpos <= known]
    return describe_attachments(old) | inline_attachments(fresh, lambda key: read_blob(connection, key))
