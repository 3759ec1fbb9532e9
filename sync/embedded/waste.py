"""How many bytes compaction could give back, kept up to date as documents change.

It is a figure to decide by, reported as the difference of `sizes.file` and `sizes.active`; nothing is deleted on its word.
What counts: bodies of revisions that are no longer leaves, and attachments that only such revisions name.
"""

import sqlite3
from collections.abc import Iterable

from sync.embedded.rows import Attachment, find_bodies
from sync.embedded.trees import Tree


def find_stale(tree: Tree) -> set[int]:
    """Keys of stored bodies of revisions that are not leaves."""
    if len(tree.nodes) == 1:
        return set()
    inner = {node.parent for node in tree.nodes.values()}
    return {node.body for revision, node in tree.nodes.items() if node.body and revision in inner}


class Waste:
    """The difference that one transaction makes. Look at a tree before it changes, and again before it is written."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._was: dict[str, tuple[set[int], set[int]]] = {}
        self.size_bytes = 0

    def note(self, id_: str, tree: Tree) -> None:
        """Remembers a document's bodies as they were."""
        self._was[id_] = find_stale(tree), {node.body for node in tree.nodes.values() if node.body}

    def count(self, id_: str, tree: Tree) -> None:
        """Adds what became waste; takes off what stemming or a purge has dropped. Old bodies must still be there."""
        if id_ not in self._was:
            return
        stale_before, all_before = self._was[id_]
        stale = find_stale(tree)
        kept = {node.body for node in tree.nodes.values() if node.body}
        released = (stale | (all_before - kept)) - stale_before
        if not released and stale == stale_before:
            return
        self.size_bytes += self._measure(released & kept) - self._measure(stale_before - stale)
        self.size_bytes += self._measure_attachments(released, kept - stale)

    def _measure(self, keys: Iterable[int]) -> int:
        sizes = (self._connection.execute("SELECT length(doc) FROM body WHERE key = ?", (key,)).fetchone() for key in keys)
        return sum(row[0] for row in sizes if row)

    def _measure_attachments(self, released: set[int], leaves: set[int]) -> int:
        """Bytes of attachments named by released bodies and by none of the document's leaves."""
        sql = "SELECT 1 FROM body WHERE key = ? AND atts IS NOT NULL"
        if not any(self._connection.execute(sql, (key,)).fetchone() for key in released):
            return 0
        still = {each.blob for each in self._attachments(leaves)}
        return sum({each.blob: each.length for each in self._attachments(released) if each.blob not in still}.values())

    def _attachments(self, keys: Iterable[int]) -> list[Attachment]:
        return [each for body in find_bodies(self._connection, keys).values() for each in body.attachments]
