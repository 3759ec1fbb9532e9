"""SQLite connections for thousands of database files without thousands of file descriptors.

Connections are lent to one thread at a time and kept for the next one; the one idle for longest is closed when too many
are open. How many are in use at once is bounded by the threads that work. What is read or written is not known here.
"""

import contextlib
import resource
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

_MOST_CONNECTIONS = 2048  # a district's grids several times over; each costs some 160 KB, an opening and closing 10 ms
_FEWEST_OTHER_FILES = 96  # sockets and the rest; a quarter of what is allowed when that is more
_FILES_A_CONNECTION = 6  # file, WAL and shared memory here, and as much again for a view index beside it
_FEWEST_CONNECTIONS = 8
BUSY_TIMEOUT_MS = 10_000


def allowed_connections() -> int:
    """How many connections may be open, from the limit of the process on open files."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _MOST_CONNECTIONS
    return max(_FEWEST_CONNECTIONS, min(_MOST_CONNECTIONS, (soft - max(_FEWEST_OTHER_FILES, soft // 4)) // _FILES_A_CONNECTION))


def open_file(path: Path) -> sqlite3.Connection:
    """A connection that commits durably (`synchronous=FULL`). The file must exist."""
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw", uri=True, isolation_level=None, check_same_thread=False, cached_statements=32
    )
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-1024")
    connection.execute("PRAGMA journal_size_limit=4194304")
    connection.execute("PRAGMA secure_delete=ON")  # what is purged is overwritten, not only unlinked
    return connection


class Connections:
    """All open connections of the node; `limit` bounds the idle ones plus those lent."""

    def __init__(self, limit: int | None = None) -> None:
        self._limit = limit if limit is not None else allowed_connections()
        self._lock = threading.Lock()
        self._idle: OrderedDict[sqlite3.Connection, tuple[Path, bool]] = OrderedDict()
        self._by_file: dict[Path, list[sqlite3.Connection]] = {}
        self._lent = 0
        self._retired: set[Path] = set()

    @contextlib.contextmanager
    def lend(self, path: Path, writes: bool = False) -> Iterator[sqlite3.Connection]:
        """A connection for the calling thread; it cannot write unless it `writes`. After a fault it is not kept."""
        connection = self._take(path, writes)
        is_sound = False
        try:
            yield connection
            is_sound = not connection.in_transaction
        except sqlite3.Error:
            raise
        except BaseException:
            is_sound = not connection.in_transaction
            raise
        finally:
            self._give_back(path, writes, connection, is_sound)

    def retire(self, path: Path) -> None:
        """Closes the connections of a file that is about to be removed; lent ones close when they come back."""
        with self._lock:
            self._retired.add(path)
            doomed = [each for each, (file, _) in self._idle.items() if file == path]
            for connection in doomed:
                self._forget(connection)
        for connection in doomed:
            connection.close()

    def close(self) -> None:
        """Closes what is idle; called when the node stops."""
        with self._lock:
            doomed = list(self._idle)
            self._idle.clear()
            self._by_file.clear()
        for connection in doomed:
            connection.close()

    def open_count(self) -> int:
        """Connections open now, idle and lent."""
        with self._lock:
            return len(self._idle) + self._lent

    def _take(self, path: Path, writes: bool) -> sqlite3.Connection:
        doomed: list[sqlite3.Connection] = []
        with self._lock:
            waiting = self._by_file.get(path)
            found, could_write = (waiting[-1], self._forget(waiting[-1])) if waiting else (None, True)
            if found is None:
                doomed = self._choose_doomed()
            self._lent += 1
        try:
            for each in doomed:
                each.close()
            connection = found or open_file(path)
            if could_write != writes:
                connection.execute(f"PRAGMA query_only={int(not writes)}")
        except BaseException:
            with self._lock:
                self._lent -= 1
            raise
        return connection

    def _give_back(self, path: Path, writes: bool, connection: sqlite3.Connection, is_sound: bool) -> None:
        with self._lock:
            self._lent -= 1
            is_kept = is_sound and path not in self._retired
            if is_kept:
                self._idle[connection] = (path, writes)
                self._by_file.setdefault(path, []).append(connection)
        if not is_kept:
            connection.close()

    def _choose_doomed(self) -> list[sqlite3.Connection]:
        doomed: list[sqlite3.Connection] = []
        while self._idle and len(self._idle) + self._lent >= self._limit:
            oldest = next(iter(self._idle))
            self._forget(oldest)
            doomed.append(oldest)
        return doomed

    def _forget(self, connection: sqlite3.Connection) -> bool:
        """Takes an idle connection off the books; answers whether it can write."""
        path, writes = self._idle.pop(connection)
        waiting = self._by_file[path]
        waiting.remove(connection)
        if not waiting:
            del self._by_file[path]
        return writes
