"""Configured sources: `source:<id>` documents of the server's own database `sources`; made, changed, disabled, given new keys.

    {"_id": "source:<id>", "type": "source", "v": 1, "id", "name", "kind", "areas": [6 or 9 digits it may write to],
     "fallback": township for what names none | null, "categories": {its code: ours, "*": for all others},
     "fields": {our field: its name}, "callback_url": url | null, "salt", "mark", "is_disabled", "made_at", "made_by"}

What is kept of single reports and call-backs in the same database is `claims.py` and `callbacks.py`. Who may is the caller's.
"""

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from server.domain import source_fields, times
from server.domain.errors import Changed, InvalidInput, Missing
from server.domain.sources import ID, KINDS
from server.sources import addresses, signing
from sync import designs
from sync.couch import Couch
from sync.database import Database
from sync.databases import SOURCES
from sync.errors import Conflict, NotFound

DESIGN = "sources"
MOST = 500
NAME_LENGTH = 60
ENTRIES_MOST = 1000
AREA = re.compile(r"\d{6}|\d{9}")
CODE = re.compile(r"\S{1,64}")
Document = dict[str, Any]


class Keys(NamedTuple):
    """What is handed to a source once."""

    secret: str
    api_key: str


def ensure(couch: Couch) -> Database:
    """The database, made with its views when it is not there."""
    database = couch.database(SOURCES, create=True)
    designs.install(database, DESIGN)
    return database


def every(couch: Couch) -> list[Document]:
    """All sources by id, disabled ones included."""
    try:
        return couch.database(SOURCES).range("source:", "source:\ufff0", MOST)
    except NotFound:
        return []


def find(couch: Couch, id: str) -> Document:
    """A source by its id. Raises Missing."""
    try:
        doc = couch.database(SOURCES).find(f"source:{id}") if re.fullmatch(ID, id) else None
    except NotFound:
        doc = None
    if doc is None:
        raise Missing("source_unknown")
    return doc


def add(couch: Couch, server_secret: str, id: str, fields: Mapping[str, Any], *, by: str, now: datetime) -> tuple[Document, Keys]:
    """A new source and its keys. Raises InvalidInput that names what is wrong, an id that is taken included."""
    wrong = {} if re.fullmatch(ID, id) else {"id": "invalid"}
    if fields.get("kind") not in KINDS:
        wrong["kind"] = "unknown"
    wrong |= _wrong_in(fields)
    if wrong:
        raise InvalidInput(wrong)
    head = {"_id": f"source:{id}", "type": "source", "v": 1, "id": id, "kind": fields["kind"], "is_disabled": False}
    head |= {"made_at": times.to_text(now), "made_by": by}
    salted, keys = _keyed(server_secret, id)
    doc = head | _settable(fields) | salted
    try:
        rev = ensure(couch).put(doc)
    except Conflict:
        raise InvalidInput({"id": "taken"}) from None
    return doc | {"_rev": rev}, keys


def change(couch: Couch, id: str, fields: Mapping[str, Any]) -> Document:
    """Other settings for a source; kind and id stay. Raises InvalidInput, Missing, Changed."""
    present = find(couch, id)
    if wrong := _wrong_in(fields):
        raise InvalidInput(wrong)
    return _put(couch, present | _settable(fields))


def set_disabled(couch: Couch, id: str, is_disabled: bool) -> Document:
    """Let a source in no more, or again. Raises Missing, Changed."""
    return _put(couch, find(couch, id) | {"is_disabled": is_disabled})


def renew_keys(couch: Couch, server_secret: str, id: str) -> tuple[Document, Keys]:
    """New keys; the old ones are good no more. Raises Missing, Changed."""
    salted, keys = _keyed(server_secret, id)
    return _put(couch, find(couch, id) | salted), keys


def secret_of(server_secret: str, source: Mapping[str, Any]) -> str:
    """A source's secret."""
    return signing.secret_of(server_secret, source["id"], source["salt"])


def has_lost_keys(server_secret: str, source: Mapping[str, Any]) -> bool:
    """True when the server's own secret is another one than when the keys were made: it needs new ones."""
    return bool(signing.mark_of(secret_of(server_secret, source)) != source["mark"])


def _keyed(server_secret: str, id: str) -> tuple[Document, Keys]:
    salt = secrets.token_hex(16)
    secret = signing.secret_of(server_secret, id, salt)
    return {"salt": salt, "mark": signing.mark_of(secret)}, Keys(secret, signing.api_key_of(server_secret, id, salt))


def _settable(fields: Mapping[str, Any]) -> Document:
    return {
        "name": fields["name"].strip(),
        "areas": list(fields["areas"]),
        "fallback": fields.get("fallback") or None,
        "categories": dict(fields.get("categories") or {}),
        "fields": dict(fields.get("fields") or {}),
        "callback_url": (fields.get("callback_url") or "").strip() or None,
    }


def _wrong_in(fields: Mapping[str, Any]) -> dict[str, str]:
    wrong = {}
    if not 1 <= len(str(fields.get("name", "")).strip()) <= NAME_LENGTH:
        wrong["name"] = "invalid"
    areas, fallback = fields.get("areas") or [], fields.get("fallback") or None
    if not areas or not all(AREA.fullmatch(area) for area in areas):
        wrong["areas"] = "invalid"
    elif fallback and (len(fallback) != 9 or not any(fallback.startswith(area) for area in areas)):
        wrong["fallback"] = "invalid"
    for name, known in (("categories", None), ("fields", source_fields.OURS.keys() | {"caller.name", "caller.phone"})):
        table = fields.get(name) or {}
        is_sound = len(table) <= ENTRIES_MOST and all(CODE.fullmatch(word) for pair in table.items() for word in pair)
        if not is_sound or (known is not None and not table.keys() <= known):
            wrong[name] = "invalid"
    url = (fields.get("callback_url") or "").strip()
    if url and (reason := addresses.whats_wrong(url)):
        wrong["callback_url"] = reason
    return wrong


def _put(couch: Couch, doc: Document) -> Document:
    try:
        return doc | {"_rev": couch.database(SOURCES).put(doc)}
    except Conflict:
        raise Changed("source_changed") from None
