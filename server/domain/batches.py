"""The gate's common case, quickly: a whole batch of sound records that one person made in one grid.

`are_all_sound` says True only where `admission.check` would accept every document; a test holds the two together. Where it says
False nothing is known yet, and each document is checked by itself to find out which and why. What makes it quick: shapes are
compared by msgspec for all documents of a type at once, and patterns are matched once for a whole column of values.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from server.domain import admission, documents, ids, permissions

KINDS = frozenset({"grid", "home-quarter"})
# Instants within these years stay in the calendar whatever offset a document may claim (10^13 ms are 317 years).
FIRST_YEAR, LAST_YEAR = 1900, 2500
# Texts that many documents share (device, category) are few; matched as a set.
NAME = re.compile(r"[A-Za-z0-9_.:@-]{1,64}")
REVISIONS = re.compile(r"(?:1-[0-9a-f]{32}\n)*")
INSTANTS = re.compile(r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\n)*", re.ASCII)
IDS = {type_: re.compile(rf"(?:{type_}:{ids.UUID_V7}\n)*") for type_ in documents.IMMUTABLE}


def _pushed_shape(type_: str) -> Any:
    """A list of records as they are pushed: with `_id` and `_rev`, and plain texts where a column's pattern is matched here."""
    shape = documents.TYPES[type_]
    fields: list[Any] = [("id", str, msgspec.field(name="_id")), ("rev", str, msgspec.field(name="_rev"))]
    fields += [(name, str) for name in ("author", "grid", "device", "captured_at")]
    if "category" in shape.__struct_fields__:
        fields.append(("category", str))
    made = msgspec.defstruct(f"Pushed{shape.__name__}", fields, bases=(shape,), kw_only=True, forbid_unknown_fields=True)
    return list[made]  # type: ignore[valid-type]


SHAPES = {type_: _pushed_shape(type_) for type_ in sorted(documents.IMMUTABLE)}


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
    records = msgspec.convert(docs, SHAPES[type_], strict=True)
    names = {record.device for record in records} | {getattr(record, "category", "-") for record in records}
    return (
        {record.author for record in records} == {person["name"]}
        and {record.grid for record in records} == {target.grid}
        and all(NAME.fullmatch(name) for name in names)
        and _do_all_match(IDS[type_], [record.id for record in records])
        and _do_all_match(REVISIONS, [record.rev for record in records])
        and _do_all_match(INSTANTS, [record.captured_at for record in records])
        and all(_are_in_calendar(records, field) for field in admission.INSTANTS[type_])
    )


def _do_all_match(lines: re.Pattern[str], values: list[str]) -> bool:
    """True when each value is one line of the pattern; a value with a line break of its own would pass for two."""
    column = "\n".join([*values, ""])
    return column.count("\n") == len(values) and lines.fullmatch(column) is not None


def _are_in_calendar(records: list[Any], field: str) -> bool:
    instants = [value for record in records if (value := getattr(record, field)) is not None]
    return all(FIRST_YEAR < datetime.fromisoformat(value).year < LAST_YEAR for value in instants)
