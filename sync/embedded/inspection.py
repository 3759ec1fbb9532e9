"""What is looked at inside one database file: trees, winners, sequence, digests, counts. Inside one read transaction.

Memory: two bits for each revision and attachment there ever was, whatever the documents' size. SQLite's own structure is
checked in `checking.py`, which also says what to do about what is found here.
"""

import hashlib
import sqlite3
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import orjson

from sync.embedded.codec import parse
from sync.embedded.refusals import Refusal
from sync.embedded.rows import digest_body, make_tree, read_attachments
from sync.embedded.trees import Tree, parse_revision, rank

_CHUNK_BYTES = 1 << 20
_ROWS_A_WORD = 1000
_MOST_PROBLEMS = 500


@dataclass
class Tally:
    """What was counted."""

    live: int = 0
    dead: int = 0
    bodies: int = 0
    blobs: int = 0
    views: int = 0


class Marks:
    """A set of small numbers, a bit each."""

    def __init__(self, most: int) -> None:
        self._bits = bytearray(most // 8 + 1)

    def add(self, number: int) -> bool:
        """Adds a number; False when it was there or is beyond the most."""
        if not 0 < number < len(self._bits) * 8 or number in self:
            return False
        self._bits[number >> 3] |= 1 << (number & 7)
        return True

    def __contains__(self, number: int) -> bool:
        return 0 < number < len(self._bits) * 8 and bool(self._bits[number >> 3] & 1 << (number & 7))


class Inspection:
    """One file's examination; `problems` and `notes` are filled by `run`."""

    def __init__(self, connection: sqlite3.Connection, has_sums: bool, note_rows: Callable[[int], None]) -> None:
        self._connection = connection
        self._has_sums = has_sums
        self._note_rows = note_rows
        self._rows = 0
        self._sumless = 0
        self.tally = Tally()
        self.problems: list[str] = []
        self.notes: list[str] = []

    def run(self) -> None:
        """Looks at everything. Raises sqlite3.Error where the file cannot be read at all."""
        columns = "seq, live, dead, body, blob, purge" + (", waste" if self._has_sums else "")
        row = self._connection.execute(f"SELECT {columns} FROM figure").fetchone()  # noqa: S608 - names from here
        if row is None:
            self._fault("its counters are missing")
            return
        self._figures = row
        self._named = Marks(row[3])
        self._attached = Marks(row[4])
        self._check_documents()
        self._check_bodies()
        self._check_blobs()
        self._check_counts()
        self._check_side_tables()

    def _fault(self, text: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(text)

    def _step(self) -> None:
        self._rows += 1
        if self._rows % _ROWS_A_WORD == 0:
            self._note_rows(self._rows)

    def _check_documents(self) -> None:
        newest = 0
        for seq, id_, rev, deleted, body, text in self._connection.execute(
            "SELECT seq, id, rev, deleted, body, tree FROM doc ORDER BY seq"
        ):
            self._step()
            newest = seq
            self.tally.live += not deleted
            self.tally.dead += bool(deleted)
            try:
                tree = make_tree(rev, deleted, body, text)
                faults = find_faults(tree)
            except (ValueError, TypeError, IndexError, KeyError):
                faults, tree = ["its revision tree cannot be read"], Tree()
            for fault in faults:
                self._fault(f"document {id_!r}: {fault}")
            if not faults:
                self._check_winner(id_, rev, deleted, body, tree)
            for node in tree.nodes.values():
                if node.body and not self._named.add(node.body):
                    self._fault(f"document {id_!r}: names revision {node.body}, another's or none that was ever written")
        self._check_sequence(newest)

    def _check_winner(self, id_: str, rev: str, deleted: int, body: int, tree: Tree) -> None:
        winner = tree.winner()
        node = tree.nodes[winner]
        if (winner, int(node.is_deleted), node.body) != (rev, deleted, body):
            self._fault(f"document {id_!r}: shows {rev}, but {winner} wins")

    def _check_sequence(self, newest: int) -> None:
        """A sequence number belongs to one change: no row of `purged` has a document's, and the last one is the counter."""
        (purged,) = self._connection.execute("SELECT max(seq) FROM purged").fetchone()
        newest = max(newest, purged or 0)
        if newest != self._figures[0]:
            self._fault(f"the last change is number {newest}, but {self._figures[0]} were given out")
        (twice,) = self._connection.execute("SELECT count(*) FROM purged JOIN doc USING(seq)").fetchone()
        (below,) = self._connection.execute("SELECT count(*) FROM doc WHERE seq < 1").fetchone()
        if twice or below:
            self._fault(f"{twice + below} changes have a number that is not theirs")

    def _check_bodies(self) -> None:
        seen = 0
        sums = "sum" if self._has_sums else "NULL"
        orphans = 0
        for key, doc, atts, digest in self._connection.execute(f"SELECT key, doc, atts, {sums} FROM body"):  # noqa: S608
            self._step()
            self.tally.bodies += 1
            if key in self._named:
                seen += 1
            else:
                orphans += 1
            if digest is None:
                self._sumless += 1
            elif digest_body(doc, atts) != digest:
                self._fault(f"revision {key} ({self._find_owner(key)}): its content does not have its digest")
                continue
            self._check_body(key, doc, atts)
        named = self._count_named()
        if seen != named:
            self._fault(f"{named - seen} revisions are named in documents but not there: {', '.join(self._find_missing())}")
        if orphans:
            self._fault(f"{orphans} revisions belong to no document")
        if self._sumless:
            self.notes.append(f"{self._sumless} revisions were written by an earlier version, without a digest to compare")

    def _check_body(self, key: int, doc: bytes, atts: str | None) -> None:
        try:
            is_object = isinstance(parse(doc), dict)
        except Refusal:
            is_object = False
        if not is_object:
            self._fault(f"revision {key} ({self._find_owner(key)}): is not a JSON object")
        try:
            attachments = read_attachments(atts)
        except (orjson.JSONDecodeError, TypeError):
            self._fault(f"revision {key} ({self._find_owner(key)}): its list of attachments cannot be read")
            return
        for each in attachments:
            if each.blob not in self._attached:
                self._attached.add(each.blob)
                fault = self._check_blob(each.blob, each.length, each.digest)
                if fault:
                    self._fault(f"attachment {each.name!r} of {self._find_owner(key)}: {fault}")

    def _check_blob(self, key: int, length: int, digest: str) -> str | None:
        if self._connection.execute("SELECT 1 FROM blob WHERE key = ?", (key,)).fetchone() is None:
            return "is not there"
        hasher = hashlib.md5(usedforsecurity=False)
        with self._connection.blobopen("blob", "data", key, readonly=True) as blob:
            if len(blob) != length:
                return f"has {len(blob)} bytes instead of {length}"
            while part := blob.read(_CHUNK_BYTES):
                hasher.update(part)
        self._step()
        return None if "md5-" + b64encode(hasher.digest()).decode() == digest else "its content does not have its digest"

    def _check_blobs(self) -> None:
        orphans = orphan_bytes = 0
        for key, length in self._connection.execute("SELECT key, length(data) FROM blob"):
            self.tally.blobs += 1
            if key not in self._attached:
                orphans += 1
                orphan_bytes += length
        if orphans:
            self.notes.append(f"{orphans} attachments ({orphan_bytes} bytes) are needed no more; the next compaction drops them")

    def _check_counts(self) -> None:
        for counted, kept, word in ((self.tally.live, self._figures[1], "live"), (self.tally.dead, self._figures[2], "deleted")):
            if counted != kept:
                self._fault(f"{counted} {word} documents are there, but {kept} were counted")
        for table, most in (("body", self._figures[3]), ("blob", self._figures[4])):
            (highest,) = self._connection.execute(f"SELECT max(key) FROM {table}").fetchone()  # noqa: S608
            if (highest or 0) > most:
                self._fault(f"{table} {highest} is beyond the last one given out, {most}")
        blocks = [*self._connection.execute("SELECT first, live FROM block ORDER BY first"), (None, 0)]
        if blocks[0][0] != "":
            self._fault("the counts by id do not begin at the beginning")
        wrong = 0
        for (first, live), (after, _) in pairwise(blocks):
            sql = "SELECT count(*) FROM doc WHERE deleted = 0 AND id >= ?" + ("" if after is None else " AND id < ?")  # noqa: S608
            (counted,) = self._connection.execute(sql, (first,) if after is None else (first, after)).fetchone()
            wrong += counted != live
        if wrong:
            self._fault(f"{wrong} of {len(blocks) - 1} counts by id are wrong")

    def _check_side_tables(self) -> None:
        for id_, doc in self._connection.execute("SELECT id, doc FROM local"):
            try:
                parse(doc)
            except Refusal:
                self._fault(f"local document {id_!r}: is not JSON")
        for name, value in self._connection.execute("SELECT name, value FROM setting"):
            try:
                parse(value.encode())
            except Refusal:
                self._fault(f"setting {name!r}: is not JSON")

    def _count_named(self) -> int:
        return sum(1 for key in range(1, self._figures[3] + 1) if key in self._named)

    def _find_missing(self) -> list[str]:
        """Ids of a few documents whose revisions are missing."""
        found: list[str] = []
        for id_, rev, deleted, body, text in self._connection.execute("SELECT id, rev, deleted, body, tree FROM doc"):
            for node in make_tree(rev, deleted, body, text).nodes.values():
                sql = "SELECT 1 FROM body WHERE key = ?"
                if node.body and self._connection.execute(sql, (node.body,)).fetchone() is None:
                    found.append(repr(id_))
            if len(found) >= 5:
                break
        return found

    def _find_owner(self, key: int) -> str:
        """The id of the document a stored revision belongs to; a slow search, made only for what is damaged."""
        for id_, rev, deleted, body, text in self._connection.execute("SELECT id, rev, deleted, body, tree FROM doc"):
            if body == key or (text and any(node.body == key for node in make_tree(rev, deleted, body, text).nodes.values())):
                return repr(id_)
        return "of no document"


def find_faults(tree: Tree) -> list[str]:
    """What is wrong with a tree in itself: names, generations, parents, leaves without content."""
    faults = []
    if not tree.nodes:
        return ["it has no revision"]
    for revision, node in tree.nodes.items():
        if parse_revision(revision) is None:
            faults.append(f"{revision!r} is no revision")
        elif node.parent is not None and (
            parse_revision(node.parent) is None or rank(node.parent)[0] != rank(revision)[0] - 1 or node.parent not in tree.nodes
        ):
            faults.append(f"{revision} does not follow on {node.parent}")
    if not faults:
        faults += [f"leaf {leaf} has no content" for leaf in tree.leaves() if not tree.nodes[leaf].body]
    return faults
