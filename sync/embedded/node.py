"""The node behind the routes: its catalogue, its listeners, and the threads that do the reading.

Routes run on the event loop; everything that touches a file goes through `run` (threads) or `write` (the database's
writer).
"""

import asyncio
import importlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sync.embedded.catalogue import Catalogue
from sync.embedded.database import Database
from sync.embedded.hub import Hub
from sync.embedded.refusals import not_implemented
from sync.embedded.writer import Job

_P = ParamSpec("_P")
_T = TypeVar("_T")

_READER_THREADS = 6


class Node:
    """Everything one running node has."""

    def __init__(self, folder: Path, admin: str) -> None:
        self.admin = admin
        self.hub = Hub()
        self.catalogue = Catalogue(folder, self.hub.announce, _forget_views)
        self.stopping = asyncio.Event()
        self._readers = ThreadPoolExecutor(_READER_THREADS, "reader")

    async def run(self, fn: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
        """Runs something that blocks on a reader thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, lambda: fn(*args, **kwargs))

    async def write(self, database: Database, job: Job) -> Any:
        """Runs a write; returns when it is durable."""
        return await asyncio.wrap_future(database.write(job))

    def stop_waiting(self) -> None:
        """Ends the feeds that wait, so that the process can stop."""
        self.stopping.set()
        self.hub.wake_all()

    def close(self) -> None:
        """Finishes what was begun and closes all files."""
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
