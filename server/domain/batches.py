"""The gate's common case, quickly: a whole batch of sound records that one person made in one grid, read and checked in one step.

`read_sound` reads only what `admission.check` would accept; a test holds the two together. Where it gives None nothing is known
yet, and each document is read and checked by itself to find out which and why. What makes it quick: the body is read straight
into structs that mirror `documents.py`, and written anew from them; patterns are matched once for a whole column of values.
"""

import functools
import operator
import re
from collections.abc import Iterable
from datetime import date
from operator import attrgetter
from types import UnionType
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import msgspec

from server.domain import admission, documents, ids, permissions, visit_forms
from server.domain.erasure import STAYS

KINDS = frozenset({"grid", "home-quarter"})
# Instants within these years stay in the calendar whatever offset a document may claim (10^13 ms are 317 years).
FIRST_YEAR, LAST_YEAR = 1900, 2500
# What all programs on the way read as the same number.
WHOLE_MOST = 2**53 - 1
# Texts that many documents share (device, category) are few; matched as a set.
NAME = re.compile(r"[A-Za-z0-9_.:@-]{1,64}")
REVISIONS = re.compile(r"(?:1-[0-9a-f]{32}\n)*")
INSTANTS = re.compile(r"(?:\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z\n)*", re.ASCII)
IDS = {type_: re.compile(rf"(?:{type_}:{ids.UUID_V7}\n)*") for type_ in documents.IMMUTABLE}
# Read as plain texts, because they are looked at here, all documents' at once.
COLUMNS = frozenset({"author", "grid", "device", "captured_at", "category"})
WHOLE = Annotated[int, msgspec.Meta(ge=-WHOLE_MOST, le=WHOLE_MOST)]
OWNER, CATEGORY, NAMES = attrgetter("author", "grid", "device"), attrgetter("category"), attrgetter("id", "rev")
AT = {field: attrgetter(field) for fields in admission.INSTANTS.values() for field in fields}
# Of free answers the flat ones; what is nested deeper is read the careful way.
PLAIN: Any = str | bool | WHOLE | float | list[str] | None


class Sound(NamedTuple):
    """A sound batch: its documents written anew, as the inside of a JSON list, and the id and revision of each.

    `docs` are what they were read into.
    """

    text: bytes
    names: list[tuple[str, str]]
    docs: list[Any]

    def ids(self) -> list[str]:
        """Every id that decides whether they may be kept (`erasure.py`)."""
        return [*(id for id, _ in self.names), *_refs_of(self.docs)]


def _mirror_field(kind: Any) -> Any:
    """A field's type, so that what is written is what was read: a number without a fraction stays without one."""
    origin, parts = get_origin(kind), get_args(kind)
    if origin is None:
        if isinstance(kind, type) and issubclass(kind, documents.Shape):
            return _mirror(kind)
        return {int: WHOLE, float: WHOLE | float, Any: PLAIN}.get(kind, kind)
    if origin is Literal:
        return kind
    if origin is Annotated:
        inner, bound = parts
        if inner not in (int, float):
            return Annotated[_mirror_field(inner), bound]
        whole = msgspec.Meta(ge=-WHOLE_MOST if bound.ge is None else bound.ge, le=WHOLE_MOST if bound.le is None else bound.le)
        return Annotated[int, whole] if inner is int else Annotated[int, whole] | kind
    mirrored = tuple(_mirror_field(part) for part in parts)
    return _one_of(mirrored) if origin in (Union, UnionType) else origin[mirrored]


def _one_of(kinds: Iterable[Any]) -> Any:
    return functools.reduce(operator.or_, kinds)


@functools.cache
def _mirror(shape: type[documents.Shape]) -> Any:
    """A struct like this one that keeps absent fields apart from nulls and defaults; a record's also has `_id` and `_rev`."""
    fields: list[Any] = []
    for field in msgspec.structs.fields(shape):
        kind = str if field.name in COLUMNS else _mirror_field(field.type)
        if field.name != "type":
            fields.append((field.name, kind) if field.required else (field.name, kind | msgspec.UnsetType, msgspec.UNSET))
    tag = next((type_ for type_, known in documents.TYPES.items() if known is shape), None)
    if tag is not None:
        fields += [("id", str, msgspec.field(name="_id")), ("rev", str, msgspec.field(name="_rev"))]
    tagged: dict[str, Any] = {} if tag is None else {"tag_field": "type", "tag": tag}
    return msgspec.defstruct(f"Pushed{shape.__name__}", fields, kw_only=True, forbid_unknown_fields=True, gc=False, **tagged)


SHAPES = {type_: _mirror(documents.TYPES[type_]) for type_ in sorted(documents.IMMUTABLE)}
TYPE_OF = {shape: type_ for type_, shape in SHAPES.items()}
BATCH: Any = msgspec.defstruct("Batch", [("docs", list[_one_of(SHAPES.values())]), ("new_edits", bool)])  # type: ignore[misc]
DECODER = msgspec.json.Decoder(BATCH)
ENCODER = msgspec.json.Encoder()


def read_sound(body: bytes, target: admission.Target, person: permissions.Person) -> Sound | None:
    """The documents of a `_bulk_docs` body, when `admission.check` would accept every one of them. None says nothing."""
    if target.kind not in KINDS:
        return None
    try:
        batch = DECODER.decode(body)
        docs = batch.docs
        if batch.new_edits or not docs or not _are_sound(docs, target, person):
            return None
        text = ENCODER.encode(docs)
        # No document is longer than the list it is in.
        if len(text) > documents.DOCUMENT_BYTES and any(len(ENCODER.encode(doc)) > documents.DOCUMENT_BYTES for doc in docs):
            return None
    except (ValueError, RecursionError):
        # msgspec's errors are ValueErrors, as is a day that is none.
        return None
    return Sound(text[1:-1], list(map(NAMES, docs)), docs)


def _refs_of(docs: list[Any]) -> list[str]:
    """What documents are about; a task's answer stays whatever becomes of what the task was about."""
    fields = {
        shape: [name for name in ("of", "household") if name in shape.__struct_fields__] for shape in {type(doc) for doc in docs}
    }
    found = [getattr(doc, name) for doc in docs if TYPE_OF[type(doc)] not in STAYS for name in fields[type(doc)]]
    return [ref for ref in found if isinstance(ref, str)]


def _are_sound(docs: list[Any], target: admission.Target, person: permissions.Person) -> bool:
    def is_own(owner: tuple[str, str, str]) -> bool:
        author, grid, device = owner
        return author == person["name"] and grid == target.grid and NAME.fullmatch(device) is not None

    by_type: dict[str, list[Any]] = {}
    for doc in docs:
        by_type.setdefault(TYPE_OF[type(doc)], []).append(doc)
    return (
        all(map(is_own, set(map(OWNER, docs))))
        and _do_all_match(REVISIONS, [doc.rev for doc in docs])
        and by_type.keys() <= permissions.writable_types(person, target.kind)
        and all(_are_sound_of(type_, found) for type_, found in by_type.items())
    )


def _are_sound_of(type_: str, docs: list[Any]) -> bool:
    """What differs from type to type."""
    return (
        ("category" not in documents.TYPES[type_].__struct_fields__ or all(map(NAME.fullmatch, set(map(CATEGORY, docs)))))
        and _do_all_match(IDS[type_], [doc.id for doc in docs])
        and all(_are_instants(list(map(AT[field], docs))) for field in admission.INSTANTS[type_])
        and (type_ != "visit" or all(map(_are_answers, docs)))
    )


def _are_answers(visit: Any) -> bool:
    """A visit's answers fit its form; absent fields read as `documents.py` reads them."""
    form, answers = (None if one is msgspec.UNSET else one for one in (visit.form, visit.answers))
    return not visit_forms.wrong_answers(visit.kind, form, answers or {})


def _do_all_match(lines: re.Pattern[str], values: list[str]) -> bool:
    """True when each value is one line of the pattern; a value with a line break of its own would pass for two."""
    column = "\n".join([*values, ""])
    return column.count("\n") == len(values) and lines.fullmatch(column) is not None


def _are_instants(values: list[Any]) -> bool:
    """True when those that are there are of the calendar. Many share a day."""
    texts = [value for value in values if type(value) is str]
    days = {text[:10] for text in texts}
    return _do_all_match(INSTANTS, texts) and all(FIRST_YEAR < date.fromisoformat(day).year < LAST_YEAR for day in days)
