"""Adoption: which home a refused record may be given, who may read it before, and what a correction makes of it (DESIGN §6.8).

Pure. A record adopted unchanged keeps id and revision, so it goes only where its own `grid` says. Put right, or moved to another
grid, it is a new record with `adopted_from`, whose id follows from the refused one: adopting twice makes one. What a clerk may
lift is who held the grid when and that a quarter was closed; every other rule of `admission.py` stands.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from server.domain import admission, documents, ids, permissions, times

# What a person asked to be forgotten is never brought back, whoever decides.
NEVER = frozenset({"erased_id"})
# The fields a clerk may put right, by type. The other fields stay as they were, or are left out where they are no good.
CORRECTABLE: dict[str, tuple[str, ...]] = {
    "report": ("category", "text", "urgency", "source"),
    "note": ("text",),
    "taskreply": ("outcome", "text"),
    "visit": ("address", "kind", "findings"),
    "patrol": (),
    "photo": (),
}
OPEN_TYPES = frozenset({"report", "note", "photo", "patrol", "taskreply"})
TRIAGE, ADMIN = frozenset({"triage", "admin"}), frozenset({"admin"})
NOBODY: frozenset[str] = frozenset()

Document = dict[str, Any]


def is_open(kind: str | None, type_: str | None) -> bool:
    """True for what clerks see at a desk anyway: records about places, refused by a grid's database."""
    return kind == "grid" and type_ in OPEN_TYPES


def readers(kind: str | None, type_: str | None) -> frozenset[str]:
    """The roles that may read a refused record after saying what for (DESIGN §10).

    What concerns a household is the township's to look at with a purpose; police visits, reading logs and what came from nowhere
    are an administrator's; where somebody walked is nobody's.
    """
    if "track" in {kind, type_}:
        return NOBODY
    is_home = kind in {"home", "home-quarter"}
    is_strange_here = kind == "grid" and type_ not in {"visit", "access"}
    return TRIAGE if is_home or is_strange_here else ADMIN


def kinds_of(type_: str, author: permissions.Person) -> list[str]:
    """The kinds of databases this type may lie in when it is this person's, in the table's order."""
    return [kind for kind in permissions.TYPES_BY_KIND if type_ in permissions.writable_types(author, kind)]


def check(doc: Any, size_bytes: int, target: admission.Target, author: permissions.Person) -> admission.Refusal | None:
    """None when the record may be adopted there as it is, else why not."""
    return admission.check(doc, size_bytes, target, author)


def new_id(type_: str, original: object, salt: str, at: datetime) -> str:
    """The id of a corrected record: the same whenever it is asked for. `salt` is what was decided about the original."""
    minted = ids.minted_at(str(original)) if ids.is_record_id(original) else at
    named = "\n".join((str(original), salt)).encode(errors="surrogatepass")
    return f"{type_}:{ids.uuid7(minted, hashlib.sha256(named).digest())}"


def correct(
    original: Any, changes: Mapping[str, Any], *, type_: str, grid: str, author: str, device: str, refused_at: str
) -> Document:
    """The record's content put right, without `_id` and `_rev`: what is sound of the original, and the clerk's changes over it.

    Unknown fields and those of a wrong shape are left out. The result may still lack something: `check` says what.
    """
    shape, hints = documents.TYPES[type_], get_type_hints(documents.TYPES[type_], include_extras=True)
    given: Mapping[str, Any] = original if isinstance(original, dict) else {}
    found = {name: given[name] for name in shape.__struct_fields__ if name in given and _is_sound(given[name], hints[name])}
    missing = [name for name in shape.__struct_fields__ if name not in found and _is_sound(None, hints[name])]
    found |= dict.fromkeys(missing)
    found |= {name: changes[name] for name in CORRECTABLE.get(type_, ()) if name in changes}
    if not _is_instant(found.get("captured_at"), found.get("clock_offset_ms")):
        found |= {"captured_at": refused_at, "clock_offset_ms": 0}
    return found | {"type": type_, "v": 1, "grid": grid, "author": author, "device": device}


def unsound_fields(original: Any, type_: str) -> list[str]:
    """Which fields a correction cannot keep, in the original's order: unknown ones and those of a wrong shape."""
    hints = get_type_hints(documents.TYPES[type_], include_extras=True)
    given: Mapping[str, Any] = original if isinstance(original, dict) else {}
    kept = documents.SERVER_FIELDS | {"type"}
    names = [name for name in given if not name.startswith("_") and name not in kept]
    return [name for name in names if name not in hints or not _is_sound(given[name], hints[name])]


def choices(type_: str, field: str) -> tuple[str, ...]:
    """What a field may be, for one with a closed list; else nothing."""
    hint = get_type_hints(documents.TYPES[type_])[field]
    return tuple(get_args(hint)) if get_origin(hint) is Literal else ()


def first_revision(doc: Mapping[str, Any]) -> str:
    """The revision of a record the server makes: the same for the same content, so that making it twice makes one."""
    content = msgspec.json.encode({name: value for name, value in doc.items() if name != "_rev"}, order="deterministic")
    return "1-" + hashlib.md5(content, usedforsecurity=False).hexdigest()


def _is_sound(value: Any, hint: Any) -> bool:
    try:
        msgspec.convert(value, hint, strict=True)
    except (msgspec.ValidationError, RecursionError):
        return False
    return True


def _is_instant(captured_at: Any, clock_offset_ms: Any) -> bool:
    try:
        times.corrected(captured_at, clock_offset_ms)
    except (TypeError, ValueError, OverflowError):
        return False
    return True
