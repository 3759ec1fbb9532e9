"""The tables of one database file, and the empty file every new database starts as.

`doc` has one row a document, numbered by its last change; `body` one row a stored revision; `blob` the bytes of
attachments; `local` the unreplicated documents; `figure` and `block` counters, always written with what they count.
"""

import os
import sqlite3
import tempfile
from pathlib import Path

# doc.tree is NULL while the document has a single revision: then rev, deleted and body say everything.
# body.atts and blob: attachments are rows of their own, shared by the revisions that keep them.
# purged: what a reader of changes must forget, at the sequence number of the purge.
TABLES = """
PRAGMA user_version = 1;
CREATE TABLE doc(seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rev TEXT NOT NULL, deleted INTEGER NOT NULL,
  body INTEGER NOT NULL, tree TEXT);
CREATE INDEX dead ON doc(id) WHERE deleted = 1;
CREATE TABLE body(key INTEGER PRIMARY KEY, doc BLOB NOT NULL, atts TEXT);
CREATE TABLE blob(key INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE local(id TEXT PRIMARY KEY, rev INTEGER NOT NULL, doc BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE setting(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE purged(seq INTEGER PRIMARY KEY, id TEXT NOT NULL);
CREATE TABLE figure(seq INTEGER NOT NULL, live INTEGER NOT NULL, dead INTEGER NOT NULL, body INTEGER NOT NULL,
  blob INTEGER NOT NULL, purge INTEGER NOT NULL);
INSERT INTO figure VALUES(0, 0, 0, 0, 0, 0);
CREATE TABLE block(first TEXT PRIMARY KEY, live INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO block VALUES('', 0);
"""


def build_empty_file() -> bytes:
    """The bytes of a database file without documents, in WAL mode. Made once a process, then only copied."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "empty"
        connection = sqlite3.connect(path)
        connection.execute("PRAGMA page_size=4096")
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
