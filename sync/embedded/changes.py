"""The changes of a database as lines of JSON: one row a document, at the place of its last change.

Feeds (waiting, heartbeats) are in `routes/changes.py`; this reads one page at a time inside a read transaction. A sieve is
asked after that, so that nobody's filter keeps a transaction open.
"""

import sqlite3
from dataclasses import dataclass, field

from sync.embedded.codec import dump, parse
from sync.embedded.mango.fields import Projection
from sync.embedded.reading import View, render_revision
from sync.embedded.refusals import bad_request
from sync.embedded.rendering import render
from sync.embedded.rows import Body, Record, make_tree, read_attachments, read_figures, split
from sync.embedded.sieves import Sieve

PAGE_ROWS = 500

_WITHOUT_BODY = "SELECT seq, id, rev, deleted, body, tree, NULL, NULL FROM doc"
_WITH_BODY = """SELECT seq, id, rev, deleted, doc.body, tree, body.doc, body.atts
FROM doc JOIN body ON body.key = doc.body"""

# seq, id, winner, deleted, body key, tree; then the body's JSON and attachments when they were asked for.
Row = tuple[int, str, str, int, int, str | None, bytes | None, str | None]


@dataclass(slots=True)
class Question:
    """What a client asks of the feed. `doc_ids`, `only_designs` and `sieve` narrow it; `view` says what `include_docs` shows."""

    since: int = 0
    limit: int | None = None
    is_descending: bool = False
    shows_leaves: bool = False
    includes_docs: bool = False
    view: View = field(default_factory=View)
    doc_ids: list[str] | None = None
    only_designs: bool = False
    sieve: Sieve | None = None
    fields: Projection | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether a page may have fewer rows than were read."""
        return self.sieve is not None or self.doc_ids is not None


@dataclass(slots=True)
class Candidate:
    """A row before the sieve: the line around its `changes`, its leaves, and what the sieve sees of each."""

    seq: int
    head: bytes
    leaves: list[str]
    tail: bytes
    documents: list[bytes]

    def line(self, leaves: list[str]) -> bytes:
        """The row with these of its leaves."""
        return self.head + b",".join(b'{"rev":"' + leaf.encode() + b'"}' for leaf in leaves) + self.tail


@dataclass(slots=True)
class Page:
    """Rows read, and how far: everything up to `last` is answered. `is_end`: nothing more as of `newest`."""

    lines: list[bytes]
    last: int
    newest: int
    is_end: bool
    candidates: list[Candidate] = field(default_factory=list)


def format_seq(seq: int, epoch: str) -> str:
    """A sequence number as clients see it: it names the database's incarnation."""
    return f"{seq}-{epoch}"


def parse_seq(text: str, epoch: str, newest: int) -> int:
    """`since` of a client. That of another incarnation of the database (or its future) starts over. Raises 400.

    A bare number is none of a feed's: of those CouchDB takes 0 alone.
    """
    if text == "now":
        return newest
    number, _, seen = text.strip('"').partition("-")
    if not number.isdecimal() or len(number) > 15 or not (seen or number == "0"):
        raise bad_request("Malformed sequence supplied in 'since' parameter.")
    since = int(number)
    return since if seen == epoch and since <= newest else 0


def read_page(connection: sqlite3.Connection, epoch: str, question: Question, room: int) -> Page:
    """The next rows after `question.since`, at most `room` of them, reading at most `PAGE_ROWS` documents.

    With a sieve they are `candidates`, for `sift` to choose from; without, they are `lines`.
    """
    newest = read_figures(connection).seq
    count = PAGE_ROWS if question.is_filtered else min(room, PAGE_ROWS)
    rows = _read_rows(connection, question, count)
    found = rows if question.sieve is not None else rows[:room]
    candidates = [_make_candidate(connection, question, epoch, row) for row in found]
    last = found[-1][0] if found else question.since
    is_end = len(found) == len(rows) and (len(rows) < count or question.doc_ids is not None)
    page = Page([], max(last, newest) if is_end and not question.is_descending else last, newest, is_end)
    if question.sieve is not None:
        page.candidates = candidates
    else:
        page.lines = [each.line(each.leaves) for each in candidates]
    return page


def sift(page: Page, sieve: Sieve, room: int) -> Page:
    """The page with the lines of those candidates that pass, at most `room`. Blocks; raises what the sieve raises."""
    verdicts = iter(sieve.sift([document for each in page.candidates for document in each.documents]))
    lines: list[bytes] = []
    for at, each in enumerate(page.candidates):
        passing = [leaf for leaf in each.leaves if next(verdicts)]
        if passing:
            lines.append(each.line(passing))
        if len(lines) == room and at + 1 < len(page.candidates):
            return Page(lines, each.seq, page.newest, is_end=False)
    return Page(lines, page.last, page.newest, page.is_end)


def count_pending(connection: sqlite3.Connection, since: int) -> int:
    """How many documents changed after `since`."""
    row: tuple[int] = connection.execute("SELECT count(*) FROM doc WHERE seq > ?", (since,)).fetchone()
    return row[0]


def _read_rows(connection: sqlite3.Connection, question: Question, count: int) -> list[Row]:
    columns = _WITH_BODY if question.includes_docs or question.sieve is not None else _WITHOUT_BODY
    order = "DESC" if question.is_descending else "ASC"
    if question.doc_ids is not None:
        found: list[Row] = []
        for part in split(dict.fromkeys(question.doc_ids), 500):
            marks = ",".join("?" * len(part))
            found += connection.execute(f"{columns} WHERE id IN ({marks}) AND seq > ?", [*part, question.since])
        return sorted(found, key=lambda row: row[0], reverse=question.is_descending)
    limit = "seq < ?" if question.is_descending else "seq > ?"
    designs = " AND id >= '_design/' AND id < '_design0'" if question.only_designs else ""
    since = question.since if question.since or not question.is_descending else 1 << 62
    sql = f"{columns} WHERE {limit}{designs} ORDER BY seq {order} LIMIT ?"
    return list(connection.execute(sql, (since, count)))


def _make_candidate(connection: sqlite3.Connection, question: Question, epoch: str, row: Row) -> Candidate:
    seq, id_, winner, deleted, _, tree = row[:6]
    body = Body(row[6], read_attachments(row[7])) if row[6] is not None else None
    head = b'{"seq":"' + format_seq(seq, epoch).encode() + b'","id":' + dump(id_) + b',"changes":['
    leaves = [winner] if tree is None or not question.shows_leaves else make_tree(*row[2:6]).leaves()
    tail = [b"]"]
    if deleted:
        tail.append(b',"deleted":true')
    if question.includes_docs and body is not None:
        tail += [b',"doc":', _render_doc(connection, question, row, body)]
    tail.append(b"}")
    documents: list[bytes] = []
    if question.sieve is not None and body is not None:
        documents = [_render_leaf(connection, row, leaf, body) for leaf in leaves]
    return Candidate(seq, head, leaves, b"".join(tail), documents)


def _render_leaf(connection: sqlite3.Connection, row: Row, leaf: str, body: Body) -> bytes:
    """What a sieve sees: each leaf is judged by itself, as CouchDB does."""
    seq, id_, winner, deleted = row[:4]
    if leaf == winner:
        return render(id_, winner, body, deleted == 1)
    return render_revision(connection, Record(id_, seq, make_tree(*row[2:6])), leaf, View(), with_meta=False)


def _render_doc(connection: sqlite3.Connection, question: Question, row: Row, body: Body) -> bytes:
    seq, id_, winner, deleted, _, tree = row[:6]
    if tree is None and not body.attachments:  # most documents have one revision: nothing to look up
        text = render(id_, winner, body, deleted == 1)
    else:
        record = Record(id_, seq, make_tree(*row[2:6]))
        text = render_revision(connection, record, winner, question.view, with_meta=True, body=body)
    return text if question.fields is None else dump(question.fields.cut(parse(text)))
