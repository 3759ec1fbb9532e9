"""The gate's rules for one pushed document (DESIGN §6.3): shape, size, author, type and place. Pure.

The gateway calls `check` for every document a device pushes and turns a `Refusal` into a per-document answer and a
quarantine entry. Which databases a device may open at all is `permissions.py`.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from server.domain import documents, hlc, ids, merge, permissions, times, visit_forms

REASONS = (
    "id_type_mismatch",
    "unknown_type",
    "type_not_allowed",
    "author_mismatch",
    "device_mismatch",
    "grid_mismatch",
    "deletion",
    "attachments",
    "reserved_field",
    "immutable_revision",
    "schema",
    "too_large",
    "server_only_type",
    "stamp_ahead",
    "not_grid_holder",
    "clock_wrong",
    "quota",
    "archived_database",
    "erased_id",
)
# CouchDB answers 400 to a whole batch for one digest of 32 characters that are not hexadecimal.
DIGEST = re.compile(r"[0-9a-f]{32}")
# What `merge.mark_of` makes: until when a value was seen, and the digest of field and value.
MARK = re.compile(r"(.*) [0-9a-f]{16}")
CLOCK_MOST = hlc.AHEAD_MOST
REPLICATION_FIELDS = frozenset({"_id", "_rev", "_revisions"})
FIELDS_OF_ANY = REPLICATION_FIELDS.union(*(shape.__struct_fields__ for shape in documents.TYPES.values()))
INSTANTS = {
    type_: tuple(name for name in shape.__struct_fields__ if name.endswith("_at")) for type_, shape in documents.TYPES.items()
}


class Refusal(NamedTuple):
    """Why a document is not taken: a reason from `REASONS` and, for `schema`, which fields."""

    reason: str
    fields: Mapping[str, str] = MappingProxyType({})


class Target(NamedTuple):
    """Where a document is pushed: the database's kind and the grid it belongs to."""

    kind: str
    grid: str | None


def check(doc: Any, size_bytes: int, target: Target, person: permissions.Person) -> Refusal | None:
    """None when the document may be stored, else why not. `doc` is any JSON value, hostile until proven otherwise."""
    if not isinstance(doc, dict) or not isinstance(doc.get("_id"), str):
        return Refusal("schema", {"_id": "required"})
    if size_bytes > documents.DOCUMENT_BYTES:
        return Refusal("too_large")
    return _check_fields(doc) or _check_type(doc, target, person) or _check_shape(doc) or _check_owner(doc, target, person)


def check_stamps(doc: dict[str, Any], now: datetime) -> Refusal | None:
    """For a document that `check` accepts: `stamp_ahead` when a stamp is more than ten minutes ahead of the server.

    A phone with a wrong clock would else win every merge for years (DESIGN §5); it stamps anew by the server's time and resends.
    What the document says of other people's edits must be sound as well: `superseded` cannot hold a value that would win.
    """
    stamps = doc.get("stamps", {})
    lost = doc.get("superseded", [])
    marks = [MARK.fullmatch(mark) for mark in doc.get("settled", [])]
    if not all(marks) or not all(_is_loss_sound(doc, one) for one in lost):
        return Refusal("schema", {"superseded": "invalid"})
    for field, stamp in stamps.items():
        if hlc.parse(stamp) is None:
            return Refusal("schema", {f"stamps.{field}": "invalid"})
        if hlc.is_ahead(stamp, now):
            return Refusal("stamp_ahead", {f"stamps.{field}": "ahead"})
    if any(hlc.is_ahead(mark[1], now) for mark in marks if mark):
        return Refusal("stamp_ahead", {"settled": "ahead"})
    return None


def _is_loss_sound(doc: dict[str, Any], lost: dict[str, Any]) -> bool:
    """True for a value that the field may have, given before the one the field has now (so never ahead, when that one is not)."""
    field, stamp = lost["field"], lost["stamp"]
    winner = doc["stamps"].get(field, "")
    is_older = hlc.rank(stamp) <= hlc.rank(winner) and (stamp == "" or hlc.parse(stamp) is not None)
    return is_older and merge.is_value(doc["type"], field, lost.get("value"))


def is_clock_wrong(doc: dict[str, Any], enrolled_at: datetime, now: datetime) -> bool:
    """True when a record's capture time cannot decide anything.

    The phone had never measured its clock, or was not enrolled yet at that time, or that time is to come (ten minutes' grace).
    """
    if doc.get("clock_offset_ms") is None:
        return True
    captured_at = times.corrected(doc["captured_at"], doc["clock_offset_ms"])
    return not enrolled_at - CLOCK_MOST <= captured_at <= now + CLOCK_MOST


def _check_fields(doc: dict[str, Any]) -> Refusal | None:
    if doc.get("_deleted") is not None:
        return Refusal("deletion")
    if "_attachments" in doc:
        return Refusal("attachments")
    # The set difference is empty for a sound document: this runs for every document of every push.
    unknown = doc.keys() - FIELDS_OF_ANY
    if doc["_id"].startswith("_") or any(name.startswith("_") or name in documents.SERVER_FIELDS for name in unknown):
        return Refusal("reserved_field")
    return None


def _check_type(doc: dict[str, Any], target: Target, person: permissions.Person) -> Refusal | None:
    type_ = doc.get("type")
    if not isinstance(type_, str):
        return Refusal("unknown_type")
    if type_ in documents.SERVER_ONLY:
        return Refusal("server_only_type")
    if type_ not in documents.TYPES:
        return Refusal("unknown_type")
    if not ids.is_record_id(doc["_id"], type_):
        return Refusal("id_type_mismatch")
    if type_ not in permissions.writable_types(person, target.kind):
        return Refusal("type_not_allowed")
    if not _is_revision_sound(doc, type_ in documents.IMMUTABLE):
        return Refusal("immutable_revision" if type_ in documents.IMMUTABLE else "schema", {"_rev": "invalid"})
    return None


def _is_revision_sound(doc: dict[str, Any], immutable: bool) -> bool:
    generation, _, digest = str(doc.get("_rev", "")).partition("-")
    # With a zero in front CouchDB keeps it as another revision than the one that is answered as held.
    is_number = generation.isascii() and generation.isdigit() and len(generation) < 9 and generation[0] != "0"
    if not (is_number and DIGEST.fullmatch(digest)):
        return False
    history = doc.get("_revisions")
    if history is not None:
        known = history.get("ids") if isinstance(history, dict) else None
        if not isinstance(known, list) or history.get("start") != int(generation) or not known or known[0] != digest:
            return False
        if len(known) > int(generation) or not all(isinstance(part, str) and DIGEST.fullmatch(part) for part in known):
            return False
    return not immutable or (generation == "1" and (history is None or len(history["ids"]) == 1))


def _check_shape(doc: dict[str, Any]) -> Refusal | None:
    shape = doc.copy()
    for name in REPLICATION_FIELDS:
        shape.pop(name, None)
    try:
        documents.read(shape)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        return Refusal("schema", {path.rstrip("`").lstrip(".") or "document": message})
    except RecursionError:
        return Refusal("schema", {"document": "too deep"})
    return _check_instants(doc) or _check_answers(doc)


def _check_answers(doc: dict[str, Any]) -> Refusal | None:
    """A visit's answers are to the questions of the form it names."""
    wrong = visit_forms.wrong_answers(doc["kind"], doc.get("form"), doc.get("answers", {})) if doc["type"] == "visit" else {}
    return Refusal("schema", wrong) if wrong else None


def _check_instants(doc: dict[str, Any]) -> Refusal | None:
    """A text may look like an instant and be none: 30 February, or a year that a clock's offset pushes out of the calendar."""
    for name in INSTANTS[doc["type"]]:
        value = doc.get(name)
        if value is not None:
            try:
                times.corrected(value, doc.get("clock_offset_ms"))
            except (ValueError, OverflowError):
                return Refusal("schema", {name: "no such instant"})
    return None


def _check_owner(doc: dict[str, Any], target: Target, person: permissions.Person) -> Refusal | None:
    if doc["author"] != person["name"] and doc["type"] in documents.IMMUTABLE:
        return Refusal("author_mismatch")
    if target.grid is not None and doc["grid"] != target.grid:
        return Refusal("grid_mismatch")
    if target.kind == "beat" and doc["type"] == "visit" and doc["household"] is not None:
        return Refusal("schema", {"household": "must be null"})
    return None
