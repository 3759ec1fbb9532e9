"""The gate's common case, quickly: a whole batch of sound records that one person made in one grid.

`are_all_sound` says True only where `admission.check` would accept every document; a test holds the two together. Where it says
False nothing is known yet, and each document is checked by itself to find out which and why.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import msgspec

from server.domain import admission, documents, ids, permissions

Digest = Annotated[str, msgspec.Meta(pattern="^1-[0-9a-f]{32}$")]
KINDS = frozenset({"grid", "home-quarter"})
# Instants within these years stay in the calendar whatever offset a document may claim (10^13 ms are 317 years).
FIRST_YEAR, LAST_YEAR = 1900, 2500


def _pushed_shape(type_: str, shape: type[documents.Envelope]) -> Any:
    """A record as it is pushed: its shape with `_id` and a first `_rev`. Author and grid are compared instead of matched."""
    record_id = Annotated[str, msgspec.Meta(pattern=f"^{type_}:{ids.UUID_V7}$")]
    fields: list[Any] = [
        ("id", record_id, msgspec.field(name="_id")),
        ("rev", Digest, msgspec.field(name="_rev")),
        ("author", str),
        ("grid", str),
    ]
    return list[  # type: ignore[misc]
        msgspec.defstruct(f"Pushed{shape.__name__}", fields, bases=(shape,), kw_only=True, forbid_unknown_fields=True)
    ]


SHAPES = {type_: _pushed_shape(type_, documents.TYPES[type_]) for type_ in sorted(documents.IMMUTABLE)}


def are_all_sound(docs: Sequence[Any], sizes_bytes: Sequence[int], target: admission.Target, person: permissions.Person) -> bool:
    """True when `admission.check` accepts every one of these JSON values. False says nothing."""
    if target.kind not in KINDS or max(sizes_bytes, default=0) > documents.DOCUMENT_BYTES:
        return False
    by_type: dict[str, list[Any]] = {}
    try:
        for doc in docs:
            by_type.setdefault(doc["type"], []).append(doc)
        return all(_are_sound(type_, found, target, person) for type_, found in by_type.items())
    except (TypeError, KeyError, ValueError, RecursionError):
        # msgspec's ValidationError is a ValueError, as is an instant that is none.
        return False


def _are_sound(type_: str, docs: list[Any], target: admission.Target, person: permissions.Person) -> bool:
    if type_ not in documents.IMMUTABLE or type_ not in permissions.writable_types(person, target.kind):
        return False
    instants = admission.INSTANTS[type_]
    name, grid = person["name"], target.grid
    for record in msgspec.convert(docs, SHAPES[type_], strict=True):
        if record.author != name or record.grid != grid:
            return False
        for field in instants:
            value = getattr(record, field)
            if value is not None and not FIRST_YEAR < datetime.fromisoformat(value).year < LAST_YEAR:
                return False
    return True
