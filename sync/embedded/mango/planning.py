"""Which index answers a question, and which stretch of it: CouchDB's rules. Pure.

An index can be used when the selector makes sure that every match is in it: it asks for all the index's fields (the fields of
the sort apart), and the sort follows the index's columns. Among several, the one with the most restricted columns wins,
then that with the fewest columns, then the first by name. Without any, all documents are read.
"""

from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from sync.embedded.mango.indexes import PRIMARY, JsonIndex
from sync.embedded.mango.questions import Question
from sync.embedded.mango.ranges import MAX, Bound, Range, find_ranges, find_required, is_constant
from sync.embedded.refusals import Refusal
from sync.embedded.views.collation import ARRAY, HIGHEST, encode
from sync.embedded.views.spans import Span

_NO_INDEX = "No matching index found, create an index to optimize query time."
_NO_SORT = "No index exists for this sort, try indexing by the sort fields."


@dataclass(frozen=True)
class Plan:
    """An index and the ranges of its first columns. `others` could have been used too."""

    index: JsonIndex
    ranges: tuple[Range, ...]
    warnings: tuple[str, ...]
    others: tuple[JsonIndex, ...] = ()

    def is_empty(self) -> bool:
        """Whether nothing can match."""
        return any(each.is_empty() for each in self.ranges)

    def span(self) -> Span:
        """The rows of a JSON index to read."""
        low = ARRAY + b"".join(map(_sort_key, self._lows()))
        high = ARRAY + b"".join(map(_sort_key, self._highs()))
        return Span((low, b""), (high + HIGHEST, b""))

    def ids(self) -> tuple[str, str | None]:
        """The first and the last id to read, for the primary index; None without end."""
        each = self.ranges[0] if self.ranges else Range()
        low = each.low.value if each.low is not None and isinstance(each.low.value, str) else ""
        if each.high is None:
            return low, None
        return low, each.high.value if isinstance(each.high.value, str) else ""

    def keys(self) -> tuple[Any, Any]:
        """Start and end as `_explain` shows them, forwards."""
        if self.index.design is None:
            low, high = self.ids()
            return low, MAX if high is None else high
        return [each.value for each in self._lows()], [*(each.value for each in self._highs()), MAX]

    def _lows(self) -> list[Bound]:
        return [each for each in takewhile(lambda low: low is not None, (part.low for part in self.ranges)) if each]

    def _highs(self) -> list[Bound]:
        return [each for each in takewhile(lambda high: high is not None, (part.high for part in self.ranges)) if each]


def make_plan(question: Question, indexes: list[JsonIndex]) -> Plan:
    """The plan. Raises 400 when the sort, or a client that wants no fallback, has no index."""
    named = [index for index in indexes if _is_named(index, question.use_index)]
    usable = [index for index in indexes if (not index.partial or index in named) and _can_use(index, question)]
    if not usable:
        raise Refusal(400, "no_usable_index", _NO_SORT)
    chosen = [index for index in usable if index in named]
    if not question.may_fall_back and not (chosen if question.use_index else usable != [PRIMARY]):
        raise Refusal(400, "no_usable_index", "There is no index available for this selector.")
    candidates = chosen or [index for index in usable if index.design is not None] or usable
    ranges = find_ranges(question.selector.normal)
    best = min(candidates, key=lambda index: _weigh(index, ranges))
    others = tuple(index for index in usable if index is not best)
    return Plan(best, _find_prefix(best, ranges), _warn(question, best), others)


def _sort_key(bound: Bound) -> bytes:
    """A bound on ids is ranked otherwise, but in an index ids lie like all texts."""
    return bound.key if isinstance(bound.key, bytes) else encode(bound.value)


def _is_named(index: JsonIndex, use_index: tuple[str, ...]) -> bool:
    return bool(use_index) and index.design == use_index[0] and use_index[1:] in ((), (index.name,))


def _can_use(index: JsonIndex, question: Question) -> bool:
    sort = [name for name, _ in question.sort]
    normal = question.selector.normal
    if index is PRIMARY:
        return not sort or (sort == ["_id"] and "_id" in find_ranges(normal))
    is_complete = {*index.columns} - {*sort, "_id", "_rev"} <= find_required(normal)
    return is_complete and _follows(index.columns, sort, question)


def _follows(columns: list[str], sort: list[str], question: Question) -> bool:
    """Columns before the sort's may only be such that all matches have the same value there."""
    if not sort:
        return True
    for at, column in enumerate(columns):
        if column == sort[0]:
            return columns[at : at + len(sort)] == sort
        if not is_constant(question.selector.normal, column):
            return False
    return False


def _weigh(index: JsonIndex, ranges: dict[str, Range]) -> tuple[int, int, str, str]:
    return len(ranges) - len(_find_prefix(index, ranges)), len(index.columns), index.design or "", index.name


def _find_prefix(index: JsonIndex, ranges: dict[str, Range]) -> tuple[Range, ...]:
    """The ranges of the first columns, up to the first that the selector leaves open."""
    prefix = []
    for column in index.columns:
        # Ids are compared byte by byte, but lie in an index in the order of texts: only equality means the same in both.
        if column not in ranges or (column == "_id" and index is not PRIMARY and not ranges[column].is_single()):
            break
        prefix.append(ranges[column])
    return tuple(prefix)


def _warn(question: Question, index: JsonIndex) -> tuple[str, ...]:
    warnings = []
    if question.use_index and not _is_named(index, question.use_index):
        if len(question.use_index) == 1:
            reason = f"{question.use_index[0]} was not used because it does not contain a valid index for this query."
        else:
            reason = f"{', '.join(question.use_index)} was not used because it is not a valid index for this query."
        warnings.append(reason)
    return (*warnings, _NO_INDEX) if index is PRIMARY else tuple(warnings)
