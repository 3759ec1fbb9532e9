"""What a normal selector says about the values of single fields: ranges that an index can be read by. Pure.

Only conditions that every match must meet count: those under `$and`, with `$eq $lt $lte $gt $gte $beginsWith`. A range may
be wider than the condition: what is read is still compared with the whole selector.
"""

from dataclasses import dataclass
from typing import Any

from sync.embedded.mango.matching import rank_id
from sync.embedded.mango.normal import Normal
from sync.embedded.views.collation import HIGHEST, LEVEL_END, encode

MAX = "<MAX>"  # how `_explain` shows the end of all keys
_HIGHEST_LETTER = "\ufff0"


@dataclass(frozen=True)
class Bound:
    """One end of a range: the sort key (of ids: their own rank), the value, and whether it belongs to the range."""

    key: Any
    value: Any
    is_inclusive: bool = True


@dataclass(frozen=True)
class Range:
    """Values between two bounds; None where there is none."""

    low: Bound | None = None
    high: Bound | None = None

    def is_empty(self) -> bool:
        """Whether no value can lie in it."""
        low, high = self.low, self.high
        if low is None or high is None or low.key < high.key:
            return False
        return bool(low.key > high.key) or not (low.is_inclusive and high.is_inclusive)

    def is_single(self) -> bool:
        """Whether exactly one value lies in it."""
        return self.low is not None and self.high is not None and self.low == self.high and self.low.is_inclusive

    def within(self, other: "Range") -> "Range":
        """What both have in common."""
        lows = [each for each in (self.low, other.low) if each is not None]
        highs = [each for each in (self.high, other.high) if each is not None]
        low = max(lows, key=lambda each: (each.key, not each.is_inclusive), default=None)
        return Range(low, min(highs, key=lambda each: (each.key, each.is_inclusive), default=None))


def find_ranges(normal: Normal) -> dict[str, Range]:
    """Field → range, of the fields that are restricted."""
    ranges: dict[str, Range] = {}
    for field, condition in _list_conditions(normal):
        found = _read_range(field, condition)
        if found is not None:
            ranges[field] = ranges.get(field, Range()).within(found)
    return ranges


def find_required(normal: Normal) -> frozenset[str]:
    """The fields that every match has."""
    if not normal:
        return frozenset()
    ((name, argument),) = normal.items()
    if name == "$and":
        return frozenset().union(*map(find_required, argument))
    if name == "$or":
        return frozenset.intersection(*map(find_required, argument)) if argument else frozenset()
    return frozenset() if name.startswith("$") or argument == {"$exists": False} else frozenset([name])


def is_constant(normal: Normal, field: str) -> bool:
    """Whether every match has the same value there."""
    return any(name == field and "$eq" in condition for name, condition in _list_conditions(normal))


def list_fields(normal: Any) -> set[str]:
    """All fields a selector names, wherever."""
    if isinstance(normal, list):
        return set().union(*map(list_fields, normal))
    if not isinstance(normal, dict):
        return set()
    named = {name for name in normal if not name.startswith("$")}
    return named.union(*(list_fields(value) for name, value in normal.items() if name in ("$and", "$or", "$not")))


def _list_conditions(normal: Normal) -> list[tuple[str, Normal]]:
    if not normal:
        return []
    ((name, argument),) = normal.items()
    if name == "$and":
        return [condition for each in argument for condition in _list_conditions(each)]
    return [] if name.startswith("$") else [(name, argument)]


def _read_range(field: str, condition: Normal) -> Range | None:
    ((operator, value),) = condition.items()
    if operator == "$beginsWith" and field != "_id":
        key = encode(value)
        start = key[: key.index(LEVEL_END)]  # what the keys of all texts that begin so begin with
        return Range(Bound(start, value), Bound(start + HIGHEST, value + _HIGHEST_LETTER))
    if operator not in ("$eq", "$lt", "$lte", "$gt", "$gte"):
        return None
    bound = Bound(rank_id(value) if field == "_id" else encode(value), value, operator not in ("$lt", "$gt"))
    low = bound if operator in ("$eq", "$gt", "$gte") else None
    return Range(low, bound if operator in ("$eq", "$lt", "$lte") else None)
