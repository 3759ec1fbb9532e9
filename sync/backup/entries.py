"""One document of a backup: all its leaves, each with its body, history and attachments; and what a set of them amounts to.

The digest of a database is a sum over its documents, so it does not depend on their order, and is the same on any node that
holds the same leaves: it uses no digest of the store's own (CouchDB's of a text attachment is that of its packed form).
"""

import hashlib
from collections.abc import Iterable
from typing import Any

import msgspec

from sync.embedded.codec import dump, dump_sorted, parse

_MODULUS = 1 << 256


class Attachment(msgspec.Struct, frozen=True, array_like=True):
    """`sha256` names its bytes in the archive; `revpos` is the generation it came with."""

    name: str
    content_type: str
    revpos: int
    length: int
    sha256: str


class Leaf(msgspec.Struct, frozen=True):
    """`doc` is as `_bulk_get` gives it with `revs=true`, without `_attachments`."""

    doc: dict[str, Any]
    files: list[Attachment] = []

    def is_deleted(self) -> bool:
        """Whether the revision is a deletion."""
        return self.doc.get("_deleted") is True


class Entry(msgspec.Struct, frozen=True):
    """A document with all its leaves; one without leaves is not there any more."""

    id: str
    leaves: list[Leaf]

    def is_live(self) -> bool:
        """Whether a plain read finds it."""
        return any(not leaf.is_deleted() for leaf in self.leaves)


def write_line(entry: Entry) -> bytes:
    """One line of a segment. Numbers too large for 64 bits survive."""
    leaves = [[leaf.doc, [list(msgspec.structs.astuple(each)) for each in leaf.files]] for leaf in entry.leaves]
    return dump([entry.id, leaves]) + b"\n"


def read_line(line: bytes) -> Entry:
    """What `write_line` wrote."""
    id_, leaves = parse(line)
    return Entry(id_, [Leaf(doc, [Attachment(*each) for each in files]) for doc, files in leaves])


class Content:
    """What a database amounts to: counts, and a digest that does not depend on order."""

    def __init__(self) -> None:
        self.live = self.deleted = self.leaves = self.attachments = self.size_bytes = 0
        self._sum = 0

    def add(self, entry: Entry) -> None:
        """Counts a document in; one without leaves counts nothing."""
        if not entry.leaves:
            return
        self.live += entry.is_live()
        self.deleted += not entry.is_live()
        self.leaves += len(entry.leaves)
        for leaf in entry.leaves:
            self.attachments += len(leaf.files)
            self.size_bytes += sum(each.length for each in leaf.files)
        self._sum = (self._sum + int.from_bytes(_digest(entry), "big")) % _MODULUS

    def digest(self) -> str:
        """64 hex digits."""
        return f"{self._sum:064x}"


def sum_up(entries: Iterable[Entry]) -> Content:
    """The content of these documents."""
    content = Content()
    for entry in entries:
        content.add(entry)
    return content


def _digest(entry: Entry) -> bytes:
    """Of one document: id, and of each leaf the revision, whether it is deleted, the body and the attachments."""
    hasher = hashlib.sha256(dump(entry.id))
    for leaf in sorted(entry.leaves, key=lambda leaf: str(leaf.doc["_rev"])):
        hasher.update(b"\n" + dump([leaf.doc["_rev"], leaf.is_deleted()]))
        hasher.update(dump_sorted({key: value for key, value in leaf.doc.items() if key[:1] != "_"}))
        for each in sorted(leaf.files, key=lambda each: each.name):
            hasher.update(b"\n" + dump([each.name, each.content_type, each.length, each.sha256]))
    return hasher.digest()
