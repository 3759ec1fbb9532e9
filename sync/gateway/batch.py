"""A pushed batch as bytes in, checked documents out: parsing what may be hostile, and writing again what was checked.

The store is sent what was parsed and checked, serialised anew, never the client's own bytes: two readings of one text (doubled
keys, odd numbers) cannot differ then.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from sync.gateway.answers import Stop

DOCUMENTS = 1000


class Pushed(NamedTuple):
    """One document of a batch: its JSON value and text, its id and revision where it has them as texts.

    `is_storable` is False when it cannot be written as UTF-8 JSON; it has no id then, for that may be what cannot be written.
    """

    doc: Any
    text: bytes
    id: str | None
    rev: str | None
    is_storable: bool = True


def read_batch(body: bytes) -> list[Pushed]:
    """The documents of a `_bulk_docs` body, same id and revision once. Raises Stop for a batch that cannot be used at all."""
    batch = _parse(body)
    docs = batch.get("docs") if isinstance(batch, dict) else None
    if not isinstance(docs, list):
        raise Stop(400, "bad_request", "docs_required")
    if batch.get("new_edits") is not False:
        raise Stop(400, "bad_request", "new_edits_required")
    if len(docs) > DOCUMENTS:
        raise Stop(413, "too_large", "too_many_documents")
    return [_pushed(doc) for doc in docs]


def write_batch(texts: Sequence[bytes]) -> bytes:
    """The `_bulk_docs` body that stores these documents with the revisions they have."""
    return b'{"new_edits":false,"docs":[' + b",".join(texts) + b"]}"


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        pass
    # Half a surrogate pair is legal JSON that a phone's keyboard can make; it may spoil its own document, not the batch.
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        raise Stop(400, "bad_request", "invalid_json") from None


def _refuse_constant(name: str) -> float:
    raise ValueError(name)


def _pushed(doc: Any) -> Pushed:
    try:
        text = orjson.dumps(doc)
    except (orjson.JSONEncodeError, RecursionError):
        return Pushed(doc, json.dumps(doc).encode(), None, None, is_storable=False)
    if not isinstance(doc, dict):
        return Pushed(doc, text, None, None)
    id, rev = doc.get("_id"), doc.get("_rev")
    return Pushed(doc, text, id if isinstance(id, str) else None, rev if isinstance(rev, str) else None)
