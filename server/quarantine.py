"""Where refused records are kept (DESIGN §6.3): the `quarantine` database, one `refused:<sha256>` document each.

Keeping the same document twice makes one entry. What clerks do with entries (adopt, dismiss) is not here yet.
An entry: `{database, device, user, reason, fields, refused_at, size_bytes, sha256, document | head}`; of an oversized document
only the beginning is kept (`head`), and of one that is no storable JSON its text (`text`).
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from server.domain import documents, times
from sync import databases
from sync.couch import Couch
from sync.errors import Conflict, NotFound, Unreachable

DEVICE_QUOTA = 500
HEAD_BYTES = 2048
TRIES = 5

Entry = dict[str, Any]


class Refused(NamedTuple):
    """A refused document, as JSON value and as its JSON text in bytes."""

    doc: Any
    text: bytes
    reason: str
    fields: Mapping[str, str]


def keep(couch: Couch, *, database: str, device: str, user: str, doc: Any, reason: str, fields: Mapping[str, str]) -> str:
    """Keep one document that must leave where it is stored; the entry's id. No quota: the server itself asks."""
    refused = Refused(doc, orjson.dumps(doc), reason, fields)
    entry = _entry(database, device, user, refused, datetime.now(UTC))
    _write(couch, [entry])
    return str(entry["_id"])


def keep_all(
    couch: Couch, database: str, device: str, user: str, refused: Sequence[Refused], *, quota: int = DEVICE_QUOTA
) -> list[bool]:
    """Keep what a device pushed and must not; for each True, or False when the device has used up its quota.

    The quota counts entries ever made for the device; one that is there already costs nothing. Raises the store's errors, and
    then nothing may be answered as kept.
    """
    now = datetime.now(UTC)
    entries = [_entry(database, device, user, one, now) for one in refused]
    for _ in range(TRIES):
        counter, known = _present(couch, device, entries)
        fresh: dict[str, Entry] = {}
        for entry in entries:
            if entry["_id"] not in known and counter["used"] + len(fresh) < quota:
                fresh.setdefault(entry["_id"], entry)
        try:
            _write(couch, list(fresh.values()), counter | {"used": counter["used"] + len(fresh)})
        except Conflict:
            continue
        return [entry["_id"] in known or entry["_id"] in fresh for entry in entries]
    raise Unreachable("the device's quota changes too fast")


def _present(couch: Couch, device: str, entries: Sequence[Entry]) -> tuple[Entry, set[str]]:
    counter_id = f"quota:{device}"
    ids = list({entry["_id"] for entry in entries})
    try:
        found = couch.database(databases.QUARANTINE).many([counter_id, *ids])
    except NotFound:
        found = {}
    counter = found.get(counter_id) or {"_id": counter_id, "type": "quota", "v": 1, "used": 0}
    return counter, {id for id in ids if found.get(id)}


def _write(couch: Couch, entries: Sequence[Entry], counter: Entry | None = None) -> None:
    """Write the counter and entries. Raises Conflict when another changed the counter first; entries written are then known."""
    if not entries:
        return
    database = couch.database(databases.QUARANTINE)
    docs = [*([counter] if counter else []), *entries]
    try:
        rows = database.bulk(docs)
    except NotFound:
        couch.create(databases.QUARANTINE, replicated=False)
        rows = database.bulk(docs)
    errors = {row["id"]: row["error"] for row in rows if "error" in row}
    if counter and counter["_id"] in errors:
        raise Conflict(counter["_id"])
    if any(error != "conflict" for error in errors.values()):
        raise Unreachable(f"not kept: {errors}")


def _entry(database: str, device: str, user: str, refused: Refused, now: datetime) -> Entry:
    size_bytes, sha256 = len(refused.text), hashlib.sha256(refused.text).hexdigest()
    entry: Entry = {
        "_id": f"refused:{_key(database, refused.doc, sha256)}",
        "type": "refused",
        "v": 1,
        "database": database,
        "device": device,
        "user": user,
        "reason": refused.reason,
        "fields": dict(refused.fields),
        "refused_at": times.to_text(now),
        "size_bytes": size_bytes,
        "sha256": sha256,
        "state": "waiting",
    }
    if size_bytes > documents.DOCUMENT_BYTES:
        return entry | {"head": refused.text[:HEAD_BYTES].decode(errors="replace")}
    return entry | ({"document": refused.doc} if _is_storable(refused.doc) else {"text": refused.text.decode("ascii")})


def _key(database: str, doc: Any, sha256: str) -> str:
    """By database, id and revision; a thing without those by its content."""
    parts = (doc.get("_id"), doc.get("_rev")) if isinstance(doc, dict) else (None, None)
    named = all(isinstance(part, str) and part for part in parts)
    content = [database, *parts] if named else [database, sha256]
    return hashlib.sha256("\n".join(str(part) for part in content).encode(errors="surrogatepass")).hexdigest()


def _is_storable(doc: Any) -> bool:
    try:
        orjson.dumps(doc)
    except (orjson.JSONEncodeError, RecursionError):
        return False
    return True
