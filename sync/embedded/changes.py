"""The changes of a database as lines of JSON: one row a document, at the place of its last change.

Feeds (waiting, heartbeats) are in `routes/changes.py`; this reads one page at a time inside a read transaction.
"""

import sqlite3
from dataclasses import dataclass, field
from typing import Any

from sync.embedded.codec import dump
from sync.embedded.reading import View, render_revision
from sync.embedded.refusals import bad_request
from sync.embedded.rendering import render, render_object
from sync.embedded.rows import Body, Record, make_tree, read_attachments, read_figures, split
from sync.embedded.selectors import Selector

PAGE_ROWS = 500

_WITHOUT_BODY = "SELECT seq, id, rev, deleted, body, tree, NULL, NULL FROM doc"
_WITH_BODY = """SELECT seq, id, rev, deleted, doc.body, tree, body.doc, body.atts
FROM doc JOIN body ON body.key = doc.body"""

# seq, id, winner, deleted, body key, tree; then the body's JSON and attachments when they were asked for.
Row = tuple[int, str, str, int, int, str | None, bytes | None, str | None]


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
    is_filtered = question.selector is not None or question.doc_ids is not None
    count = PAGE_ROWS if is_filtered else min(room, PAGE_ROWS)
    rows = _read_rows(connection, question, count)
    lines: list[bytes] = []
    last = question.since
    for row in rows:
        if len(lines) == room:
            return Page(lines, last, newest, is_end=False)
        last = row[0]
        body = Body(row[6], read_attachments(row[7])) if row[6] is not None else None
        if question.selector is None or question.selector.matches(_parse_document(row, body)):
            lines.append(_format_line(connection, question, epoch, row, body))
    is_end = len(rows) < count or question.doc_ids is not None
    return Page(lines, max(last, newest) if is_end and not question.is_descending else last, newest, is_end)


def count_pending(connection: sqlite3.Connection, since: int) -> int:
    """How many documents changed after `since`."""
    row: tuple[int] = connection.execute("SELECT count(*) FROM doc WHERE seq > ?", (since,)).fetchone()
    return row[0]


def _read_rows(connection: sqlite3.Connection, question: Question, count: int) -> list[Row]:
    columns = _WITH_BODY if question.includes_docs or question.selector is not None else _WITHOUT_BODY
    order = "DESC" if question.is_descending else "ASC"
    if question.doc_ids is not None:
        found: list[Row] = []
        for part in split(dict.fromkeys(question.doc_ids), 500):
            marks = ",".join("?" * len(part))
            found += connection.execute(f"{columns} WHERE id IN ({marks}) AND seq > ?", [*part, question.since])
        return sorted(found, key=lambda row: row[0], reverse=question.is_descending)
    limit = "seq < ?" if question.is_descending else "seq > ?"
    since = question.since if question.since or not question.is_descending else 1 << 62
    sql = f"{columns} WHERE {limit} ORDER BY seq {order} LIMIT ?"
    return list(connection.execute(sql, (since, count)))


def _parse_document(row: Row, body: Body | None) -> dict[str, Any]:
    assert body is not None
    return render_object(row[1], row[2], body, row[3] == 1)


def _format_line(connection: sqlite3.Connection, question: Question, epoch: str, row: Row, body: Body | None) -> bytes:
    seq, id_, winner, deleted, _, tree = row[:6]
    parts = [b'{"seq":"', format_seq(seq, epoch).encode(), b'","id":', dump(id_), b',"changes":[']
    leaves = [winner] if tree is None or not question.shows_leaves else make_tree(*row[2:6]).leaves()
    parts += [b",".join(b'{"rev":"' + leaf.encode() + b'"}' for leaf in leaves), b"]"]
    if deleted:
        parts.append(b',"deleted":true')
    if question.includes_docs and body is not None:
        parts += [b',"doc":', _render_doc(connection, question, row, body)]
    parts.append(b"}")
    return b"".join(parts)


def _render_doc(connection: sqlite3.Connection, question: Question, row: Row, body: Body) -> bytes:
    seq, id_, winner, deleted, _, tree = row[:6]
    if tree is None and not body.attachments:  # most documents have one revision: nothing to look up
        return render(id_, winner, body, deleted == 1)
    record = Record(id_, seq, make_tree(*row[2:6]))
    return render_revision(connection, record, winner, question.view, with_meta=True, body=body)
