"""The tables of one database file, and the empty file every new database starts as.

`doc` has one row a document, numbered by its last change; `body` one row a stored revision; `blob` the bytes of
attachments; `local` the unreplicated documents; `figure` and `block` counters, always written with what they count.
Files of earlier versions of the program are brought up to date when the node starts.
"""

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

VERSION = 2
PAGE_BYTES = 4096

# doc.tree is NULL while the document has a single revision: then rev, deleted and body say everything.
# body.atts and blob: attachments are rows of their own, shared by the revisions that keep them.
# body.sum: digest of the two columns before it (`rows.digest_body`); NULL in rows an earlier version wrote.
# purged: what a reader of changes must forget, at the sequence number of the purge.
# figure.waste: bytes that compaction can give back, about.
TABLES = f"""
PRAGMA user_version = {VERSION};
CREATE TABLE doc(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rev TEXT NOT NULL, deleted INTEGER NOT NULL,
  body INTEGER NOT NULL, tree TEXT);
CREATE INDEX dead ON doc(id) WHERE deleted = 1;
CREATE TABLE body(key INTEGER PRIMARY KEY, doc BLOB NOT NULL, atts TEXT, sum INTEGER);
CREATE TABLE blob(key INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE local(id TEXT PRIMARY KEY, rev INTEGER NOT NULL, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE purged(seq INTEGER PRIMARY KEY, id TEXT NOT NULL);
CREATE TABLE figure(seq INTEGER NOT NULL, live INTEGER NOT NULL, dead INTEGER NOT NULL, body INTEGER NOT NULL,
  blob INTEGER NOT NULL, purge INTEGER NOT NULL, waste INTEGER NOT NULL DEFAULT 0);
INSERT INTO figure VALUES(0, 0, 0, 0, 0, 0, 0);
CREATE TABLE block(first TEXT PRIMARY KEY, live INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO block VALUES('', 0);
"""


def build_empty_file() -> bytes:
    """The bytes of a database file without documents, in WAL mode. Made once a process, then only copied."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty"
        connection = sqlite3.connect(path)
        connection.execute(f"PRAGMA page_size={PAGE_BYTES}")
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # so that compaction can give space back bit by bit
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(TABLES)
        connection.close()
        return path.read_bytes()


def place_file(path: Path, content: bytes) -> None:
    """Writes a file so that after a crash it is either whole or absent. Raises OSError, leaving nothing behind."""
    draft = path.with_name(path.name + ".new")
    try:
        with open(draft, "wb", opener=_open_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    flush_folder(path.parent)


def _open_private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def flush_folder(folder: Path) -> None:
    """Makes renames and removals in the folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class FileTooNew(Exception):
    """A database file was written by a later version of the program."""


def upgrade_file(path: Path) -> None:
    """Brings a file of an earlier version up to date; a current one is only looked at. Raises FileTooNew.

    A file that is no database is left as it is: reading it will say so, and `store --check`.
    """
    with path.open("rb") as file:
        head = file.read(64)
    found = int.from_bytes(head[60:64], "big")
    if len(head) < 64 or found == VERSION or not head.startswith(b"SQLite format 3"):
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        (found,) = connection.execute("PRAGMA user_version").fetchone()
        if found > VERSION:
            raise FileTooNew(f"{path.name} was written by a later version of this program.")
        if found == 1:
            connection.executescript(_FROM_1)


_FROM_1 = """
BEGIN IMMEDIATE;
ALTER TABLE body ADD COLUMN sum INTEGER;
ALTER TABLE figure ADD COLUMN waste INTEGER NOT NULL DEFAULT 0;
PRAGMA user_version = 2;
COMMIT;
"""
