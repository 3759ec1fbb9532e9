"""`_local` documents: not replicated, not in any list, without history; checkpoints live here.

CouchDB checks no conflict for them: a new revision is the given one plus 1, or `0-1`.
"""

import re
import sqlite3
from typing import Any

from sync.embedded.codec import dump, parse
from sync.embedded.refusals import Refusal, bad_request, missing
from sync.embedded.writer import Transaction

_REVISION = re.compile(r"0-([0-9]{1,15})")


def find_local(connection: sqlite3.Connection, id_: str) -> tuple[int, bytes] | None:
    """(revision number, JSON without `_` members) of `_local/…`, None when it is not there."""
    row: tuple[int, bytes] | None = connection.execute("SELECT rev, doc FROM local WHERE id = ?", (id_,)).fetchone()
    return row


def read_local(connection: sqlite3.Connection, id_: str) -> bytes:
    """The document as JSON text. Raises 404."""
    row = find_local(connection, id_)
    if row is None:
        raise missing()
    members: dict[str, Any] = {"_id": id_, "_rev": f"0-{row[0]}"}
    return dump(members | parse(row[1]))


def put_local(transaction: Transaction, id_: str, document: dict[str, Any]) -> str:
    """Stores it and answers the new revision."""
    number = _read_number(document.get("_rev", "0-0")) + 1
    body = dump({key: value for key, value in document.items() if key[:1] != "_"})
    transaction.connection.execute("INSERT OR REPLACE INTO local VALUES(?, ?, ?)", (id_, number, body))
    return f"0-{number}"


def delete_local(transaction: Transaction, id_: str) -> str:
    """Removes it. Raises 404."""
    if transaction.connection.execute("DELETE FROM local WHERE id = ?", (id_,)).rowcount == 0:
        raise missing()
    return "0-0"


def check_local(document: object) -> dict[str, Any]:
    """The body of a PUT as an object with a usable `_rev`. Raises 400."""
    if not isinstance(document, dict):
        raise bad_request("Document must be a JSON object")
    _read_number(document.get("_rev", "0-0"))
    return document


def _read_number(revision: object) -> int:
    match = _REVISION.fullmatch(revision) if isinstance(revision, str) else None
    if match is None:
        raise Refusal(400, "bad_request", "Invalid rev format of a local document")
    return int(match[1])
