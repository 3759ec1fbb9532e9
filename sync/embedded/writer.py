"""Group commit: all writes waiting for one database go into one transaction, and are answered once it is on the disk.

A write is a job, a function of the transaction. At most one thread works on a database's jobs; it is borrowed from a
shared pool, so that thousands of databases cost no threads. A job may raise a `Refusal` before it wrote anything; any
other failure takes the whole transaction back, and the jobs are then tried one by one.
"""

import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sync.embedded.connections import Connections
from sync.embedded.refusals import Refusal, StorageFull
from sync.embedded.rows import Figures, read_figures

_MOST_JOBS_A_COMMIT = 64
_LEAST_FREE_BYTES = 1 << 20


@dataclass(slots=True)
class Counter:
    """The figures of a database while a transaction moves them."""

    seq: int
    live: int
    dead: int
    body: int
    blob: int
    purge: int
    waste: int

    def freeze(self) -> Figures:
        """The figures as they are kept."""
        return Figures(self.seq, self.live, self.dead, self.body, self.blob, self.purge, self.waste)


@dataclass(slots=True)
class Transaction:
    """What a job gets: the connection inside a write transaction and the counters to move."""

    connection: sqlite3.Connection
    counter: Counter


Job = Callable[[Transaction], Any]
Waiting = tuple[Job, "Future[Any]"]


class Writer:
    """The queue of one database."""

    def __init__(self, path: Path, connections: Connections, pool: Executor, announce: Callable[[Figures], None]) -> None:
        self._path = path
        self._connections = connections
        self._pool = pool
        self._announce = announce
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._queue: list[Waiting] = []
        self._is_busy = False
        self._make_refusal: Callable[[], Refusal] | None = None

    def submit(self, job: Job) -> "Future[Any]":
        """Queues a job. The future carries its result after the commit, or the refusal."""
        future: Future[Any] = Future()
        future.set_running_or_notify_cancel()  # who stops waiting does not stop the write
        with self._lock:
            if self._make_refusal is not None:
                future.set_exception(self._make_refusal())
                return future
            self._queue.append((job, future))
            if self._is_busy:
                return future
            self._is_busy = True
        self._pool.submit(self._drain)
        return future

    def close(self, make_refusal: Callable[[], Refusal]) -> None:
        """From now on every job is refused; those waiting too."""
        with self._lock:
            self._make_refusal = make_refusal
            waiting, self._queue = self._queue, []
        for _, future in waiting:
            future.set_exception(make_refusal())

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Writes wait, however long, while the caller does something to the file as a whole."""
        with self._turn:
            yield

    def _drain(self) -> None:
        """Commits one batch, then queues up behind other databases: however many are busy, each has its turn."""
        while True:
            with self._lock:
                batch = self._queue[:_MOST_JOBS_A_COMMIT]
                del self._queue[:_MOST_JOBS_A_COMMIT]
                if not batch:
                    self._is_busy = False
                    return
            self._commit_batch(batch)
            with suppress(RuntimeError):  # the pool takes no more when the node stops: what waits is finished here
                self._pool.submit(self._drain)
                return

    def _commit_batch(self, batch: list[Waiting]) -> None:
        try:
            results = self._run_in_transaction([job for job, _ in batch])
        except BaseException as error:  # noqa: BLE001 - whatever failed belongs to the one who asked
            if len(batch) == 1:
                batch[0][1].set_exception(self._name_fault(error))
                return
            for each in batch:
                self._commit_batch([each])
            return
        for (_, future), result in zip(batch, results, strict=True):
            if isinstance(result, Refusal):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _run_in_transaction(self, jobs: list[Job]) -> list[Any]:
        with self._turn, self._connections.lend(self._path, writes=True) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                before = read_figures(connection)
                counter = Counter(*before)
                results = [_run(job, Transaction(connection, counter)) for job in jobs]
                after = counter.freeze()
                if after != before:
                    connection.execute("UPDATE figure SET seq=?, live=?, dead=?, body=?, blob=?, purge=?, waste=?", after)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):  # the fault itself may have ended the transaction
                    connection.execute("ROLLBACK")
                raise
        self._announce(after)
        return results

    def _name_fault(self, error: BaseException) -> BaseException:
        """Tells a deleted database and a full disk, which SQLite may report as plain I/O errors, from other faults."""
        if not isinstance(error, sqlite3.Error):
            return error
        if self._make_refusal is not None:
            return self._make_refusal()
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        is_input_output = code in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
        if code == sqlite3.SQLITE_FULL or (is_input_output and is_disk_full(self._path.parent)):
            return StorageFull()
        return error


def _run(job: Job, transaction: Transaction) -> Any:
    saved = replace(transaction.counter)
    written = transaction.connection.total_changes
    try:
        return job(transaction)
    except Refusal as refusal:
        if transaction.connection.total_changes != written or transaction.counter != saved:
            raise
        return refusal


def is_disk_full(folder: Path) -> bool:
    """Whether the file system under the folder has no room for another write."""
    with suppress(OSError):
        return shutil.disk_usage(folder).free < _LEAST_FREE_BYTES or os.statvfs(folder).f_favail == 0
    return False
