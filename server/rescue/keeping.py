"""Rescued records on their way into quarantine, however they came: from a refused token, or out of a file that a clerk took in.

A record that the server holds already is answered as kept and makes no entry: the phone only never heard of it. How much one
device may leave is `server/quarantine/allowances.py`.
"""

import json
from typing import Any, NamedTuple

import orjson

from server import photo_records, quarantine
from server.domain import ids
from server.domain.errors import InvalidInput
from server.quarantine import Refused, entries, homes
from server.rescue import seals
from sync import errors
from sync.couch import Couch
from sync.databases import parse

DOCUMENTS_MOST = 1000
DATABASE_LENGTH = 100
# Handed over because its token was refused, or carried to a clerk in a file: that phone may work as well as ever.
REASON, FROM_FILE = "rescued", "rescue_file"

Document = dict[str, Any]


class Origin(NamedTuple):
    """Whose phone it was."""

    device: str
    user: str


def documents_of(body: Any) -> list[Document]:
    """`{documents: [{database, doc}]}`, checked as far as keeping needs it. Raises InvalidInput."""
    documents = body.get("documents") if isinstance(body, dict) else None
    if not isinstance(documents, list) or len(documents) > DOCUMENTS_MOST:
        raise InvalidInput({"documents": "invalid"} if not isinstance(documents, list) else {"documents": "too_many"})
    if not all(isinstance(one, dict) and "doc" in one and _is_name(one.get("database")) for one in documents):
        raise InvalidInput({"documents": "invalid"})
    return documents


def keep(
    couch: Couch, origin: Origin, documents: list[Document], data_key: bytes | None = None, *, reason: str = REASON
) -> list[Document]:
    """Into quarantine with each: `[{database, id, rev, ok, is_held, reason?}]`, in order. Raises the store's errors.

    `data_key` opens those that a locked phone sealed (`seals.py`); of one that it does not open the reason is `unreadable`.
    """
    by_database: dict[str, list[int]] = {}
    rows = [_row(one) for one in documents]
    opened = [_opened(data_key, one) for one in documents]
    for place, (one, doc) in enumerate(zip(documents, opened, strict=True)):
        if doc is None and seals.is_sealed(one["doc"]):
            rows[place] |= {"ok": False, "reason": "unreadable"}
        else:
            by_database.setdefault(one["database"], []).append(place)
    for database, places in by_database.items():
        held = _held(couch, origin.user, database, [opened[place] for place in places])
        missing = [place for place, is_held in zip(places, held, strict=True) if not is_held]
        refused = [Refused(opened[place], _text(opened[place]), reason, {}) for place in missing]
        kept = quarantine.keep_all(couch, database, origin.device, origin.user, refused, allowance=entries.RESCUED)
        for place, is_held in zip(places, held, strict=True):
            rows[place]["is_held"] = is_held
        for place, is_kept in zip(missing, kept, strict=True):
            if not is_kept:
                rows[place] |= {"ok": False, "reason": "quota"}
    return rows


def _opened(data_key: bytes | None, one: Document) -> Any:
    doc = one["doc"]
    return seals.open_document(data_key, one["database"], doc) if seals.is_sealed(doc) else doc


def is_file_held(couch: Couch, origin: Origin, database: str, file: entries.File) -> bool:
    """True when this very file of this person's photo came by the ordinary way."""
    media = photo_records.media_of(couch, database) if homes.is_for_photos(database) else None
    try:
        found = media.find(file.photo) if media else None
    except errors.NotFound:
        return False
    held = found["files"].get(file.role, {}) if found and found.get("author") == origin.user else {}
    return bool(held.get("sha256") == file.sha256)


def _is_name(database: Any) -> bool:
    return isinstance(database, str) and 0 < len(database) <= DATABASE_LENGTH and database.isprintable()


def _held(couch: Couch, user: str, database: str, docs: list[Any]) -> list[bool]:
    """For each whether the server holds this very record of this person's already."""
    name = parse(database)
    wanted = [str(doc["_id"]) for doc in docs if isinstance(doc, dict) and ids.is_record_id(doc.get("_id"))]
    if name is None or name.grid is None or not wanted:
        return [False] * len(docs)
    try:
        present = couch.database(database).many(wanted)
    except errors.NotFound:
        return [False] * len(docs)
    stored = {id: doc for id, doc in present.items() if doc and doc.get("author") == user}
    return [isinstance(doc, dict) and stored.get(str(doc.get("_id")), {}).get("_rev", "") == doc.get("_rev") for doc in docs]


def _row(one: Document) -> Document:
    doc = one["doc"] if isinstance(one["doc"], dict) else {}
    named = {part: doc.get(f"_{part}") for part in ("id", "rev")}
    plain = {part: value if isinstance(value, str) and value.isprintable() else None for part, value in named.items()}
    return {"database": one["database"], **plain, "ok": True, "is_held": False}


def _text(doc: Any) -> bytes:
    try:
        return orjson.dumps(doc)
    except (orjson.JSONEncodeError, RecursionError):
        return json.dumps(doc).encode()
