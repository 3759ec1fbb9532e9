"""Index files: where they lie, how one is made, and how stale ones go.

They stand in the folder `<database file>.views/`, named after the design document and the signature of its functions.
Every one can be deleted at any moment and is built again. Tables are described here, used in `index` and `blocks`.
"""

import contextlib
import hashlib
import shutil
import sqlite3
from pathlib import Path

from sync.embedded.connections import Connections
from sync.embedded.views.definition import Definition

connections = Connections()

# place: which rows a document has, so that they can be taken back: packed [function, sort key, ordinal].
# row_N: the rows of function N. number: the value when it is one.
# block_N: sums over stretches of about 512 rows; a block ends where the next begins.
_COMMON_TABLES = """
CREATE TABLE state(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE place(id BLOB PRIMARY KEY, rows BLOB NOT NULL) WITHOUT ROWID;
"""
_FUNCTION_TABLES = """
CREATE TABLE row_{n}(key BLOB, id BLOB, ordinal INTEGER, number, key_json BLOB, value BLOB,
  PRIMARY KEY(key, id, ordinal)) WITHOUT ROWID;
CREATE TABLE block_{n}(key BLOB, id BLOB, count INTEGER, numbers INTEGER, sum, min, max, sumsqr,
  PRIMARY KEY(key, id)) WITHOUT ROWID;
"""


def folder_of(database_path: Path) -> Path:
    """The folder of a database's index files."""
    return database_path.with_name(database_path.name + ".views")


def path_of(database_path: Path, definition: Definition) -> Path:
    """The index file of a design document as it is defined now."""
    return folder_of(database_path) / f"{_owner(definition.id)}-{definition.signature}.sqlite"


def make_file(path: Path, function_count: int) -> None:
    """Make an empty index file, and delete those of earlier definitions of the same design document."""
    path.parent.mkdir(exist_ok=True)
    draft = path.with_suffix(".new")
    _remove(draft)
    connection = sqlite3.connect(draft)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        tables = _COMMON_TABLES + "".join(_FUNCTION_TABLES.format(n=n) for n in range(function_count))
        connection.executescript(f"BEGIN;{tables}COMMIT;")
    finally:
        connection.close()
    draft.rename(path)
    for stale in path.parent.glob(path.name.split("-")[0] + "-*.sqlite"):
        if stale != path:
            drop_file(stale)


def drop_file(path: Path) -> None:
    """Delete one index file; whoever is reading it finishes undisturbed."""
    connections.retire(path)
    _remove(path)


def drop_folder(database_path: Path) -> None:
    """Delete all index files of a database."""
    folder = folder_of(database_path)
    for path in folder.glob("*.sqlite"):
        connections.retire(path)
    shutil.rmtree(folder, ignore_errors=True)


def drop_unused(database_path: Path, design_ids: list[str]) -> None:
    """Delete the index files of design documents that are not among these."""
    owners = {_owner(id_) for id_ in design_ids}
    for path in folder_of(database_path).glob("*.sqlite"):
        if path.name.split("-")[0] not in owners:
            drop_file(path)


def tidy_folder(database_path: Path) -> None:
    """Move each index file's log into it and empty it; one that is being read just now is left to the next time."""
    for path in folder_of(database_path).glob("*.sqlite"):
        with contextlib.suppress(sqlite3.Error), connections.lend(path, writes=True) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _owner(design_id: str) -> str:
    return hashlib.sha256(design_id.encode()).hexdigest()[:16]


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
