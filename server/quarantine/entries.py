"""What a quarantine entry is: `refused:<sha256>` of database, id and revision (or content), so that keeping twice makes one.

    {"type": "refused", "database", "device", "user", "townships": [9 digits], "reason", "fields", "refused_at", "size_bytes",
     "sha256", "allowance", "state": "waiting" | "adopting" | "adopted" | "dismissed",
     "about": {"id", "rev", "type", "of"}, "is_file", "document" | "text" | "head",
     "decision": {"what", "by", "at", "reason", "is_settled", …} | null, "history": [earlier decisions], "erased_at"}

Of an oversized document only the beginning is kept (`head`), of one that is no storable JSON its text (`text`). A file is the
attachment `file`, its `document` says which photo and role it was sent as. `townships` are those whose staff decide about it.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from server.domain import documents, times
from server.domain.grids import township_of
from server.domain.permissions import Person
from sync import databases

HEAD_BYTES = 2048
PUSHED, FILES, RESCUED, RESCUED_FILES = "pushed", "files", "rescued", "rescued-files"
ID_LENGTH = 200

Entry = dict[str, Any]


class Refused(NamedTuple):
    """A refused document, as JSON value and as its JSON text in bytes."""

    doc: Any
    text: bytes
    reason: str
    fields: Mapping[str, str]


class Sender(NamedTuple):
    """Who sent something, from which device, and where to. `person` is the account, None when there is none of that name."""

    database: str
    device: str
    user: str
    person: Person | None


class File(NamedTuple):
    """A whole uploaded file; `data` is small enough to be held (the upload bounds it)."""

    photo: str
    role: str
    filetype: str
    sha256: str
    data: bytes


def of_document(sender: Sender, refused: Refused, now: datetime, allowance: str = PUSHED) -> Entry:
    """The entry of a refused document."""
    size_bytes, sha256 = len(refused.text), hashlib.sha256(refused.text).hexdigest()
    doc = refused.doc if isinstance(refused.doc, dict) else {}
    entry = _head(sender, refused.reason, dict(refused.fields), now, allowance) | {
        "_id": f"refused:{_key(sender.database, refused.doc, sha256)}",
        "size_bytes": size_bytes,
        "sha256": sha256,
        "about": _about(doc, _text(doc.get("type"))),
        "is_file": False,
    }
    if size_bytes > documents.DOCUMENT_BYTES:
        return entry | {"head": refused.text[:HEAD_BYTES].decode(errors="replace")}
    return entry | ({"document": refused.doc} if _is_storable(refused.doc) else {"text": refused.text.decode("ascii")})


def of_file(sender: Sender, file: File, reason: str, now: datetime, allowance: str = FILES) -> Entry:
    """The entry of an uploaded file, without its bytes."""
    return _head(sender, reason, {}, now, allowance) | {
        "_id": file_id(sender.database, file.photo, file.role, file.sha256),
        "size_bytes": len(file.data),
        "sha256": file.sha256,
        "about": {"id": file.photo, "rev": None, "type": "photo", "of": None},
        "is_file": True,
        "document": {"_id": file.photo, "role": file.role, "filetype": file.filetype},
    }


def of_erased(sender: Sender, mark: str, type_: str, now: datetime, *, is_file: bool = False) -> Entry:
    """The entry of what was erased for ever and came once more: that something came, from whom, and nothing of what it was."""
    at = times.to_text(now)
    decision = {"what": "dismiss", "by": "server", "at": at, "reason": "erased", "is_settled": True}
    gone = {"size_bytes": 0, "sha256": "", "about": {"id": None, "rev": None, "type": _text(type_), "of": None}}
    named = hashlib.sha256(f"erased\n{sender.database}\n{mark}\n{is_file}".encode()).hexdigest()
    head = _head(sender, "erased_id", {}, now, FILES if is_file else PUSHED) | {"_id": f"refused:{named}", "is_file": is_file}
    return head | gone | {"state": "dismissed", "decision": decision, "erased_at": at}


def file_id(database: str, photo: str, role: str, sha256: str) -> str:
    """The id of a file's entry: the same file of the same photo makes one."""
    named = "\n".join((database, photo, role, sha256))
    return f"refused:{hashlib.sha256(named.encode()).hexdigest()}"


def with_defaults(entry: Entry) -> Entry:
    """An entry of any age with all its fields: those of the first version lack some."""
    doc = entry.get("document")
    given = doc if isinstance(doc, dict) else {}
    is_file = "role" in given
    missing = {
        "about": _about(given, "photo" if is_file else _text(given.get("type"))),
        "is_file": is_file,
        "allowance": FILES if is_file else PUSHED,
        "townships": townships(str(entry.get("database")), None),
        "decision": None,
        "history": [],
        "erased_at": None,
    }
    return missing | entry


def townships(database: str, person: Person | None) -> list[str]:
    """Whose staff decide: the grid's township while the sender holds or held that grid, and of a foreign or unknown database the
    sender's own. A grid nobody can be asked about is its own township's."""
    name = databases.parse(database)
    grid = name.grid if name else None
    own = set((person or {}).get("grids", ()))
    held = own | {period["grid"] for period in (person or {}).get("grid_periods", ())}
    found = {township_of(grid)} if grid and (person is None or grid in held) else set()
    return sorted(found | ({township_of(one) for one in own} if grid not in own else set()))


def _head(sender: Sender, reason: str, fields: Mapping[str, str], now: datetime, allowance: str) -> Entry:
    return {
        "type": "refused",
        "v": 1,
        "database": sender.database,
        "device": sender.device,
        "user": sender.user,
        "townships": townships(sender.database, sender.person),
        "reason": reason,
        "fields": dict(fields),
        "refused_at": times.to_text(now),
        "allowance": allowance,
        "state": "waiting",
        "decision": None,
        "history": [],
        "erased_at": None,
    }


def _about(doc: Mapping[str, Any], type_: str | None) -> dict[str, str | None]:
    """What stays known of a document when its contents are gone."""
    return {"id": _text(doc.get("_id")), "rev": _text(doc.get("_rev")), "type": type_, "of": _text(doc.get("of"))}


def _key(database: str, doc: Any, sha256: str) -> str:
    """By database, id and revision; a thing without those by its content."""
    parts = (doc.get("_id"), doc.get("_rev")) if isinstance(doc, dict) else (None, None)
    named = all(isinstance(part, str) and part for part in parts)
    content = [database, *parts] if named else [database, sha256]
    return hashlib.sha256("\n".join(str(part) for part in content).encode(errors="surrogatepass")).hexdigest()


def _text(value: Any) -> str | None:
    """A name out of a hostile document, short and printable, or None."""
    return value if isinstance(value, str) and 0 < len(value) <= ID_LENGTH and value.isprintable() else None


def _is_storable(doc: Any) -> bool:
    try:
        orjson.dumps(doc)
    except (orjson.JSONEncodeError, RecursionError):
        return False
    return True
