"""Finds the groups of a reduce query: which rows fall together at a group level, as spans.

While groups are few they are found by jumping from one to the next; when they turn out to be many the rest is read in
one pass. What is made of a group's rows is decided in `reduction`.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from sync.embedded.views.blocks import SUMS, Figures, join_figures, measure
from sync.embedded.views.collation import encode, encode_prefix
from sync.embedded.views.params import EXACT
from sync.embedded.views.spans import Span, span_of_key, span_of_prefix
from sync.embedded.views.tables import Table

FIRST_JUMPS = 64
_WORTH_A_JUMP_ROWS = 30  # a jump costs as much as passing over about so many rows


class Group(NamedTuple):
    """The key to show, the rows that belong together, and their figures."""

    key: Any
    span: Span
    figures: Figures = Figures()


def find_groups(table: Table, span: Span, level: int, is_descending: bool) -> Iterator[Group]:
    """The groups that have rows in the span, in the query's direction. Level 0 is one group of everything."""
    if level == 0:
        yield Group(None, span, measure(table, span))
        return
    rest, found, rows = span, 0, 0
    while found < FIRST_JUMPS or rows > found * _WORTH_A_JUMP_ROWS:
        first = None if rest.is_empty() else _next_key(table, rest, is_descending)
        if first is None:
            return
        group = group_of(*first, level)
        figures = measure(table, group.span.within(span))
        yield Group(group.key, group.span.within(span), figures)
        rest = Span(span.lower, group.span.lower) if is_descending else Span(group.span.upper, span.upper)
        found, rows = found + 1, rows + figures.rows
    for group in _pass_over(table, rest, level, is_descending):
        yield Group(group.key, group.span.within(span), group.figures)


def group_of(key: bytes, key_json: bytes, level: int) -> Group:
    """The group a row belongs to, given its sort key and its key."""
    value = orjson.loads(key_json)
    if level == EXACT or not isinstance(value, list) or len(value) <= level:
        return Group(value, _span_of_whole(key, value, level))
    shown = value[:level]
    return Group(shown, span_of_prefix(encode_prefix(shown)))


def _span_of_whole(key: bytes, value: Any, level: int) -> Span:
    """A key of just the level's length shares its group with all longer ones that begin with it."""
    if level != EXACT and isinstance(value, list) and len(value) == level:
        return span_of_prefix(encode(value)[:-1])
    return span_of_key(key)


def _pass_over(table: Table, span: Span, level: int, is_descending: bool) -> Iterator[Group]:
    """The same groups, from one pass over all rows."""
    way = "DESC" if is_descending else "ASC"
    sql = (
        f"SELECT key, key_json, {SUMS} FROM {table.rows} WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?) "  # noqa: S608
        f"GROUP BY key ORDER BY key {way}"
    )
    group: Group | None = None
    sums: list[list[Any]] = []
    for key, key_json, *key_sums in table.connection.execute(sql, (*span.lower, *span.upper)):
        if group is not None and group.span.lower <= (key, b"") < group.span.upper:
            sums.append(key_sums)
            continue
        if group is not None:
            yield group._replace(figures=join_figures(sums))
        group, sums = group_of(key, key_json, level), [key_sums]
    if group is not None:
        yield group._replace(figures=join_figures(sums))


def _next_key(table: Table, span: Span, is_descending: bool) -> tuple[bytes, bytes] | None:
    way = "DESC" if is_descending else "ASC"
    sql = (
        f"SELECT key, key_json FROM {table.rows} WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?) "  # noqa: S608
        f"ORDER BY key {way}, id {way}, ordinal {way} LIMIT 1"
    )
    found: tuple[bytes, bytes] | None = table.connection.execute(sql, (*span.lower, *span.upper)).fetchone()
    return found
