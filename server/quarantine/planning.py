"""What an adoption would do, before anything is written: the home, the record that goes there, or why it cannot.

A plan is a decision as `decisions.py` keeps it, with `database`, `id`, `rev`, what was asked for, and the new record (`doc`) when
it is not the refused one itself. Reads the store, writes nothing.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from server import photo_records
from server.domain import adoption, documents, ids, times
from server.domain.errors import Forbidden, InvalidInput
from server.domain.permissions import Person, may_adopt_into
from server.quarantine import decisions, homes, listing, photos
from server.quarantine.decisions import Decision
from server.quarantine.entries import Entry
from sync import databases
from sync.couch import Couch
from sync.databases import DatabaseName

Document = dict[str, Any]


class Choice(NamedTuple):
    """What a clerk chose: the home (None: where it was sent to), the fields put right (None: unchanged)."""

    database: str | None = None
    corrected: Mapping[str, Any] | None = None

    def as_asked(self) -> Document:
        """The choice as a decision remembers it, to know the same one again."""
        return {"database": self.database, "corrected": dict(self.corrected) if self.corrected is not None else None}


def plan(couch: Couch, person: Person, entry: Entry, choice: Choice, now: datetime) -> Decision:
    """The decision to adopt. Raises InvalidInput that says why not, and Forbidden for a home that is not this clerk's to give."""
    if entry["is_file"]:
        return _plan_file(couch, person, entry, choice, now)
    name = _read_home(couch, entry, choice, now)
    if name.grid is not None and not may_adopt_into(person, name.grid):
        raise Forbidden
    return plan_record(couch, entry, choice, now, by=person["name"])


def plan_record(couch: Couch, entry: Entry, choice: Choice, now: datetime, *, by: str, of: str | None = None) -> Decision:
    """The same for a record, without asking who decides. `of` is the id of the record a photo belongs to from now on."""
    name, document = _read_home(couch, entry, choice, now), entry["document"]
    database = choice.database or str(entry["database"])
    asked: Document = {"asked": choice.as_asked()}
    if _has_arrived(couch, entry):
        here = {"database": entry["database"], "id": entry["about"]["id"], "rev": entry["about"]["rev"]}
        return decisions.make("arrive", by, now, **here, **asked)
    is_moved = name.grid is not None and (not isinstance(document, dict) or document.get("grid") != name.grid)
    if choice.corrected is None and not is_moved:
        _check(couch, entry, document, name)
        homes.check_free(couch, database, document)
        return decisions.make("adopt", by, now, database=database, id=document["_id"], rev=document["_rev"], **asked)
    doc = corrected(entry, name, choice.corrected or {}, is_moved=is_moved, of=of)
    _check(couch, entry, {field: value for field, value in doc.items() if field not in documents.SERVER_FIELDS}, name)
    what = "move" if is_moved and not choice.corrected else "correct"
    return decisions.make(what, by, now, database=database, id=doc["_id"], rev=doc["_rev"], doc=doc, **asked)


def corrected(entry: Entry, name: DatabaseName, changes: Mapping[str, Any], *, is_moved: bool, of: str | None = None) -> Document:
    """The new record of a refused one. Raises InvalidInput for one that only its author can put right."""
    type_ = str(entry["about"]["type"])
    if type_ not in adoption.CORRECTABLE or (type_ == "photo" and not is_moved):
        raise InvalidInput({"document": "not_correctable"})
    unknown = changes.keys() - set(adoption.CORRECTABLE[type_])
    if unknown:
        raise InvalidInput(dict.fromkeys(sorted(unknown)[:10], "not_correctable"))
    at, grid, original = times.from_text(entry["refused_at"]), str(name.grid), entry["about"]["id"] or entry["_id"]
    sender = {"author": entry["user"], "device": entry["device"], "refused_at": entry["refused_at"]}
    doc = adoption.correct(entry["document"], changes, type_=type_, grid=grid, **sender)
    if is_moved:
        doc |= _moved_photos(doc, grid, at)
    if name.kind == "beat" and type_ == "visit":
        doc |= {"household": None}
    if of is not None and "of" in doc:
        doc |= {"of": of}
    came_from = {"entry": entry["_id"], **{part: entry["about"][part] for part in ("id", "rev")}, "database": entry["database"]}
    salt = grid if type_ == "photo" else entry["_id"]
    doc = {"_id": adoption.new_id(type_, original, salt, at), **doc, "adopted_from": came_from}
    return doc | {"_rev": adoption.first_revision(doc)}


def moved_photo(photo: str, grid: str, at: datetime) -> str:
    """The id of a photo after its record moved to another grid: follows from both, so everything that names it agrees."""
    return adoption.new_id("photo", photo, grid, at)


def _moved_photos(doc: Document, grid: str, at: datetime) -> Document:
    moved: Document = {}
    if isinstance(doc.get("photos"), list):
        moved["photos"] = [moved_photo(photo, grid, at) for photo in doc["photos"]]
    solved = doc.get("solved")
    if isinstance(solved, dict) and isinstance(solved.get("photos"), list):
        moved["solved"] = solved | {"photos": [moved_photo(photo, grid, at) for photo in solved["photos"]]}
    if isinstance(doc.get("voice"), str):
        moved["voice"] = moved_photo(doc["voice"], grid, at)
    return moved


def _read_home(couch: Couch, entry: Entry, choice: Choice, now: datetime) -> DatabaseName:
    if entry["reason"] in adoption.NEVER:
        raise InvalidInput({"document": entry["reason"]})
    if "document" not in entry:
        raise InvalidInput({"document": "not_kept"})
    if entry["about"]["type"] not in documents.TYPES:
        raise InvalidInput({"document": "unknown_type"})
    return homes.read(couch, entry, choice.database or entry["database"], homes.author_of(couch, entry), now)


def _check(couch: Couch, entry: Entry, doc: Document, name: DatabaseName) -> None:
    author = homes.author_of(couch, entry)
    refusal = adoption.check(doc, len(orjson.dumps(doc)), homes.target_of(name), author)
    if refusal is not None:
        raise InvalidInput(dict(refusal.fields) or {"document": refusal.reason})


def _has_arrived(couch: Couch, entry: Entry) -> bool:
    """True when the very revision was stored after all: the phone pushed it again and by then it was allowed."""
    about, name = entry["about"], databases.parse(entry["database"])
    if not ids.is_record_id(about["id"]) or not about["rev"] or name is None or name.grid is None:
        return False
    return homes.is_there(couch, entry["database"], about["id"], about["rev"])


def _plan_file(couch: Couch, person: Person, entry: Entry, choice: Choice, now: datetime) -> Decision:
    """A file alone goes to the photo whose record names it."""
    found = record_of(couch, entry)
    if found is None:
        raise InvalidInput({"photo": "no_record"})
    database, record = found
    name = databases.parse(database)
    if name is None or name.grid is None or not may_adopt_into(person, name.grid):
        raise Forbidden
    if photo_records.named_sha256(record, entry["document"]["role"]) != entry["sha256"]:
        raise InvalidInput({"sha256": "mismatch"})
    photos.check_picture(couch, entry)
    asked = choice.as_asked()
    return decisions.make("adopt", person["name"], now, database=database, id=record["_id"], rev=None, asked=asked)


def record_of(couch: Couch, entry: Entry) -> tuple[str, Document] | None:
    """`(database, record)` of the photo a refused file belongs to: where it was sent to, or where its record was adopted."""
    photo, database = str(entry["about"]["id"]), str(entry["database"])
    record = photo_records.find(couch, database, photo) if homes.is_for_photos(database) else None
    if record is not None and record.get("author") == entry["user"]:
        return database, record
    for other in listing.about(couch, [photo], entry["user"]):
        decision = other["decision"] or {}
        if not other["is_file"] and other["state"] in {"adopting", "adopted"} and decision.get("database"):
            adopted = photo_records.find(couch, decision["database"], decision["id"])
            if adopted is not None:
                return str(decision["database"]), adopted
    return None
