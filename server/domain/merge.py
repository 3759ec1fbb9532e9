"""Field merge of `household`, `member` and `errand` (DESIGN §5): several versions become one, and no edit vanishes. Pure.

A document is a set of edits, each a field, its value and the stamp it was made at (`hlc.py`). Of one field the latest edit is in
the document; every other one stands in `superseded`, unless somebody who saw it has replaced or let go of it (`settled`). Merging
joins sets and takes the latest: it does not matter which versions meet where, in which order, or how often.

What a member of the document's list of materials says is an edit of its own (`materials/<key>`): two workers who tick two papers
off do not undo each other. A field that was cleared is an edit whose value is None. Reading leaves from the store and writing the
result is `worker/conflicts.py`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from server.domain import documents, hlc, times

Document = dict[str, Any]
Edits = dict[tuple[str, str], str]

MUTABLE = frozenset({"household", "member", "errand"})
ENVELOPE = tuple(documents.Envelope.__struct_fields__)
BOOKS = frozenset({"stamps", "superseded", "settled"})
ITEMS = "materials"
NOTHING = "null"
EPOCH = datetime.fromtimestamp(0, UTC)
TYPES_OF: dict[str, dict[str, Any]] = {
    type_: {one.name: one.type for one in msgspec.structs.fields(documents.TYPES[type_])} for type_ in MUTABLE
}
REQUIRED = {
    type_: frozenset(one.name for one in msgspec.structs.fields(documents.TYPES[type_]) if one.required) for type_ in MUTABLE
}
# With these a merged document stays within what a phone may push again (`documents.py`), with room to write in.
ROOM_BYTES = 192 * 1024


class Edit(NamedTuple):
    """One value that somebody gave to one field. `stamp` is empty when nobody knows when."""

    field: str
    stamp: str
    value: Any


class Bounded(NamedTuple):
    """A merged document within its limits, and the edits that found no room in it, for documents of their own."""

    doc: Document
    spilled: list[Edit]


def merge(leaves: Iterable[Document]) -> Document:
    """One document of several versions of it, without `_rev`. Deleted versions must be left out. Nothing is cut; see `bound`.

    Commutative, associative and idempotent. The envelope (author, device, capture time) is that of the version with the latest
    edit. Raises ValueError when there is no version.
    """
    versions = list(leaves)
    head = max(versions, key=_head_rank)
    edits: Edits = {}
    settled: dict[str, str] = {}
    for version in versions:
        for edit in edits_of(version):
            _keep_later(edits, (edit.field, canonical(edit.value)), edit.stamp)
        for mark in _texts(version.get("settled")):
            stamp, _, digest = mark.rpartition(" ")
            _keep_later(settled, digest, stamp)
    return _envelope_of(head) | _provenance(versions) | _written(edits, settled, head)


def edits_of(doc: Document) -> list[Edit]:
    """Every edit a document holds, those in `superseded` included. What its type has no field for is no edit."""
    return [found for found in [*_present(doc), *superseded(doc)] if is_value(doc["type"], found.field, found.value)]


def _present(doc: Document) -> list[Edit]:
    """The edits that are the document's facts, cleared ones included."""
    stamps = {name: stamp for name, stamp in _mapping(doc.get("stamps")).items() if isinstance(stamp, str)}
    values = [(name, value) for name, value in doc.items() if name not in BOOKS and name != ITEMS]
    values += [(f"{ITEMS}/{_key_of(item)}", item) for item in _list(doc.get(ITEMS))]
    known = {name for name, _ in values}
    values += [(name, None) for name in stamps if name not in known]
    return [Edit(name, stamps.get(name, ""), value) for name, value in values if value is not None or name in stamps]


def edit(doc: Document, changes: Mapping[str, Any], stamp: str) -> Document:
    """The document with fields changed by somebody who saw what was there: old values are settled, not superseded.

    `changes` are by field, `materials/<key>` for one material; None clears. `stamp` must be later than those of the document.
    """
    present = {found.field: found for found in _present(doc)}
    seen = [found for name in changes if (found := present.get(name)) and canonical(found.value) != canonical(changes[name])]
    fresh = [{"field": name, "stamp": stamp, "value": value} for name, value in changes.items()]
    changed = doc | {
        "superseded": [*_list(doc.get("superseded")), *fresh],
        "settled": [*_texts(doc.get("settled")), *map(mark_of, seen)],
    }
    return _revision_of(doc) | merge([changed])


def let_go(doc: Document, seen: Edit) -> Document:
    """The document after somebody looked at a superseded value and needs it no more."""
    return _revision_of(doc) | merge([doc | {"settled": [*_texts(doc.get("settled")), mark_of(seen)]}])


def mark_of(seen: Edit) -> str:
    """What `settled` says of a value that was looked at: until when, and the digest of field and value, never the value."""
    return f"{seen.stamp} {_digest(seen.field, canonical(seen.value))}"


def superseded(doc: Document) -> list[Edit]:
    """The edits that lost, oldest first."""
    entries = [one for one in _list(doc.get("superseded")) if isinstance(one, dict)]
    return [
        Edit(one["field"], one["stamp"], one.get("value"))
        for one in entries
        if isinstance(one.get("field"), str) and isinstance(one.get("stamp"), str)
    ]


def latest_stamp(doc: Document) -> str:
    """The latest stamp in a document, for making a later one; empty when there is none."""
    return max((found.stamp for found in edits_of(doc)), key=hlc.rank, default="")


def bound(doc: Document) -> Bounded:
    """A merged document within the limits of its type: the oldest of what is over is handed back, never dropped.

    Of `settled` the oldest is forgotten: what it settled would at worst be shown for review once more.
    """
    spilled: list[Edit] = []
    kept, over = _newest(_present_items(doc), documents.MATERIALS)
    doc = {**doc, "settled": sorted(doc["settled"])[-documents.SETTLED :]}
    if over:
        spilled += over
        doc = _without_items(doc, over, kept)
    losers, over = _newest(superseded(doc), documents.SUPERSEDED)
    spilled += over
    while losers and _size_bytes(doc, losers) > ROOM_BYTES:
        spilled.append(losers.pop(0))
    return Bounded(doc | {"superseded": [one._asdict() for one in losers]}, spilled)


def spilled_document(doc: Document, lost: Edit) -> Document:
    """The document of its own that keeps an edit for which its document has no room. The same edit makes the same document."""
    captured_at = times.to_text(hlc.made_at(lost.stamp) or EPOCH)
    envelope = {"grid": doc["grid"], "author": "server", "device": "server", "captured_at": captured_at}
    head = {"_id": f"superseded:{doc['_id']}:{key_of(lost)}", "type": "superseded", "v": 1, **envelope, "clock_offset_ms": 0}
    return head | {"of": doc["_id"], **lost._asdict()}


def is_value(type_: str, field: str, value: Any) -> bool:
    """True when a value may be in a field of a type: of the right shape, or None where the type can do without."""
    kind = documents.Material if field.startswith(f"{ITEMS}/") and ITEMS in TYPES_OF[type_] else TYPES_OF[type_].get(field)
    if kind is None or field in BOOKS or field in ENVELOPE or field == ITEMS:
        return False
    if value is None:
        return field not in REQUIRED[type_]
    try:
        msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError:
        return False
    return True


def key_of(lost: Edit) -> str:
    """What an edit is called among those of its document."""
    return hashlib.sha256("\n".join([lost.field, lost.stamp, canonical(lost.value)]).encode()).hexdigest()[:32]


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces, the same for the same value here and on the phone (`pwa/src/store/identity.js`)."""
    return json.dumps(_plain(value), sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """1.0 is 1, as it is in JavaScript; a member that is None is not there."""
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _keep_later(found: dict[Any, str], key: Any, stamp: str) -> None:
    if key not in found or hlc.rank(stamp) > hlc.rank(found[key]):
        found[key] = stamp


def _written(edits: Edits, settled: Mapping[str, str], head: Document) -> Document:
    """The facts, stamps and books of a set of edits."""
    winners: dict[str, tuple[str, str]] = {}
    for (name, text), stamp in edits.items():
        held = winners.get(name)
        if held is None or _edit_rank(stamp, text) > _edit_rank(*held):
            winners[name] = stamp, text
    losers = [
        Edit(name, stamp, json.loads(text))
        for (name, text), stamp in edits.items()
        if winners[name] != (stamp, text) and not _is_settled(settled, name, text, stamp)
    ]
    facts = {name: json.loads(text) for name, (_, text) in winners.items() if text != NOTHING}
    items = [facts.pop(name) for name in sorted(facts) if name.startswith(f"{ITEMS}/")]
    if items or ITEMS in head:
        facts[ITEMS] = items
    return facts | {
        "stamps": {name: stamp for name, (stamp, _) in sorted(winners.items()) if stamp},
        "superseded": [one._asdict() for one in sorted(losers, key=_loser_rank)],
        "settled": sorted(f"{stamp} {digest}" for digest, stamp in settled.items()),
    }


def _is_settled(settled: Mapping[str, str], name: str, text: str, stamp: str) -> bool:
    until = settled.get(_digest(name, text))
    return until is not None and hlc.rank(until) >= hlc.rank(stamp)


def _edit_rank(stamp: str, text: str) -> tuple[Any, ...]:
    """Two values with one stamp come from a fault; then any order will do, as long as it is the same everywhere."""
    return *hlc.rank(stamp), text != NOTHING, text


def _loser_rank(lost: Edit) -> tuple[Any, ...]:
    return *_edit_rank(lost.stamp, canonical(lost.value)), lost.field


def _head_rank(doc: Document) -> tuple[Any, ...]:
    return *hlc.rank(latest_stamp(doc)), canonical(_envelope_of(doc))


def _envelope_of(doc: Document) -> Document:
    return {name: doc[name] for name in ("_id", *ENVELOPE) if name in doc}


def _provenance(versions: list[Document]) -> Document:
    """What only the server writes outlives the edit of a phone that does not know it."""
    found = {name: [doc[name] for doc in versions if name in doc] for name in documents.SERVER_FIELDS}
    return {name: max(values, key=canonical) for name, values in found.items() if values}


def _revision_of(doc: Document) -> Document:
    return {"_rev": doc["_rev"]} if "_rev" in doc else {}


def _digest(name: str, text: str) -> str:
    return hashlib.sha256(f"{name}\n{text}".encode()).hexdigest()[:16]


def _present_items(doc: Document) -> list[Edit]:
    return [found for found in _present(doc) if found.field.startswith(f"{ITEMS}/")]


def _without_items(doc: Document, over: list[Edit], kept: list[Edit]) -> Document:
    gone = {one.field for one in over}
    items = [one.value for one in sorted(kept) if one.value is not None]
    return doc | {ITEMS: items, "stamps": {name: stamp for name, stamp in doc["stamps"].items() if name not in gone}}


def _newest(edits: list[Edit], most: int) -> tuple[list[Edit], list[Edit]]:
    """The newest `most` of some edits and the rest, each oldest first."""
    by_age = sorted(edits, key=_loser_rank)
    cut = max(0, len(by_age) - most)
    return by_age[cut:], by_age[:cut]


def _size_bytes(doc: Document, losers: list[Edit]) -> int:
    return len(canonical(doc | {"superseded": [one._asdict() for one in losers]}).encode())


def _key_of(item: Any) -> str:
    return str(item.get("key", "")) if isinstance(item, dict) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    return [one for one in _list(value) if isinstance(one, str)]
