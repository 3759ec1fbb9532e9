"""Stretches of a view's rows, as half-open intervals over places.

A place is (sort key, document id in UTF-8). Rows with the same key stand in the order of their ids, byte by byte, as in
CouchDB. No SQL here and no knowledge of what the keys mean.
"""

from typing import NamedTuple

Place = tuple[bytes, bytes]

LOWEST: Place = (b"", b"")
HIGHEST_ID = b"\xff"  # above every UTF-8 text
HIGHEST: Place = (b"\xff", b"")


class Span(NamedTuple):
    """All places from `lower` (included) to `upper` (not included)."""

    lower: Place = LOWEST
    upper: Place = HIGHEST

    def within(self, other: "Span") -> "Span":
        """What both have in common; possibly empty."""
        return Span(max(self.lower, other.lower), min(self.upper, other.upper))

    def is_empty(self) -> bool:
        """Whether no place lies in it."""
        return self.lower >= self.upper


def span_of_key(key: bytes) -> Span:
    """All rows with exactly this sort key."""
    return Span((key, b""), (key, HIGHEST_ID))


def span_of_prefix(prefix: bytes) -> Span:
    """All rows whose sort key begins with these bytes."""
    return Span((prefix, b""), (prefix + b"\xff", b""))


def just_after(key: bytes, id_: bytes) -> Place:
    """The first place beyond this row."""
    return key, id_ + b"\x00"
