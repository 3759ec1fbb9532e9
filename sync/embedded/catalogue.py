"""Which databases exist: their names, their files, creating and deleting them.

A database `a/b` lies in `a%2Fb~<12 hex>.sqlite`; the random part makes a database deleted and created again another file,
so that a late reader of the old one can never touch the new one. Everything else about a database is in `database`.
"""

import bisect
import errno
import fcntl
import re
import secrets
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO
from urllib.parse import quote, unquote

from sync.embedded.connections import Connections
from sync.embedded.database import Database
from sync.embedded.refusals import Refusal, StorageFull, no_database
from sync.embedded.schema import build_empty_file, flush_folder, place_file, upgrade_file

_NAME = re.compile(r"[a-z][a-z0-9_$()+/-]*")
_MOST_FILE_NAME = 200
_SUFFIX = ".sqlite"
_VIEWS = ".sqlite.views"
_WRITER_THREADS = 8


class FolderInUse(Exception):
    """Another process serves the databases in the folder."""


def lock_folder(folder: Path) -> IO[str]:
    """Keeps other nodes off the folder until the answer is closed or the process ends. Raises `FolderInUse`."""
    file = (folder / ".lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise FolderInUse(f"{folder} is in use by another node.") from None
    return file


class Catalogue:
    """All databases in one folder. `announce(name)` is called from any thread after a database changed or went away."""

    def __init__(self, folder: Path, announce: Callable[[str], None], forget_views: Callable[[Path], None] | None = None) -> None:
        self.folder = folder
        self.connections = Connections()
        self._announce = announce
        self._forget_views = forget_views
        self._lock = threading.Lock()
        self._writers = ThreadPoolExecutor(_WRITER_THREADS, "writer")
        self._empty_file = build_empty_file()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock_file = lock_folder(folder)
        self._databases: dict[str, Database] = {}
        self._find_files()
        self._names = sorted(self._databases)

    def get(self, name: str) -> Database:
        """The database. Raises 404."""
        database = self._databases.get(name)
        if database is None:
            raise no_database()
        return database

    def names(self) -> list[str]:
        """All names in order."""
        return self._names

    def create(self, name: str) -> None:
        """Makes an empty database, durably. Raises 400 for a bad name, 412 when it exists, 503 when the disk is full."""
        stem = quote(name, safe="$()+")
        if not _NAME.fullmatch(name) or len(stem) > _MOST_FILE_NAME:
            raise _illegal_name(name)
        with self._lock:
            if name in self._databases:
                reason = "The database could not be created, the file already exists."
                raise Refusal(412, "file_exists", reason)
            path = self.folder / f"{stem}~{secrets.token_hex(6)}{_SUFFIX}"
            try:
                place_file(path, self._empty_file)
            except OSError as error:
                if error.errno in (errno.ENOSPC, errno.EDQUOT):
                    raise StorageFull from error
                raise
            self._databases[name] = self._make(name, path)
            names = self._names.copy()
            bisect.insort(names, name)
            self._names = names

    def delete(self, name: str) -> None:
        """Removes a database and its view indexes. Raises 404."""
        with self._lock:
            database = self._databases.pop(name, None)
            if database is None:
                raise no_database()
            self._names = [each for each in self._names if each != name]
            database.retire()
            if self._forget_views is not None:
                self._forget_views(database.path)
            database.path.unlink()
            flush_folder(self.folder)
            for part in _side_files(database.path):
                part.unlink(missing_ok=True)
        self._announce(name)

    def close(self) -> None:
        """Finishes waiting writes, closes all files and lets go of the folder."""
        self._writers.shutdown(wait=True)
        self.connections.close()
        self._lock_file.close()

    def _make(self, name: str, path: Path) -> Database:
        return Database(name, path, self.connections, self._writers, self._announce)

    def _find_files(self) -> None:
        for path in list(self.folder.iterdir()):
            if path.name.endswith(_SUFFIX):
                upgrade_file(path)
                name = unquote(path.stem.rsplit("~", 1)[0])
                self._databases[name] = self._make(name, path)
        for path in list(self.folder.iterdir()):  # what a crash left half made or half removed
            if path.name.endswith(_VIEWS) and not path.with_name(path.name.removesuffix(".views")).exists():
                shutil.rmtree(path)
            elif path.name.endswith((".new", "-wal", "-shm")) and not _has_database(path):
                path.unlink(missing_ok=True)


def _has_database(path: Path) -> bool:
    return path.name.endswith(("-wal", "-shm")) and path.with_name(path.name[:-4]).exists()


def _side_files(path: Path) -> list[Path]:
    return [path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")]


def _illegal_name(name: str) -> Refusal:
    allowed = "lowercase characters (a-z), digits (0-9), and any of the characters _, $, (, ), +, -, and /"
    return Refusal(400, "illegal_database_name", f"Name: '{name}'. Only {allowed} are allowed. Must begin with a letter.")
