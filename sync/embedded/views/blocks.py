"""Sums over stretches of a view's rows, so that counts, offsets and built-in reduces need not touch every row.

Each block covers about 512 rows, from its own first place to that of the next block; the first begins at the lowest
place. A span's figures are those of the blocks wholly inside it plus the rows at both ends. Blocks are only a shortcut:
while they are out of date (`are_valid`), everything is read from the rows.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sync.embedded.views.spans import HIGHEST, LOWEST, Place, Span
from sync.embedded.views.tables import Table

USUAL_ROWS = 512
MOST_ROWS = 1024

SUMS = "count(*), count(number), sum(number), min(number), max(number), sum(number * 1.0 * number)"
_SUMS_OF_BLOCKS = "sum(count), sum(numbers), sum(sum), min(min), max(max), sum(sumsqr)"


class Figures(NamedTuple):
    """Of some rows: how many, how many with a number for value, and the sum, extremes and sum of squares of these."""

    rows: int = 0
    numbers: int = 0
    sum: float = 0
    min: float | None = None
    max: float | None = None
    sumsqr: float = 0.0


def read_figures(row: Sequence[Any]) -> Figures:
    """The figures of a row of `SUMS`, where sums of nothing are NULL."""
    rows, numbers, total, lowest, highest, squares = row
    return Figures(rows or 0, numbers or 0, total or 0, lowest, highest, squares or 0.0)


def join_figures(rows: Sequence[Sequence[Any]]) -> Figures:
    """The figures of several rows of `SUMS` together."""
    if len(rows) == 1:
        return read_figures(rows[0])
    counts, numbers, totals, lowest, highest, squares = zip(*rows, strict=True)
    return Figures(
        sum(counts),
        sum(numbers),
        sum(each for each in totals if each is not None),
        min((each for each in lowest if each is not None), default=None),
        max((each for each in highest if each is not None), default=None),
        sum(each for each in squares if each is not None),
    )


def measure(table: Table, span: Span) -> Figures:
    """The figures of all rows in the span."""
    if span.is_empty():
        return Figures()
    first = _next_start(table, span.lower)
    last = _start_at_or_before(table, span.upper)
    if first is None or last is None or first >= last:
        return _measure_rows(table, span)
    return join_figures(
        [
            _measure_rows(table, Span(span.lower, first)),
            _measure_blocks(table, Span(first, last)),
            _measure_rows(table, Span(last, span.upper)),
        ]
    )


def are_valid(connection: sqlite3.Connection) -> bool:
    """Whether the blocks agree with the rows. Kept by `repair` and `rebuild`; false while an index is first built."""
    row = connection.execute("SELECT value FROM state WHERE name = 'blocks'").fetchone()
    return row is not None and row[0] == 1


def invalidate(tables: Sequence[Table]) -> None:
    """Drop all blocks of an index before many rows change; reading goes on without them."""
    for table in tables:
        _clear(table)
        _set_valid(table.connection, False)


def rebuild(tables: Sequence[Table]) -> None:
    """Make all blocks of an index from its rows."""
    for table in tables:
        _clear(table)
        _build(table, Span())
        _set_valid(table.connection, True)


def repair(table: Table, touched: Iterable[Place]) -> None:
    """Bring the blocks up to date after rows at these places came or went."""
    for start in {_start_at_or_before(table, place) or LOWEST for place in touched}:
        span = Span(start, _next_start(table, (start[0], start[1] + b"\x00")) or HIGHEST)
        figures = _measure_rows(table, span)
        if figures.rows > MOST_ROWS:
            _build(table, span)
        elif figures.rows == 0 and start != LOWEST:
            table.connection.execute(f"DELETE FROM {table.blocks} WHERE (key, id) = (?, ?)", start)  # noqa: S608
        else:
            _put(table, start, figures)


def _clear(table: Table) -> None:
    table.connection.execute(f"DELETE FROM {table.blocks}")  # noqa: S608


def _set_valid(connection: sqlite3.Connection, is_valid: bool) -> None:
    connection.execute("REPLACE INTO state VALUES('blocks', ?)", (int(is_valid),))


def _build(table: Table, span: Span) -> None:
    start = span.lower
    while start < span.upper:
        end = _row_after(table, Span(start, span.upper)) or span.upper
        _put(table, start, _measure_rows(table, Span(start, end)))
        start = end


def _row_after(table: Table, span: Span) -> Place | None:
    """Where the next block begins: `USUAL_ROWS` rows on, or further when one document emitted more under one key."""
    sql = f"SELECT key, id FROM {table.rows} WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?) ORDER BY key, id, ordinal"  # noqa: S608
    found: Place | None = table.connection.execute(f"{sql} LIMIT 1 OFFSET ?", (*span.lower, *span.upper, USUAL_ROWS)).fetchone()
    if found is not None and found <= span.lower:
        lower = (span.lower[0], span.lower[1] + b"\x00")
        found = table.connection.execute(f"{sql} LIMIT 1", (*lower, *span.upper)).fetchone()
    return found


def _put(table: Table, start: Place, figures: Figures) -> None:
    table.connection.execute(f"REPLACE INTO {table.blocks} VALUES(?,?,?,?,?,?,?,?)", (*start, *figures))


def _measure_rows(table: Table, span: Span) -> Figures:
    sql = f"SELECT {SUMS} FROM {table.rows} WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?)"  # noqa: S608
    return read_figures(table.connection.execute(sql, (*span.lower, *span.upper)).fetchone())


def _measure_blocks(table: Table, span: Span) -> Figures:
    sql = f"SELECT {_SUMS_OF_BLOCKS} FROM {table.blocks} WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?)"  # noqa: S608
    return read_figures(table.connection.execute(sql, (*span.lower, *span.upper)).fetchone())


def _next_start(table: Table, place: Place) -> Place | None:
    sql = f"SELECT key, id FROM {table.blocks} WHERE (key, id) >= (?, ?) ORDER BY key, id LIMIT 1"  # noqa: S608
    found: Place | None = table.connection.execute(sql, place).fetchone()
    return found


def _start_at_or_before(table: Table, place: Place) -> Place | None:
    sql = f"SELECT key, id FROM {table.blocks} WHERE (key, id) <= (?, ?) ORDER BY key DESC, id DESC LIMIT 1"  # noqa: S608
    found: Place | None = table.connection.execute(sql, place).fetchone()
    return found
