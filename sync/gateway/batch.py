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


Name = tuple[str | None, str | None]


class Batch(NamedTuple):
    """Pushed documents, column by column: their JSON values, and their texts in pure UTF-8 JSON (or ASCII where that cannot be).

    `unstorable` are the places of those that no store can keep as they are.
    """

    docs: list[Any]
    texts: list[bytes]
    unstorable: frozenset[int] = frozenset()

    def names(self) -> list[Name]:
        """Id and revision of each, None where there is none that could be written in an answer."""
        names = [_name_of(doc) for doc in self.docs]
        for place in self.unstorable:
            id, rev = names[place]
            names[place] = (id if id and id.isprintable() else None, rev if rev and rev.isprintable() else None)
        return names


def read_docs(body: bytes) -> list[Any]:
    """The documents of a `_bulk_docs` body, any JSON values. Raises Stop for a batch that cannot be used at all."""
    batch = _parse(body)
    docs = batch.get("docs") if isinstance(batch, dict) else None
    if not isinstance(docs, list):
        raise Stop(400, "bad_request", "docs_required")
    if batch.get("new_edits") is not False:
        raise Stop(400, "bad_request", "new_edits_required")
    if len(docs) > DOCUMENTS:
        raise Stop(413, "too_large", "too_many_documents")
    return docs


def read_batch(docs: list[Any]) -> Batch:
    """Documents with the text of each by itself, which is needed as soon as they do not all go the same way."""
    try:
        return Batch(docs, [orjson.dumps(doc) for doc in docs])
    except (orjson.JSONEncodeError, RecursionError):
        return _read_one_by_one(docs)


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


def _read_one_by_one(docs: list[Any]) -> Batch:
    texts, unstorable = [], set()
    for place, doc in enumerate(docs):
        try:
            texts.append(orjson.dumps(doc))
        except (orjson.JSONEncodeError, RecursionError):
            texts.append(json.dumps(doc).encode())
            unstorable.add(place)
    return Batch(docs, texts, frozenset(unstorable))


def _name_of(doc: Any) -> Name:
    if not isinstance(doc, dict):
        return None, None
    id, rev = doc.get("_id"), doc.get("_rev")
    return id if isinstance(id, str) else None, rev if isinstance(rev, str) else None
