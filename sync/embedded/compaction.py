"""Compaction: what no leaf needs any more goes, and the file gives its space back, while readers and writers go on.

It works in small steps, each a job among the database's other writes, so that nobody waits long, nothing written meanwhile
is lost, and a crash leaves a sound file that the next compaction goes on with. When to compact is somebody else's to say.
"""

import sqlite3
from collections.abc import Callable, Iterator

from sync.embedded.database import Database
from sync.embedded.rows import find_records, read_attachments, read_setting, split
from sync.embedded.updates import DEFAULT_REVS_LIMIT
from sync.embedded.writer import Transaction

DOCUMENTS_A_STEP = 200
PAGES_A_STEP = 512
MOST_BYTES_A_STEP = 4 << 20  # what is deleted is overwritten too, so it passes through the log
MOST_BYTES_REBUILT = 16 << 20  # a fraction of a second, in which writers of this database wait
_STEP_TIMEOUT_S = 600

IsStopping = Callable[[], bool]


def compact(database: Database, is_stopping: IsStopping = lambda: False) -> None:
    """Drops bodies of revisions that are not leaves and attachments that nothing names; stems; shrinks the file.

    Blocks the calling thread until it is done, or until `is_stopping` says so between two steps. Documents changed after
    the start are left to the next time. Raises `Refusal` when the database is deleted or the disk is full.
    """
    before = database.figures()
    for work in (_drop_old_bodies(database, before.seq), _drop_orphans(database, before.blob), _give_back(database)):
        for _ in work:
            if is_stopping():
                return
    database.write(lambda transaction: _settle(transaction, before.waste)).result(_STEP_TIMEOUT_S)
    database.tidy()


def _drop_old_bodies(database: Database, newest: int) -> Iterator[None]:
    since = 0
    while True:
        found = database.read(lambda connection, since=since: _find_branched(connection, since, newest))  # type: ignore[misc]
        if not found:
            return
        since = found[-1][0]
        ids = [id_ for _, id_ in found]
        database.write(lambda transaction, ids=ids: _prune(transaction, ids)).result(_STEP_TIMEOUT_S)  # type: ignore[misc]
        yield


def _find_branched(connection: sqlite3.Connection, since: int, newest: int) -> list[tuple[int, str]]:
    sql = "SELECT seq, id FROM doc WHERE seq > ? AND seq <= ? AND tree IS NOT NULL ORDER BY seq LIMIT ?"
    return list(connection.execute(sql, (since, newest, DOCUMENTS_A_STEP)))


def _prune(transaction: Transaction, ids: list[str]) -> None:
    connection = transaction.connection
    limit = int(read_setting(connection, "revs_limit") or DEFAULT_REVS_LIMIT)
    for record in find_records(connection, ids).values():
        tree = record.tree
        before = len(tree.nodes)
        keys = tree.stem(limit) + tree.drop_old_bodies()
        if keys or len(tree.nodes) != before:
            connection.executemany("DELETE FROM body WHERE key = ?", [(key,) for key in keys])
            text = tree.encode() if len(tree.nodes) > 1 else None
            connection.execute("UPDATE doc SET tree = ? WHERE id = ?", (text, record.id))


def _drop_orphans(database: Database, newest: int) -> Iterator[None]:
    """Attachments up to key `newest` that no body names; a body can only come to name one that another body names."""
    orphans = database.read(lambda connection: list(find_orphans(connection, newest)))
    keys: list[tuple[int]] = []
    size_bytes = 0
    for at, (key, length) in enumerate(orphans):
        keys.append((key,))
        size_bytes += length
        if size_bytes >= MOST_BYTES_A_STEP or at == len(orphans) - 1:
            database.write(lambda transaction, keys=keys: _delete_blobs(transaction, keys)).result(_STEP_TIMEOUT_S)  # type: ignore[misc]
            keys, size_bytes = [], 0
            yield


def find_orphans(connection: sqlite3.Connection, newest: int) -> Iterator[tuple[int, int]]:
    """(key, length) of attachments that no stored body names. Memory: a bit for each attachment there ever was."""
    named = bytearray(newest // 8 + 1)
    for (atts,) in connection.execute("SELECT atts FROM body WHERE atts IS NOT NULL"):
        for attachment in read_attachments(atts):
            if attachment.blob <= newest:
                named[attachment.blob >> 3] |= 1 << (attachment.blob & 7)
    for key, length in connection.execute("SELECT key, length(data) FROM blob WHERE key <= ?", (newest,)):
        if not named[key >> 3] & 1 << (key & 7):
            yield key, length


def _delete_blobs(transaction: Transaction, keys: list[tuple[int]]) -> None:
    for part in split(keys, 500):
        transaction.connection.executemany("DELETE FROM blob WHERE key = ?", part)


def _give_back(database: Database) -> Iterator[None]:
    """Moves the file's end into its free pages, a few at a time; a small file is written anew, which packs it best."""
    if database.read(_cannot_shrink) or database.sizes()[0] <= MOST_BYTES_REBUILT:
        database.rebuild()
        return
    free = database.read(_count_free)
    for _ in range(free // PAGES_A_STEP + 1):
        if not database.write(_shrink).result(_STEP_TIMEOUT_S):
            return
        yield


def _cannot_shrink(connection: sqlite3.Connection) -> bool:
    """Whether the file was made by an earlier version, which did not let files shrink bit by bit."""
    (mode,) = connection.execute("PRAGMA auto_vacuum").fetchone()
    return bool(mode == 0)


def _count_free(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA freelist_count").fetchone()[0])


def _shrink(transaction: Transaction) -> bool:
    """Gives a few pages back; answers whether more are free."""
    for _ in range(PAGES_A_STEP):  # one page each: Python stops this statement after its first step
        transaction.connection.execute("PRAGMA incremental_vacuum(1)")
    return _count_free(transaction.connection) > 0


def _settle(transaction: Transaction, was: int) -> None:
    """What was waste at the start is none now; what became waste meanwhile still is."""
    transaction.counter.waste = max(0, transaction.counter.waste - was)
