"""Answers map queries: rows of a span or of some keys, with offset and total, and with documents when asked.

Reads one snapshot of an index file; whether that is up to date is decided in `groups`.
"""

import sqlite3
from collections.abc import Iterable
from typing import Any

from sync.embedded.database import Database
from sync.embedded.rendering import render_object
from sync.embedded.rows import find_bodies, find_records
from sync.embedded.views import blocks
from sync.embedded.views.index import read_values
from sync.embedded.views.params import Query
from sync.embedded.views.spans import HIGHEST, LOWEST, Span, span_of_key
from sync.embedded.views.tables import Table

_NO_LIMIT = 1 << 62
_StoredRow = tuple[bytes, bytes, bytes]  # id, key JSON, value JSON


def read_rows(table: Table, query: Query) -> dict[str, Any]:
    """The answer to a map query, still without documents."""
    total = blocks.measure(table, Span()).rows
    if query.keys is None:
        stored = _select(table, query.span, query.is_descending, query.limit, query.skip)
        offset = _count_before(table, query) + query.skip
    else:
        stored = _select_keys(table, query)
        first = span_of_key(query.keys[0]) if query.keys else Span(LOWEST, LOWEST)
        offset = blocks.measure(table, Span(LOWEST, first.lower)).rows + query.skip
    if query.limit == 0:
        offset = 0
    return {"total_rows": total, "offset": min(total, offset), "rows": _make_rows(stored)}


def add_docs(database: Database, rows: list[dict[str, Any]], includes_conflicts: bool) -> None:
    """Give every row its `doc`: the row's own document, or the one (in the revision) its value names."""
    links = [_linked(row) for row in rows]
    winners = database.get_winners({id_ for id_, _ in links})
    for row, (id_, rev) in zip(rows, links, strict=True):
        winner = winners.get(id_)
        if rev is not None and (winner is None or winner["_rev"] != rev):
            row["doc"] = _read_revision(database, id_, rev)
        else:
            row["doc"] = dict(winner) if winner is not None else None
    if includes_conflicts:
        _add_conflicts(database, [row["doc"] for row in rows if row["doc"] is not None])


def _select(table: Table, span: Span, is_descending: bool, limit: int | None, skip: int = 0) -> list[_StoredRow]:
    way = "DESC" if is_descending else "ASC"
    sql = (
        f"SELECT id, key_json, value FROM {table.rows} WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?) "  # noqa: S608
        f"ORDER BY key {way}, id {way}, ordinal {way} LIMIT ? OFFSET ?"
    )
    most = _NO_LIMIT if limit is None else limit
    return table.connection.execute(sql, (*span.lower, *span.upper, most, skip)).fetchall()


def _select_keys(table: Table, query: Query) -> list[_StoredRow]:
    """Rows of each key in the order asked for; limit and skip count over all of them."""
    found: list[_StoredRow] = []
    most = None if query.limit is None else query.limit + query.skip
    for key in query.keys or []:
        rest = None if most is None else most - len(found)
        if rest == 0:
            break
        found += _select(table, span_of_key(key), query.is_descending, rest)
    return found[query.skip :]


def _count_before(table: Table, query: Query) -> int:
    before = Span(query.span.upper, HIGHEST) if query.is_descending else Span(LOWEST, query.span.lower)
    return blocks.measure(table, before).rows


def _make_rows(stored: list[_StoredRow]) -> list[dict[str, Any]]:
    keys = read_values([row[1] for row in stored])
    values = read_values([row[2] for row in stored])
    return [{"id": row[0].decode(), "key": key, "value": value} for row, key, value in zip(stored, keys, values, strict=True)]


def _linked(row: dict[str, Any]) -> tuple[str, str | None]:
    value = row["value"]
    if not isinstance(value, dict):
        return row["id"], None
    id_, rev = value.get("_id"), value.get("_rev")
    return id_ if isinstance(id_, str) else row["id"], rev if isinstance(rev, str) else None


def _read_revision(database: Database, id_: str, rev: str) -> dict[str, Any] | None:
    def read(connection: sqlite3.Connection) -> dict[str, Any] | None:
        record = find_records(connection, [id_]).get(id_)
        node = record.tree.nodes.get(rev) if record else None
        body = find_bodies(connection, [node.body]).get(node.body) if node and node.body else None
        return render_object(id_, rev, body, node.is_deleted) if node and body else None

    return database.read(read)


def _add_conflicts(database: Database, docs: Iterable[dict[str, Any]]) -> None:
    by_id = {doc["_id"]: doc for doc in docs}
    records = database.read(lambda connection: find_records(connection, by_id))
    for id_, record in records.items():
        losing = [leaf for leaf in record.tree.leaves()[1:] if not record.tree.nodes[leaf].is_deleted]
        if losing:
            by_id[id_]["_conflicts"] = losing
