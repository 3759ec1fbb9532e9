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
from typing import ParamSpec, TypeVar

import structlog

from sync.embedded.database import Database
from sync.embedded.refusals import Refusal, StorageFull
from sync.embedded.views import files
from sync.embedded.views.definition import Definition
from sync.embedded.views.index import Index
from sync.embedded.views.pool import Pool, shared_pool
from sync.embedded.writer import is_disk_full

_MOST_GROUPS = 512
_INDEX_THREADS = 3
_READ_THREADS = 6
_MOST_TRIES = 3

_P = ParamSpec("_P")
_T = TypeVar("_T")
_log = structlog.get_logger("views")


class IndexGone(Exception):
    """The index file was lost while it was to be read; it will be built anew."""


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
        while self.is_behind(target):
            await asyncio.shield(self.begin(threads, target))

    def begin(self, threads: ThreadPoolExecutor, target: int) -> "asyncio.Task[None]":
        """Start an indexer, unless one is at work, without waiting for it."""
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(threads, target))
            self._task.add_done_callback(_note_end)
        return self._task

    def find_index(self) -> Index:
        """The open index, possibly behind its database; blocking when it has to be opened."""
        if self._index is None:
            self._index = Index(self._database, self._definition, self._pool)
        return self._index

    def read(self, fn: Callable[[sqlite3.Connection, Index], _T]) -> _T:
        """Run `fn` on one snapshot of the index, blocking. Raises `IndexGone` when the file is lost or damaged."""
        index = self.find_index()
        try:
            with files.connections.lend(index.path) as connection:
                connection.execute("BEGIN")
                try:
                    return fn(connection, index)
                finally:
                    connection.execute("ROLLBACK")
        except sqlite3.DatabaseError as error:
            self._drop(error)
            raise IndexGone from error

    def is_behind(self, target: int) -> bool:
        """Whether there is something to index, as far as is known without opening the file."""
        return self._index is None or self._index.seq < target

    def is_busy(self) -> bool:
        """Whether an indexer is at work."""
        return self._task is not None and not self._task.done()

    async def _run(self, threads: ThreadPoolExecutor, target: int) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(threads, self._catch_up, target)
        except asyncio.CancelledError:
            if self._index is not None:
                self._index.stop()
                self._index = None
            raise

    def _catch_up(self, target: int) -> None:
        try:
            self.find_index().catch_up(target)
        except sqlite3.DatabaseError as error:
            self._drop(error)
            self.find_index().catch_up(target)

    def _drop(self, error: sqlite3.DatabaseError) -> None:
        """Throw a file away that cannot be used, except when it is only the disk that is full."""
        self._database.update_seq()  # refuses when the reason is that the database was deleted
        if is_disk_full(self._database.path.parent):
            raise StorageFull from error
        self._index = None
        _log.warning("index_dropped", database=self._database.name, design=self._definition.id, reason=str(error))
        files.drop_file(files.path_of(self._database.path, self._definition))


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
            group = self._open.pop(name, None)
            if group is None:
                self._close_earlier(name)
                group = Group(database, definition, self.pool)
            self._open[name] = group
            if len(self._open) > _MOST_GROUPS:
                self._close_idle()
        return group

    def forget(self, database_path: Path) -> None:
        """Close the groups of a database."""
        with self._lock:
            for name in [name for name in self._open if name[0] == database_path]:
                del self._open[name]

    def forget_unused(self, database_path: Path, design_ids: list[str]) -> None:
        """Close the groups of a database's design documents that are not among these."""
        with self._lock:
            for name in [name for name in self._open if name[0] == database_path and name[1] not in design_ids]:
                del self._open[name]

    def _close_earlier(self, name: tuple[Path, str, str]) -> None:
        """The same design document as it was before: its file goes when the new one is made."""
        for other in [other for other in self._open if other[:2] == name[:2]]:
            del self._open[other]

    def _close_idle(self) -> None:
        oldest = next(iter(self._open))
        if not self._open[oldest].is_busy():
            del self._open[oldest]

    async def read(self, group: Group, target: int | None, fn: Callable[[sqlite3.Connection, Index], _T]) -> _T:
        """Run `fn` on one snapshot of the group's index, in a thread, once it has reached `target` (None: as it is)."""
        for _ in range(_MOST_TRIES):
            if target is not None:
                await group.refresh(self._index_threads, target)
            try:
                return await self.run(group.read, fn)
            except IndexGone:
                continue
        raise Refusal(503, "index_unavailable", "The index was lost again while it was built.")

    async def run(self, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Run something that blocks in a thread of the views' own."""
        return await asyncio.get_running_loop().run_in_executor(self._read_threads, lambda: fn(*args, **kwargs))

    def begin(self, group: Group, target: int) -> None:
        """Start bringing a group up to date, without waiting."""
        if group.is_behind(target):
            group.begin(self._index_threads, target)


def _note_end(task: "asyncio.Task[None]") -> None:
    """Those who wait get the exception themselves; when nobody does, it is only logged."""
    if not task.cancelled() and task.exception() is not None:
        _log.info("indexing_failed", reason=str(task.exception()))


_shared: Groups | None = None


def shared_groups() -> Groups:
    """The groups of this process."""
    global _shared  # noqa: PLW0603
    if _shared is None:
        _shared = Groups(shared_pool())
    return _shared
