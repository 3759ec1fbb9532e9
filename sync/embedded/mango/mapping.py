"""What a mapper process does for queries: rows of indexes, and selectors with `$regex`, each document within a time limit.

A pattern that takes for ever is interrupted by a timer of processor time, which Python's engine heeds; the process itself
can be killed, should it not. Runs in the main thread of a mapper process only.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sync.embedded.codec import parse
from sync.embedded.mango.fields import ABSENT, BLOCKED, look_up, read_path
from sync.embedded.mango.selector import Selector
from sync.embedded.refusals import Refusal
from sync.embedded.views.sandbox import CALL_LIMIT_S, Broken, MapResult


class _TimeIsUp(Exception):
    pass


def prepare_limit() -> None:
    """Once, before anything is limited."""
    signal.signal(signal.SIGVTALRM, _interrupt)


class SelectorMapper:
    """One selector: a row for each document that fits."""

    def __init__(self, source: str) -> None:
        """`source` is JSON text. Raises `Broken`."""
        self._selector = _read_selector(parse(source.encode()))

    def map(self, document: bytes) -> list[MapResult]:
        """One result, with one row or none."""
        return [_map_within_limit(self._match, document)]

    def _match(self, document: dict[str, Any]) -> list[list[Any]]:
        return [[None, None]] if self._selector.matches(document) else []


class IndexMapper:
    """The indexes of a design document: a row for each document that an index holds, the fields' values its key."""

    def __init__(self, sources: list[str]) -> None:
        """`sources` are JSON texts of the views' `map`. Raises `Broken`."""
        self._indexes = [_Index(parse(source.encode())) for source in sources]

    def map(self, document: bytes) -> list[MapResult]:
        """One result for each index, in order."""
        return [_map_within_limit(index.map, document) for index in self._indexes]


class _Index:
    def __init__(self, definition: dict[str, Any]) -> None:
        fields = definition.get("fields")
        if not isinstance(fields, dict):
            raise Broken("an index needs fields")
        try:
            self._paths = [read_path(field) for field in fields]
        except Refusal as refusal:
            raise Broken(refusal.reason) from refusal
        self._partial = _read_selector(definition.get("partial_filter_selector", {}))

    def map(self, document: dict[str, Any]) -> list[list[Any]]:
        """Its rows of one document. Design documents are in no query index."""
        if document["_id"].startswith("_design/"):
            return []
        values = [look_up(document, path) for path in self._paths]
        if any(value is ABSENT or value is BLOCKED for value in values) or not self._partial.matches(document):
            return []
        return [[values, None]]


def _read_selector(value: Any) -> Selector:
    try:
        return Selector(value)
    except Refusal as refusal:
        raise Broken(refusal.reason) from refusal


def _map_within_limit(run: Any, document: bytes) -> MapResult:
    try:
        with _limit_time():
            return MapResult(rows=run(parse(document)))
    except _TimeIsUp:
        return MapResult(failure="it took too long", is_over_limit=True)
    except (Refusal, RecursionError, MemoryError) as error:
        return MapResult(failure=type(error).__name__, is_over_limit=isinstance(error, MemoryError))


@contextmanager
def _limit_time() -> Iterator[None]:
    signal.setitimer(signal.ITIMER_VIRTUAL, CALL_LIMIT_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _interrupt(*_: object) -> None:
    raise _TimeIsUp
