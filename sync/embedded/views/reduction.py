"""Answers reduce queries: one value for each group of rows.

Count, sum and statistics of plain numbers come from `blocks`; of lists and objects they are computed from the rows. A
reduce in JavaScript sees rows in portions and is then called once more on its own results, as in CouchDB.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, NamedTuple

import orjson

from sync.embedded.refusals import Refusal
from sync.embedded.views import blocks
from sync.embedded.views.definition import Definition, View
from sync.embedded.views.grouping import Group, find_groups
from sync.embedded.views.index import read_values
from sync.embedded.views.params import EXACT, Query
from sync.embedded.views.pool import FunctionsBroken, Pool
from sync.embedded.views.spans import Span, span_of_key
from sync.embedded.views.tables import Table

PORTION_ROWS = 1000
CALL_LIMIT_S = 60.0  # what a reduce of one's own may take for one group; each call has the sandbox's limits besides
_NOT_SUMMABLE = "The _sum function requires values to be numbers, lists of numbers, or objects of such."
_STATISTICS = ("sum", "count", "min", "max", "sumsqr")


class Rows(NamedTuple):
    """The rows of one group: where to read them, and their figures."""

    table: Table
    span: Span
    figures: blocks.Figures


Reducer = Callable[[Rows], Any]


def read_groups(table: Table, definition: Definition, view: View, query: Query, pool: Pool) -> dict[str, Any]:
    """The answer to a reduce query."""
    reduce = _choose_reducer(definition, view, pool)
    stop = None if query.limit is None else query.skip + query.limit
    found = islice(_find(table, query), query.skip, stop)
    rows = []
    for group in found:
        if group.figures.rows > 0:
            rows.append({"key": group.key, "value": reduce(Rows(table, group.span, group.figures))})
    return {"rows": rows}


def _find(table: Table, query: Query) -> Iterator[Group]:
    if query.keys is None:
        yield from find_groups(table, query.span, query.group_level, query.is_descending)
        return
    for key in query.keys:
        yield from find_groups(table, span_of_key(key), EXACT, query.is_descending)


def _choose_reducer(definition: Definition, view: View, pool: Pool) -> Reducer:
    built_in = {
        "_count": _count,
        "_sum": _sum,
        "_stats": _make_statistics,
        "_approx_count_distinct": _count_distinct,
    }.get(view.reduce or "")
    if built_in is not None:
        return built_in
    source = view.reduce or ""

    def reduce(rows: Rows) -> Any:
        try:
            return _call(pool, source, definition.lib, rows)
        except FunctionsBroken as error:
            raise Refusal(500, "reduce_failed", str(error)) from None

    return reduce


def _call(pool: Pool, source: str, lib: dict[str, Any], rows: Rows) -> Any:
    results = []
    give_up_at = time.monotonic() + CALL_LIMIT_S
    for portion in _read_portions(rows, "key_json, id, value"):
        keys = [[orjson.Fragment(row[0]), row[1].decode()] for row in portion]
        values = [orjson.Fragment(row[2]) for row in portion]
        results.append(orjson.Fragment(pool.reduce(source, lib, orjson.dumps([keys, values, False]))))
        if time.monotonic() > give_up_at:
            raise FunctionsBroken("it took too long")
    while True:  # CouchDB joins the results of its shards, so that even a single one is reduced again
        again = [results[at : at + PORTION_ROWS] for at in range(0, len(results), PORTION_ROWS)]
        results = [orjson.Fragment(pool.reduce(source, lib, orjson.dumps([None, each, True]))) for each in again]
        if len(results) == 1:
            return orjson.loads(orjson.dumps(results))[0]


def _count(rows: Rows) -> int:
    return rows.figures.rows


def _count_distinct(rows: Rows) -> int:
    sql = f"SELECT count(DISTINCT key) FROM {rows.table.rows} WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?)"  # noqa: S608
    count: int = rows.table.connection.execute(sql, (*rows.span.lower, *rows.span.upper)).fetchone()[0]
    return count


def _sum(rows: Rows) -> Any:
    if rows.figures.numbers == rows.figures.rows:
        return _tidy(rows.figures.sum)
    try:
        return _fold(map(_check_summable, _read_values(rows)), add)
    except TypeError as error:
        return {"error": "builtin_reduce_error", "reason": str(error)}


def _make_statistics(rows: Rows) -> Any:
    if rows.figures.numbers == rows.figures.rows:
        return _describe(rows.figures)
    try:
        total = _fold(map(_start_statistics, _read_values(rows)), _merge_statistics)
    except TypeError as error:
        raise Refusal(500, "builtin_reduce_error", str(error)) from None
    return [_describe(each) for each in total] if isinstance(total, list) else _describe(total)


def _read_values(rows: Rows) -> Iterator[Any]:
    for portion in _read_portions(rows, "value"):
        yield from read_values([row[0] for row in portion])


def _read_portions(rows: Rows, columns: str) -> Iterator[list[tuple[Any, ...]]]:
    sql = (
        f"SELECT {columns} FROM {rows.table.rows} WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?) "  # noqa: S608
        "ORDER BY key, id, ordinal"
    )
    cursor = rows.table.connection.execute(sql, (*rows.span.lower, *rows.span.upper))
    while portion := cursor.fetchmany(PORTION_ROWS):
        yield portion


def _fold(values: Iterable[Any], join: Callable[[Any, Any], Any]) -> Any:
    total: Any = None
    is_first = True
    for value in values:
        total, is_first = (value, False) if is_first else (join(total, value), False)
    return total


def add(one: Any, other: Any) -> Any:
    """Add as `_sum` does: numbers, lists place by place, objects field by field. TypeError for anything else."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one | {name: add(one[name], value) if name in one else value for name, value in other.items()}
    if isinstance(one, list) or isinstance(other, list):
        left, right = (each if isinstance(each, list) else [each] for each in (one, other))
        longer, shorter = (left, right) if len(left) >= len(right) else (right, left)
        return [add(each, shorter[at]) if at < len(shorter) else each for at, each in enumerate(longer)]
    if all(isinstance(each, int | float) and not isinstance(each, bool) for each in (one, other)):
        return one + other
    raise TypeError(_NOT_SUMMABLE)


def _check_summable(value: Any) -> Any:
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_summable(part)
    if isinstance(value, bool) or not isinstance(value, int | float | list | dict):
        raise TypeError(_NOT_SUMMABLE)
    return value


def _start_statistics(value: Any) -> Any:
    if isinstance(value, list):
        return [_start_statistics(each) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return blocks.Figures(1, 1, value, value, value, float(value) ** 2)
    if isinstance(value, dict) and all(isinstance(value.get(name), int | float) for name in _STATISTICS):
        count = value["count"]
        return blocks.Figures(count, count, value["sum"], value["min"], value["max"], value["sumsqr"])
    raise TypeError("The _stats function requires values to be numbers, lists of numbers, or statistics.")


def _merge_statistics(one: Any, other: Any) -> Any:
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_merge_statistics(left, right) for left, right in zip(one, other, strict=True)]
    if isinstance(one, blocks.Figures) and isinstance(other, blocks.Figures):
        return blocks.join_figures([one, other])
    raise TypeError("The _stats function cannot join numbers with lists, or lists of different lengths.")


def _describe(figures: blocks.Figures) -> dict[str, Any]:
    return {
        "sum": _tidy(figures.sum),
        "count": figures.rows,
        "min": figures.min,
        "max": figures.max,
        "sumsqr": _tidy(figures.sumsqr),
    }


def _tidy(number: float) -> float:
    """The integer when it is one, as JavaScript would print it."""
    return int(number) if isinstance(number, float) and number.is_integer() and abs(number) < 2**53 else number
