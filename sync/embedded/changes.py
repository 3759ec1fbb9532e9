"""The changes of a database as lines of JSON: one row a document, at the place of its last change.

Feeds (waiting, heartbeats) are in `routes/changes.py`; this reads one page at a time inside a read transaction.
"""

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from sync.embedded.codec import Fragment, dump
from sync.embedded.reading import View, render_revision
from sync.embedded.refusals import bad_request
from sync.embedded.rendering import render_object
from sync.embedded.rows import Record, find_bodies, make_tree, read_figures, split
from sync.embedded.selectors import Selector

PAGE_ROWS = 500

_COLUMNS = "SELECT seq, id, rev, deleted, body, tree FROM doc"

Row = tuple[int, str, str, int, int, str | None]


@dataclass(slots=True)
class Question:
    """What a client asks of the feed. `doc_ids` and `selector` narrow it; `view` says what `include_docs` shows."""

    since: int = 0
    limit: int | None = None
    is_descending: bool = False
    shows_leaves: bool = False
    includes_docs: bool = False
    view: View = field(default_factory=View)
    doc_ids: list[str] | None = None
    selector: Selector | None = None


@dataclass(slots=True)
class Page:
    """Lines read, and how far: everything up to `last` is answered. `is_end`: nothing more as of `newest`."""

    lines: list[bytes]
    last: int
    newest: int
    is_end: bool


def format_seq(seq: int, epoch: str) -> str:
    """A sequence number as clients see it: it names the database's incarnation."""
    return f"{seq}-{epoch}"


def parse_seq(text: str, epoch: str, newest: int) -> int:
    """`since` of a client. That of another incarnation of the database (or its future) starts over. Raises 400."""
    if text == "now":
        return newest
    number, _, seen = text.strip('"').partition("-")
    if not number.isdecimal() or len(number) > 15:
        raise bad_request("Malformed sequence supplied in 'since' parameter.")
    since = int(number)
    return since if seen in ("", epoch) and since <= newest else 0


def read_page(connection: sqlite3.Connection, epoch: str, question: Question, room: int) -> Page:
    """The next lines after `question.since`, at most `room` of them, reading at most `PAGE_ROWS` documents."""
    newest = read_figures(connection).seq
    count = min(room, PAGE_ROWS) if question.selector is None and question.doc_ids is None else PAGE_ROWS
    rows = _read_rows(connection, question, count)
    lines: list[bytes] = []
    last = question.since
    keys = [row[4] for row in rows] if question.includes_docs or question.selector else []
    bodies = find_bodies(connection, keys)
    for row in rows:
        if len(lines) == room:
            return Page(lines, last, newest, is_end=False)
        last = row[0]
        record = Record(row[1], row[0], make_tree(*row[2:]))
        if question.selector is not None:
            document = render_object(record.id, row[2], bodies[row[4]], row[3] == 1)
            if not question.selector.matches(document):
                continue
        doc = None
        if question.includes_docs:
            doc = render_revision(connection, record, row[2], question.view, with_meta=True, body=bodies[row[4]])
        lines.append(_format_line(record, row[2], epoch, question.shows_leaves, doc))
    is_end = len(rows) < count or question.doc_ids is not None
    return Page(lines, max(last, newest) if is_end and not question.is_descending else last, newest, is_end)


def count_pending(connection: sqlite3.Connection, since: int) -> int:
    """How many documents changed after `since`."""
    row: tuple[int] = connection.execute("SELECT count(*) FROM doc WHERE seq > ?", (since,)).fetchone()
    return row[0]


def _read_rows(connection: sqlite3.Connection, question: Question, count: int) -> list[Row]:
    order = "DESC" if question.is_descending else "ASC"
    if question.doc_ids is not None:
        found: list[Row] = []
        for part in split(dict.fromkeys(question.doc_ids), 500):
            marks = ",".join("?" * len(part))
            found += connection.execute(f"{_COLUMNS} WHERE id IN ({marks}) AND seq > ?", [*part, question.since])
        return sorted(found, reverse=question.is_descending)
    limit = "seq < ?" if question.is_descending else "seq > ?"
    since = question.since if question.since or not question.is_descending else 1 << 62
    sql = f"{_COLUMNS} WHERE {limit} ORDER BY seq {order} LIMIT ?"
    return list(connection.execute(sql, (since, count)))


def _format_line(record: Record, winner: str, epoch: str, shows_leaves: bool, doc: bytes | None) -> bytes:
    revisions = record.tree.leaves() if shows_leaves else [winner]
    line: dict[str, Any] = {"seq": format_seq(record.seq, epoch), "id": record.id}
    line["changes"] = [{"rev": revision} for revision in revisions]
    if record.tree.nodes[winner].is_deleted:
        line["deleted"] = True
    if doc is not None:
        line["doc"] = Fragment(doc)
    return dump(line)
