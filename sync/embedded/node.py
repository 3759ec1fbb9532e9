"""The node behind the routes: its catalogue, its listeners, and the threads that do the reading.

Routes run on the event loop; everything that touches a file goes through `run` (threads) or `write` (the database's
writer).
"""

import asyncio
import importlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sync.embedded.catalogue import Catalogue
from sync.embedded.compaction import compact
from sync.embedded.database import Database
from sync.embedded.hub import Hub
from sync.embedded.refusals import Refusal, not_implemented
from sync.embedded.writer import Job

_P = ParamSpec("_P")
_T = TypeVar("_T")

_READER_THREADS = 6
_COMPACTION_WAIT_S = 2.0
_log = logging.getLogger("xunge.store")


class Node:
    """Everything one running node has."""

    def __init__(self, folder: Path, admin: str) -> None:
        self.admin = admin
        self.hub = Hub()
        self.catalogue = Catalogue(folder, self.hub.announce, _forget_views)
        self.stopping = asyncio.Event()
        self._readers = ThreadPoolExecutor(_READER_THREADS, "reader")
        self._care = ThreadPoolExecutor(1, "care")  # one compaction at a time: it is thrift, and may take its time
        self._compactions: dict[Path, asyncio.Future[None]] = {}
        self._is_ending = threading.Event()

    async def run(self, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Runs something that blocks on a reader thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: fn(*args, **kwargs))

    async def write(self, database: Database, job: Job) -> Any:
        """Runs a write; returns when it is durable."""
        return await asyncio.wrap_future(database.write(job))

    async def compact(self, database: Database) -> None:
        """Starts a compaction unless one is under way, and waits for it a moment: a small database is done by then.

        Raises `Refusal` when it was refused within that moment.
        """
        running = self._compactions.get(database.path)
        if running is None:
            database.is_compacting = True
            running = asyncio.get_running_loop().run_in_executor(self._care, self._compact, database)
            self._compactions[database.path] = running
            running.add_done_callback(lambda _: self._compactions.pop(database.path, None))
        done, _ = await asyncio.wait({running}, timeout=_COMPACTION_WAIT_S)
        if done:
            running.result()
        else:
            running.add_done_callback(_note_end)

    def _compact(self, database: Database) -> None:
        try:
            compact(database, self._is_ending.is_set)
            if has_views():
                load_views().tidy(database.path)
        finally:
            database.is_compacting = False

    def stop_waiting(self) -> None:
        """Ends the feeds that wait, so that the process can stop."""
        self.stopping.set()
        self.hub.wake_all()

    def close(self) -> None:
        """Finishes what was begun and closes all files."""
        self._is_ending.set()
        self._care.shutdown(wait=True, cancel_futures=True)
        self._readers.shutdown(wait=True)
        self.catalogue.close()


def load_views() -> Any:
    """The package that answers views. Raises 501 while this node has none."""
    try:
        return importlib.import_module("sync.embedded.views")
    except ModuleNotFoundError:
        raise not_implemented("A view") from None


def has_views() -> bool:
    """Whether this node can answer views."""
    try:
        return hasattr(importlib.import_module("sync.embedded.views"), "query")
    except ModuleNotFoundError:
        return False


def _forget_views(path: Path) -> None:
    if has_views():
        load_views().forget(path)


def _note_end(running: "asyncio.Future[None]") -> None:
    """Nobody waits for a long compaction: what went wrong with it goes to the log, except that its database is gone."""
    error = None if running.cancelled() else running.exception()
    if error is not None and not isinstance(error, Refusal):
        _log.error("a compaction failed: %s", error)
