"""Revision trees, purely: which revisions of a document are known, which are leaves, and which one wins.

A revision is `<generation>-<hash>` text. A node knows its parent, whether it is a deletion and the key of its stored
body (0: known by name only). No storage, no JSON of documents here; the rules are CouchDB's (see the conformance cases
`conflicts_and_trees`).
"""

import re
from dataclasses import dataclass

import orjson

_REVISION = re.compile(r"([0-9]{1,15})-([^\s\"\\,\x00-\x1f]{1,128})")


def parse_revision(text: object) -> tuple[int, str] | None:
    """`"3-abc"` → (3, "abc"); None when it is not a revision."""
    match = _REVISION.fullmatch(text) if isinstance(text, str) else None
    if match is None or match[1] == "0" * len(match[1]):
        return None
    return int(match[1]), match[2]


def rank(revision: str) -> tuple[int, str]:
    """Sorting key among leaves of the same liveness: longer history first, then the higher hash."""
    generation, _, digest = revision.partition("-")
    return int(generation), digest


@dataclass(slots=True)
class Node:
    """One revision: `body` is the key of its stored body, 0 when only the name is known."""

    parent: str | None
    is_deleted: bool
    body: int


class Tree:
    """The revision tree of one document; `nodes` maps a revision to its `Node`."""

    __slots__ = ("nodes",)

    def __init__(self, nodes: dict[str, Node] | None = None) -> None:
        self.nodes: dict[str, Node] = nodes if nodes is not None else {}

    @classmethod
    def decode(cls, text: str) -> "Tree":
        """Reads what `encode` wrote."""
        rows = orjson.loads(text)
        names = [row[0] for row in rows]
        return cls({row[0]: Node(names[row[1]] if row[1] >= 0 else None, row[2] == 1, row[3]) for row in rows})

    def encode(self) -> str:
        """Compact text: a list of [revision, index of the parent or -1, deleted 0|1, body key]."""
        index = {revision: at for at, revision in enumerate(self.nodes)}
        rows = [
            (revision, -1 if node.parent is None else index[node.parent], 1 if node.is_deleted else 0, node.body)
            for revision, node in self.nodes.items()
        ]
        return orjson.dumps(rows).decode()

    def leaves(self) -> list[str]:
        """Every leaf, the winner first: live before deleted, then longer, then higher hash."""
        if len(self.nodes) == 1:
            return list(self.nodes)
        inner = {node.parent for node in self.nodes.values()}
        found = [revision for revision in self.nodes if revision not in inner]
        found.sort(key=lambda revision: (not self.nodes[revision].is_deleted, *rank(revision)), reverse=True)
        return found

    def winner(self) -> str:
        """The revision a plain read gives; the tree must not be empty."""
        return self.leaves()[0]

    def is_leaf(self, revision: str) -> bool:
        """Whether the revision is known and nothing grows on it."""
        return revision in self.nodes and all(node.parent != revision for node in self.nodes.values())

    def path(self, revision: str) -> list[str]:
        """The revision and its known ancestors, newest first."""
        found: list[str] = []
        at: str | None = revision
        while at is not None:
            found.append(at)
            at = self.nodes[at].parent
        return found

    def leaves_above(self, revision: str) -> list[str]:
        """Leaves that descend from the revision (itself when it is one), the best first."""
        return [leaf for leaf in self.leaves() if revision in self.path(leaf)]

    def merge(self, path: list[str], is_deleted: bool, body: int) -> bool:
        """Adds a revision with its history (newest first). Answers whether anything was new.

        A revision met again keeps the body it came with first; a stemmed one learns its older history.
        """
        is_changed = False
        for at, revision in enumerate(path):
            parent = path[at + 1] if at + 1 < len(path) else None
            node = self.nodes.get(revision)
            if node is None:
                self.nodes[revision] = Node(parent, False, 0)
                is_changed = True
            elif node.parent is None and parent is not None:
                node.parent = parent
                is_changed = True
        newest = self.nodes[path[0]]
        if newest.body == 0:
            newest.body, newest.is_deleted = body, is_deleted
            is_changed = True
        return is_changed

    def stem(self, limit: int) -> list[int]:
        """Keeps the `limit` newest revisions of every branch; answers the keys of bodies no longer needed."""
        if len(self.nodes) <= limit:
            return []
        kept: set[str] = set()
        for leaf in self.leaves():
            kept.update(self.path(leaf)[:limit])
        return self._keep(kept)

    def purge(self, revisions: list[str]) -> tuple[list[str], list[int]]:
        """Removes leaves and what only they needed. Answers the revisions purged and the body keys to drop."""
        gone = [revision for revision in revisions if self.is_leaf(revision)]
        kept = {revision for leaf in self.leaves() if leaf not in gone for revision in self.path(leaf)}
        return gone, self._keep(kept)

    def drop_old_bodies(self) -> list[int]:
        """Forgets the bodies of revisions that are not leaves; answers their keys."""
        leaves = set(self.leaves())
        keys = [node.body for revision, node in self.nodes.items() if node.body and revision not in leaves]
        for revision, node in self.nodes.items():
            if revision not in leaves:
                node.body = 0
        return keys

    def _keep(self, kept: set[str]) -> list[int]:
        keys = [node.body for revision, node in self.nodes.items() if revision not in kept and node.body]
        self.nodes = {revision: node for revision, node in self.nodes.items() if revision in kept}
        for node in self.nodes.values():
            if node.parent is not None and node.parent not in kept:
                node.parent = None
        return keys
