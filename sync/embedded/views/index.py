"""Brings an index file up to date with its database: reads changes, has them mapped, stores the rows.

Blocking, for index threads; `groups` sees to it that one thread at a time works on a file. Every batch is one
transaction together with the sequence number it reaches, so that a crash loses at most the work of a batch.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import msgspec
import orjson
import structlog

from sync.embedded.codec import dump
from sync.embedded.database import Database
from sync.embedded.rows import ChangedDoc, find_records, split
from sync.embedded.views import blocks, files
from sync.embedded.views.definition import Definition, refuse_broken
from sync.embedded.views.pool import MAPPER_COUNT, FunctionsBroken, Pool
from sync.embedded.views.protocol import Failure, Row
from sync.embedded.views.spans import Place
from sync.embedded.views.tables import Table

BATCH_DOCS = 2000
_PART_DOCS = 250
_MOST_VARIABLES = 500
_COMMIT_BATCHES = 10  # rows of one batch lie all over the file: each page is then written once, not ten times
_CACHE_KIB = 32768
_CHECKPOINT_PAGES = 8000
MOST_STOPS = 20  # documents on which a function may exceed its limits before its views are refused
_REPAIRED_AT_MOST = 2000  # more touched rows than this in a batch, and the blocks are made anew instead

_log = structlog.get_logger("views")
_Places = list[tuple[int, bytes, int]]
Made = dict[str, list[Row]]  # document id → its rows
_places_decoder = msgspec.msgpack.Decoder(_Places)
_places_encoder = msgspec.msgpack.Encoder()
_threads = ThreadPoolExecutor(MAPPER_COUNT, "map")


class Index:
    """The index of one design document as it is defined now."""

    def __init__(self, database: Database, definition: Definition, pool: Pool) -> None:
        self._database = database
        self._pool = pool
        self._is_stopped = False
        self.definition = definition
        self.path: Path = files.path_of(database.path, definition)
        newest = database.update_seq()  # refuses when the database is deleted, before a file is made for it
        if self.path.exists() and self._read_seq() > newest:  # the database was put back from a backup
            files.drop_file(self.path)
        if not self.path.exists():
            files.make_file(self.path, len(definition.functions))
        with files.connections.lend(self.path) as connection:
            self.seq = _read_state(connection, "seq")
            self.stops = [_read_state(connection, f"stops_{n}") for n in range(len(definition.functions))]

    def _read_seq(self) -> int:
        with files.connections.lend(self.path) as connection:
            return _read_state(connection, "seq")

    def catch_up(self, target: int) -> None:
        """Index everything up to `target` and whatever came meanwhile. Raises `Refusal` when it cannot."""
        with files.connections.lend(self.path, writes=True) as connection:
            connection.execute("PRAGMA synchronous=NORMAL")  # a crash may cost the last batches, never the file
            connection.execute(f"PRAGMA cache_size=-{_CACHE_KIB}")
            connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT_PAGES}")
            connection.execute("PRAGMA secure_delete=ON")  # what was erased must not linger in free pages
            batches = self._map_ahead(target)
            while self._store_some(connection, batches):
                pass
            if not blocks.are_valid(connection):
                with _transaction(connection):
                    blocks.rebuild(self._tables(connection))

    def _map_ahead(self, target: int) -> Iterator[tuple[list[ChangedDoc], Made]]:
        """Batches of changes with their rows; the next one is being mapped while the caller stores the last."""
        since = self.seq
        waiting: tuple[list[ChangedDoc], list[Future[Made]]] | None = None
        while True:
            is_done = since >= target or self._is_stopped
            changes = [] if is_done else self._database.changes_rows(since, BATCH_DOCS)
            begun = [_threads.submit(self._map, part) for part in split(changes, _PART_DOCS)]
            if waiting is not None:
                made: Made = {}
                for part in waiting[1]:
                    made |= part.result()
                yield waiting[0], made
            if not changes:
                return
            since, waiting = changes[-1].seq, (changes, begun)

    def stop(self) -> None:
        """Make `catch_up` end soon, wherever it is (it may raise `Stopped`), because the node is about to end."""
        self._is_stopped = True

    def refuse_stopped(self, function: int) -> None:
        """Raise `Refusal` for a function that exceeded its limits too often: its rows would be a wrong answer."""
        if self.stops[function] >= MOST_STOPS:
            raise refuse_broken(f"The map function exceeded its limits on {MOST_STOPS} documents.")

    def _map(self, changes: Sequence[ChangedDoc]) -> Made:
        """id → rows, of the documents that are to be mapped."""
        wanted = [change for change in changes if self._is_wanted(change)]
        running = [n for n, stops in enumerate(self.stops) if stops < MOST_STOPS]
        if not wanted or not running:
            return {}
        functions = [self.definition.functions[n] for n in running]
        try:
            documents, kind = self._documents(wanted), self.definition.kind
            mapped = self._pool.map(functions, self.definition.lib, documents, lambda: self._is_stopped, kind)
        except FunctionsBroken as error:
            raise refuse_broken(str(error)) from None
        self._note_failures(wanted, running, mapped.failures)
        return {
            change.id: [(running[row[0]], *row[1:]) for row in rows] for change, rows in zip(wanted, mapped.rows, strict=True)
        }

    def _is_wanted(self, change: ChangedDoc) -> bool:
        return not change.deleted and (self.definition.includes_design or not change.id.startswith("_design/"))

    def _documents(self, changes: Sequence[ChangedDoc]) -> list[bytes]:
        conflicts = self._read_conflicts(changes) if self.definition.wants_conflicts else {}
        documents = []
        for change in changes:
            document = dict(change.body)
            if change.id in conflicts:
                document["_conflicts"] = conflicts[change.id]
            if self.definition.has_local_seq:
                document["_local_seq"] = change.seq
            documents.append(dump(document))
        return documents

    def _read_conflicts(self, changes: Sequence[ChangedDoc]) -> dict[str, list[str]]:
        records = self._database.read(lambda connection: find_records(connection, [each.id for each in changes]))
        found = {}
        for id_, record in records.items():
            losing = [leaf for leaf in record.tree.leaves()[1:] if not record.tree.nodes[leaf].is_deleted]
            if losing:
                found[id_] = losing
        return found

    def _note_failures(self, changes: Sequence[ChangedDoc], running: list[int], failures: list[Failure]) -> None:
        """Count documents over the limits, and log one example for each function."""
        for function in {failure.function for failure in failures}:
            mine = [failure for failure in failures if failure.function == function]
            self.stops[running[function]] += sum(failure.is_over_limit for failure in mine)
            _log.info(
                "map_failed",
                database=self._database.name,
                design=self.definition.id,
                function=running[function],
                documents=len(mine),
                example=changes[mine[0].document].id,
                reason=mine[0].reason,
            )

    def _store_some(self, connection: sqlite3.Connection, batches: Iterator[tuple[list[ChangedDoc], Made]]) -> bool:
        """Store a few batches in one transaction; answers whether there were any."""
        reached = 0
        with _transaction(connection):
            for changes, made in islice(batches, _COMMIT_BATCHES):
                self._store(connection, changes, made)
                reached = changes[-1].seq
        self.seq = reached or self.seq
        return reached > 0 and not self._is_stopped

    def _store(self, connection: sqlite3.Connection, changes: Sequence[ChangedDoc], made: Made) -> None:
        touched = _take_back(connection, [change.id for change in changes])
        touched += _insert(connection, made)
        self._mend_blocks(connection, touched)
        for n, stops in enumerate(self.stops):
            connection.execute("REPLACE INTO state VALUES(?, ?)", (f"stops_{n}", stops))
        connection.execute("REPLACE INTO state VALUES('seq', ?)", (changes[-1].seq,))

    def _tables(self, connection: sqlite3.Connection) -> list[Table]:
        return [Table(connection, n) for n in range(len(self.definition.functions))]

    def _mend_blocks(self, connection: sqlite3.Connection, touched: list[tuple[int, Place]]) -> None:
        if not blocks.are_valid(connection):
            return
        if len(touched) > _REPAIRED_AT_MOST:
            blocks.invalidate(self._tables(connection))
            return
        for function in {function for function, _ in touched}:
            blocks.repair(Table(connection, function), [place for each, place in touched if each == function])


class _transaction:  # noqa: N801
    """A write transaction: committed at the end, rolled back on any exception."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._connection.execute("ROLLBACK" if kind else "COMMIT")


def _take_back(connection: sqlite3.Connection, ids: list[str]) -> list[tuple[int, Place]]:
    """Delete the rows of these documents; answers where they were."""
    touched: list[tuple[int, Place]] = []
    doomed: dict[int, list[tuple[bytes, bytes, int]]] = {}
    for part in split([id_.encode() for id_ in ids], _MOST_VARIABLES):
        among = f"id IN ({','.join('?' * len(part))})"
        found = connection.execute(f"SELECT id, rows FROM place WHERE {among}", part).fetchall()  # noqa: S608
        for id_, packed in found:
            for function, key, ordinal in _places_decoder.decode(packed):
                doomed.setdefault(function, []).append((key, id_, ordinal))
                touched.append((function, (key, id_)))
        if found:
            connection.execute(f"DELETE FROM place WHERE {among}", part)  # noqa: S608
    for function, rows in doomed.items():
        connection.executemany(f"DELETE FROM row_{function} WHERE key = ? AND id = ? AND ordinal = ?", rows)  # noqa: S608
    return touched


def _insert(connection: sqlite3.Connection, made: Made) -> list[tuple[int, Place]]:
    """Store the rows of these documents; answers where they went."""
    touched: list[tuple[int, Place]] = []
    by_function: dict[int, list[tuple[bytes, bytes, int, int | float | None, bytes, bytes]]] = {}
    places = []
    for id_, rows in made.items():
        raw = id_.encode()
        for ordinal, (function, key, key_json, value, number) in enumerate(rows):
            by_function.setdefault(function, []).append((key, raw, ordinal, number, key_json, value))
            touched.append((function, (key, raw)))
        if rows:
            kept = [(row[0], row[1], ordinal) for ordinal, row in enumerate(rows)]
            places.append((raw, _places_encoder.encode(kept)))
    places.sort()  # neighbours share pages
    connection.executemany("INSERT INTO place VALUES(?, ?)", places)
    for function, stored in by_function.items():
        stored.sort()
        connection.executemany(f"INSERT INTO row_{function} VALUES(?,?,?,?,?,?)", stored)
    return touched


def _read_state(connection: sqlite3.Connection, name: str) -> int:
    row = connection.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
    return int(row[0]) if row else 0


def read_values(texts: list[bytes]) -> list[object]:
    """Parse many stored JSON texts at once."""
    values: list[object] = orjson.loads(b"[" + b",".join(texts) + b"]")
    return values
