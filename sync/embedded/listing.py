"""`_all_docs`: documents in the bytewise order of their ids, by range or by keys. HTTP is not known here."""

import sqlite3
from dataclasses import dataclass
from typing import Any

from sync.embedded.codec import Fragment, dump
from sync.embedded.options import Options
from sync.embedded.ranks import count_below
from sync.embedded.reading import View, render_revision
from sync.embedded.refusals import bad_request
from sync.embedded.rows import Body, Figures, Record, find_bodies, find_records, make_tree, read_figures

_UNBOUNDED: Any = object()
_BEYOND = object()


def list_documents(connection: sqlite3.Connection, options: Options, epoch: str) -> bytes:
    """The answer to one `_all_docs` query as JSON text. Raises 400 for bad parameters."""
    listing = _Listing(connection, options, epoch)
    keys = options.json("keys")
    if keys is None:
        return listing.list_range()
    if not isinstance(keys, list):
        raise bad_request("`keys` member must be an array.")
    return listing.list_keys(keys)


@dataclass(slots=True)
class _Found:
    """A row of the answer before its text: a record, or a key that names nothing."""

    key: Any
    record: Record | None


class _Listing:
    """One query on one snapshot."""

    def __init__(self, connection: sqlite3.Connection, options: Options, epoch: str) -> None:
        self._connection = connection
        self._options = options
        self._epoch = epoch
        self._figures = read_figures(connection)
        self._limit = options.count("limit", 1 << 62)
        self._skip = options.count("skip", 0)
        self._is_descending = options.flag("descending")

    def list_range(self) -> bytes:
        """Documents between `startkey` and `endkey`, or under `key`."""
        options = self._options
        key = options.json("key", default=_UNBOUNDED)
        start = options.json("startkey", "start_key", default=key)
        end = options.json("endkey", "end_key", default=key)
        is_inclusive = options.flag("inclusive_end", True)
        low, high = (end, start) if self._is_descending else (start, end)
        low_id, high_id = _bound(low), _bound(high)
        found: list[_Found] = []
        if low_id is not _BEYOND and high_id != "":
            above = ">=" if is_inclusive or not self._is_descending else ">"
            below = "<=" if is_inclusive or self._is_descending else "<"
            where, values = _where(low_id, above, high_id, below)
            order = "DESC" if self._is_descending else "ASC"
            sql = f"SELECT id, seq, rev, deleted, body, tree FROM doc WHERE deleted = 0{where} ORDER BY id {order}"  # noqa: S608
            rows = self._connection.execute(f"{sql} LIMIT ? OFFSET ?", [*values, self._limit, self._skip])
            found = [_Found(row[0], Record(row[0], row[1], make_tree(*row[2:]))) for row in rows]
        before = _count_before(self._connection, self._figures, start, self._is_descending)
        return self._format(found, offset=min(before + self._skip, self._figures.live))

    def list_keys(self, keys: list[Any]) -> bytes:
        """The documents named, in the order named; missing and deleted ones are shown as such."""
        keys = (keys[::-1] if self._is_descending else keys)[self._skip :][: self._limit]
        texts = [key for key in keys if isinstance(key, str)]
        records = find_records(self._connection, texts) | _find_locals(self._connection, texts)
        found = [_Found(key, records.get(key) if isinstance(key, str) else None) for key in keys]
        return self._format(found, offset=None)

    def _format(self, found: list[_Found], offset: int | None) -> bytes:
        options = self._options
        includes_docs = options.flag("include_docs")
        view = View(conflicts=options.flag("conflicts"), attachments=options.flag("attachments"))
        bodies: dict[int, Body] = {}
        if includes_docs:
            trees = [each.record.tree for each in found if each.record is not None]
            bodies = find_bodies(self._connection, [tree.nodes[tree.winner()].body for tree in trees])
        members: dict[str, Any] = {"total_rows": self._figures.live, "offset": offset}
        if options.flag("update_seq"):
            members["update_seq"] = f"{self._figures.seq}-{self._epoch}"
        rows = [dump(_make_row(self._connection, each, view if includes_docs else None, bodies)) for each in found]
        return dump(members)[:-1] + b',"rows":[\n' + b",\n".join(rows) + b"\n]}"


def _make_row(connection: sqlite3.Connection, found: _Found, view: View | None, bodies: dict[int, Body]) -> dict[str, Any]:
    record = found.record
    if record is None:
        return {"key": found.key, "error": "not_found"}
    winner = record.tree.winner()
    node = record.tree.nodes[winner]
    value: dict[str, Any] = {"rev": winner}
    if node.is_deleted:
        value["deleted"] = True
    row: dict[str, Any] = {"id": record.id, "key": record.id, "value": value}
    if view is not None:
        row["doc"] = None
        if not node.is_deleted and node.body:
            text = render_revision(connection, record, winner, view, with_meta=True, body=bodies[node.body])
            row["doc"] = Fragment(text)
    return row


def _find_locals(connection: sqlite3.Connection, ids: list[str]) -> dict[str, Record]:
    """CouchDB answers local documents here too when they are asked for by key."""
    found = {}
    for id_ in ids:
        if id_.startswith("_local/"):
            row = connection.execute("SELECT rev FROM local WHERE id = ?", (id_,)).fetchone()
            if row is not None:
                found[id_] = Record(id_, 0, make_tree(f"0-{row[0]}", 0, 0, None))
    return found


def _bound(key: Any) -> Any:
    """The id to compare with; JSON orders null, booleans and numbers before text, arrays and objects after it."""
    if key is _UNBOUNDED or isinstance(key, str):
        return key
    return "" if key is None or isinstance(key, bool | int | float) else _BEYOND


def _where(low: Any, above: str, high: Any, below: str) -> tuple[str, list[str]]:
    where, values = "", []
    if low is not _UNBOUNDED:
        where += f" AND id {above} ?"
        values.append(low)
    if high is not _UNBOUNDED and high is not _BEYOND:
        where += f" AND id {below} ?"
        values.append(high)
    return where, values


def _count_before(connection: sqlite3.Connection, figures: Figures, start: Any, is_descending: bool) -> int:
    """How many documents come before the start of the range."""
    bound = _bound(start)
    if bound is _UNBOUNDED:
        return 0
    if bound is _BEYOND or bound == "":
        return figures.live if (bound is _BEYOND) != is_descending else 0
    before = count_below(connection, bound)
    if not is_descending:
        return before
    row = connection.execute("SELECT count(*) FROM doc WHERE id = ? AND deleted = 0", (bound,)).fetchone()
    return figures.live - before - int(row[0])
