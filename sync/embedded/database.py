"""One database: reading on snapshots, and handing writes to its writer. What a write does is in `updates`.

A `Database` is light: it owns no connection and no thread, only the name of its file. Any thread may call it.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sync.embedded.connections import BUSY_TIMEOUT_MS, Connections
from sync.embedded.refusals import StorageFull, no_database
from sync.embedded.rendering import render_object
from sync.embedded.rows import Body, ChangedDoc, Figures, find_bodies, find_winners, read_attachments, read_figures
from sync.embedded.schema import PAGE_BYTES
from sync.embedded.writer import Job, Writer, is_disk_full

_T = TypeVar("_T")

_TIDY_WAIT_MS = 100
_TIDY_TRIES = 50

_CHANGED_ROWS = """
SELECT doc.seq, doc.id, doc.rev, doc.deleted, body.doc, body.atts FROM doc JOIN body ON body.key = doc.body
WHERE doc.seq > ? ORDER BY doc.seq LIMIT ?
"""


class Database:
    """A database under its `name`, in the file `path`; `epoch` differs between two databases of the same name."""

    def __init__(
        self,
        name: str,
        path: Path,
        connections: Connections,
        pool: Executor,
        announce: Callable[[str], None],
    ) -> None:
        self.name = name
        self.path = path
        self.epoch = path.stem.rsplit("~", 1)[-1]
        self._connections = connections
        self._figures: Figures | None = None
        self._figures_lock = threading.Lock()
        self._announce = announce
        self._writer = Writer(path, connections, pool, self._note_commit)
        self._is_retired = False
        self.is_compacting = False

    def read(self, fn: Callable[[sqlite3.Connection], _T]) -> _T:
        """Runs `fn` on one consistent snapshot, in the calling thread, beside any writer. Raises `Refusal` when the
        database is deleted."""
        with self._lend() as connection:
            connection.execute("BEGIN")
            try:
                return fn(connection)
            finally:
                connection.execute("ROLLBACK")

    def write(self, job: Job) -> "Future[Any]":
        """Queues a write; the future is done after the commit is durable."""
        return self._writer.submit(job)

    def figures(self) -> Figures:
        """Counters as of the last commit, without touching the file when they are known."""
        if self._is_retired:
            raise no_database()
        known = self._figures
        if known is None:
            read = self.read(read_figures)
            with self._figures_lock:  # a commit meanwhile knows better
                known = self._figures = self._figures or read
        return known

    def update_seq(self) -> int:
        """The number of the last change."""
        return self.figures().seq

    def changes_rows(self, since: int, limit: int) -> list[ChangedDoc]:
        """At most `limit` documents changed after `since`, oldest change first, each once, with its winning revision.

        A purged document shows as deleted, at the sequence number of the purge.
        """
        return self.read(lambda connection: _read_changed(connection, since, limit))

    def get_winner(self, id_: str) -> dict[str, Any] | None:
        """The document as a plain read gives it; None when it is missing or deleted."""
        return self.get_winners([id_]).get(id_)

    def get_winners(self, ids: Iterable[str]) -> dict[str, dict[str, Any] | None]:
        """id → document, None for each that is missing or deleted."""
        wanted = list(ids)
        return self.read(lambda connection: _read_winners(connection, wanted))

    def tidy(self) -> bool:
        """Moves the log into the file and empties it, so that nothing deleted stays behind in it.

        Writers wait for that while readers of the old state go on, so it is tried for a moment at a time. Answers whether
        it was done.
        """
        with self._lend(writes=True) as connection:
            connection.execute(f"PRAGMA busy_timeout={_TIDY_WAIT_MS}")
            try:
                for _ in range(_TIDY_TRIES):
                    if connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0:
                        return True
                    time.sleep(_TIDY_WAIT_MS / 1000)  # let those in who waited
            finally:
                connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        return False

    def rebuild(self) -> None:
        """Writes the whole file anew, in a form that can shrink later. Writers wait for it; readers do not."""
        with self._writer.pause(), self._lend(writes=True) as connection:
            connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
            connection.execute("VACUUM")

    def sizes(self) -> tuple[int, int]:
        """(bytes of the file, bytes of it that are in use), as of the last time the log was moved into it, about."""
        waste = self.figures().waste
        with self.path.open("rb") as file:
            size_bytes = os.fstat(file.fileno()).st_size
            free_pages = int.from_bytes(file.read(40)[36:], "big")
        return size_bytes, max(0, size_bytes - free_pages * PAGE_BYTES - waste)

    def retire(self) -> None:
        """Refuses everything from now on and lets go of the file, which the caller removes."""
        self._is_retired = True
        self._writer.close(no_database)
        self._connections.retire(self.path)

    @contextmanager
    def _lend(self, writes: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection; tells a deleted database and a full disk from other faults."""
        if self._is_retired:
            raise no_database()
        try:
            with self._connections.lend(self.path, writes) as connection:
                yield connection
        except sqlite3.OperationalError:
            if self._is_retired:
                raise no_database() from None
            if is_disk_full(self.path.parent):  # even opening a file needs a little room for its shared memory
                raise StorageFull from None
            raise

    def _note_commit(self, figures: Figures) -> None:
        with self._figures_lock:
            has_changes = self._figures is None or figures.seq != self._figures.seq
            self._figures = figures
        if has_changes:
            self._announce(self.name)


def _read_changed(connection: sqlite3.Connection, since: int, limit: int) -> list[ChangedDoc]:
    found = []
    for seq, id_, rev, deleted, doc, atts in connection.execute(_CHANGED_ROWS, (since, limit)):
        body = Body(b"{}", []) if deleted else Body(doc, read_attachments(atts))
        found.append(ChangedDoc(seq, id_, rev, deleted == 1, render_object(id_, rev, body, deleted == 1)))
    purged = connection.execute("SELECT seq, id FROM purged WHERE seq > ? ORDER BY seq LIMIT ?", (since, limit))
    for seq, id_ in purged.fetchall():
        found.append(ChangedDoc(seq, id_, "", True, {"_id": id_, "_rev": "", "_deleted": True}))
    found.sort(key=lambda change: change.seq)
    return found[:limit]


def _read_winners(connection: sqlite3.Connection, ids: list[str]) -> dict[str, dict[str, Any] | None]:
    found: dict[str, dict[str, Any] | None] = dict.fromkeys(ids)
    winners = [winner for winner in find_winners(connection, ids).values() if not winner.is_deleted]
    bodies = find_bodies(connection, [winner.body for winner in winners])
    for winner in winners:
        found[winner.id] = render_object(winner.id, winner.rev, bodies[winner.body], is_deleted=False)
    return found
