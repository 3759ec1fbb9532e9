"""Which indexes are open, and who may work on them: one indexer for each, in threads, never in the event loop.

A query waits until its index has reached the database's sequence number at the moment of asking. Indexing goes on when
the one who asked has gone. Indexes that nobody uses are forgotten after a while; their files stay.
"""

import asyncio
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import structlog

from sync.embedded.database import Database
from sync.embedded.refusals import StorageFull
from sync.embedded.views import files
from sync.embedded.views.definition import Definition
from sync.embedded.views.index import Index
from sync.embedded.views.pool import Pool, shared_pool
from sync.embedded.writer import is_disk_full

_MOST_GROUPS = 512
_INDEX_THREADS = 3
_READ_THREADS = 6

_T = TypeVar("_T")
_log = structlog.get_logger("views")


class Group:
    """The index of one design document, and the work in progress on it."""

    def __init__(self, database: Database, definition: Definition, pool: Pool) -> None:
        self._database = database
        self._definition = definition
        self._pool = pool
        self._index: Index | None = None
        self._task: asyncio.Task[None] | None = None

    async def refresh(self, threads: ThreadPoolExecutor, target: int) -> None:
        """Return when the index has reached `target`. Raises `Refusal` when it cannot."""
        while self._index is None or self._index.seq < target:
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run(threads, target))
            await asyncio.shield(self._task)

    def find_index(self) -> Index:
        """The open index, possibly behind its database; blocking when it has to be opened."""
        if self._index is None:
            self._index = Index(self._database, self._definition, self._pool)
        return self._index

    def is_busy(self) -> bool:
        """Whether an indexer is at work."""
        return self._task is not None and not self._task.done()

    async def _run(self, threads: ThreadPoolExecutor, target: int) -> None:
        await asyncio.get_running_loop().run_in_executor(threads, self._catch_up, target)

    def _catch_up(self, target: int) -> None:
        try:
            index = self.find_index()
            index.catch_up(target)
        except sqlite3.DatabaseError as error:
            self._index = None
            if is_disk_full(self._database.path.parent):
                raise StorageFull from None
            _log.warning("index_dropped", database=self._database.name, design=self._definition.id, reason=str(error))
            files.drop_file(files.path_of(self._database.path, self._definition))
            self.find_index().catch_up(target)


class Groups:
    """All open groups of the node."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self._open: OrderedDict[tuple[Path, str, str], Group] = OrderedDict()
        self._lock = threading.Lock()  # databases are deleted from other threads
        self._index_threads = ThreadPoolExecutor(_INDEX_THREADS, "index")
        self._read_threads = ThreadPoolExecutor(_READ_THREADS, "view")

    def find(self, database: Database, definition: Definition) -> Group:
        """The group of a design document as it is defined now."""
        name = (database.path, definition.id, definition.signature)
        with self._lock:
            group = self._open.pop(name, None) or Group(database, definition, self.pool)
            self._open[name] = group
            if len(self._open) > _MOST_GROUPS:
                self._close_idle()
        return group

    def forget(self, database_path: Path) -> None:
        """Close the groups of a database."""
        with self._lock:
            for name in [name for name in self._open if name[0] == database_path]:
                del self._open[name]

    def _close_idle(self) -> None:
        oldest = next(iter(self._open))
        if not self._open[oldest].is_busy():
            del self._open[oldest]

    async def refresh(self, group: Group, target: int) -> None:
        """Bring a group up to date; waits."""
        await group.refresh(self._index_threads, target)

    async def read(self, group: Group, fn: Callable[[sqlite3.Connection, Index], _T]) -> _T:
        """Run `fn` on one snapshot of the group's index, in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, _read, group, fn)


def _read(group: Group, fn: Callable[[sqlite3.Connection, Index], _T]) -> _T:
    index = group.find_index()
    with files.connections.lend(index.path) as connection:
        connection.execute("BEGIN")
        try:
            return fn(connection, index)
        finally:
            connection.execute("ROLLBACK")


_shared: Groups | None = None


def shared_groups() -> Groups:
    """The groups of this process."""
    global _shared  # noqa: PLW0603
    if _shared is None:
        _shared = Groups(shared_pool())
    return _shared
