"""Keeping a photo in its township's `media-*` database: one document a photo, its files as attachments.

    {"_id": "photo:…", "type": "media", "photo", "database", "device", "author", "received_at",
     "unclaimed_since": null | instant,
     "files": {"sent": {"sha256", "size_bytes", "content_type", "width_px", "height_px"}, "original": {…}},
     "taken_at", "place": {"lat", "lon", "datum"} | null, "derived": false | true, "problem": null | code,
     "sizes": {"screen": {"width_px", "height_px"}, "thumb": {…}}, "perceptual": 16 hex digits | null}

`database` is that of the photo's record; `unclaimed_since` is when the first file came, until the record is there. The database
object is passed in; nothing here opens a connection. Every save is one write of document and bytes together, so a kill leaves all
of it or nothing.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from media.derive import Derived
from media.errors import PhotoConflict, Unavailable
from media.inspect import Facts, is_sound

SIZES = ("sent", "original", "screen", "thumb")
# Two phones, a worker and a retry may meet on one document; more rounds than that means something else is wrong.
_ROUNDS = 8

Doc = dict[str, Any]


class PhotoDatabase(Protocol):
    """The few calls made to a database, as the connection in `sync` offers them."""

    def find(self, id: str) -> Doc | None:
        """The document, or None."""

    def bulk(self, docs: list[Doc]) -> list[Doc]:
        """One answer per document: {"id", "rev"} or {"id", "error", "reason"}."""

    def attachment(self, id: str, name: str) -> bytes:
        """The bytes of one attachment."""


@dataclass(frozen=True)
class Arrival:
    """A whole, proven file on its way into the database. `role` is "sent" or "original"; `is_claimed` says that its photo's
    record is there already."""

    photo: str
    role: str
    database: str
    device: str
    author: str
    sha256: str
    content_type: str
    facts: Facts
    received_at: datetime
    is_claimed: bool = True


def save_upload(db: PhotoDatabase, arrival: Arrival, source: Path | bytes) -> bool:
    """Keep one file. False when it was there already; PhotoConflict when another file has its photo and role.

    Unavailable when the database kept answering with conflicts: try again.
    """
    data = source if isinstance(source, bytes) else source.read_bytes()

    def add(doc: Doc | None) -> Doc | None:
        doc = doc or _new_doc(arrival)
        kept = doc["files"].get(arrival.role)
        if kept and kept["sha256"] != arrival.sha256:
            raise PhotoConflict(f"{arrival.photo} has another {arrival.role} file already")
        if kept:
            return None
        doc["files"][arrival.role] = _describe(arrival, len(data))
        if arrival.is_claimed:
            doc |= {"database": arrival.database, "unclaimed_since": None}
        _add_facts(doc, arrival.facts)
        _put_file(doc, arrival.role, arrival.content_type, data)
        return doc

    return _change(db, arrival.photo, add)


def claim(db: PhotoDatabase, photo: str, database: str) -> bool:
    """The photo's record is in `database`: its files wait no longer. False when they did not wait, or are gone."""

    def change(doc: Doc | None) -> Doc | None:
        if doc is None or (doc["database"] == database and not doc.get("unclaimed_since")):
            return None
        return doc | {"database": database, "unclaimed_since": None}

    return _change(db, photo, change)


def take_out(db: PhotoDatabase, photo: str, role: str, sha256: str) -> bool:
    """Remove one file, if it is still the one with this hash, and the sizes made of it. False when it is not there.

    Whoever calls keeps its bytes elsewhere first. A photo without any file left is removed.
    """

    def change(doc: Doc | None) -> Doc | None:
        if doc is None or doc["files"].get(role, {}).get("sha256") != sha256:
            return None
        files = {name: described for name, described in doc["files"].items() if name != role}
        if not files:
            return {"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True}
        stubs = {name: stub for name, stub in doc["_attachments"].items() if name in files}
        return doc | {"files": files, "_attachments": stubs, "derived": False, "problem": None, "sizes": {}, "perceptual": None}

    return _change(db, photo, change)


def remove_unclaimed(db: PhotoDatabase, photo: str) -> bool:
    """Forget a photo whose record never came. False when it was claimed meanwhile, or is gone."""

    def change(doc: Doc | None) -> Doc | None:
        if doc is None or not doc.get("unclaimed_since"):
            return None
        return {"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True}

    return _change(db, photo, change)


def save_sizes(db: PhotoDatabase, photo: str, sizes: Derived) -> bool:
    """Keep both sizes and the perceptual hash. False when they were there already or the photo is gone."""

    def add(doc: Doc | None) -> Doc | None:
        if doc is None or doc["derived"]:
            return None
        doc["derived"] = True
        doc["sizes"] = {
            "screen": {"width_px": sizes.screen_width_px, "height_px": sizes.screen_height_px},
            "thumb": {"width_px": sizes.thumb_width_px, "height_px": sizes.thumb_height_px},
        }
        doc["perceptual"] = sizes.perceptual
        _put_file(doc, "screen", "image/jpeg", sizes.screen)
        _put_file(doc, "thumb", "image/jpeg", sizes.thumb)
        return doc

    return _change(db, photo, add)


def save_problem(db: PhotoDatabase, photo: str, code: str) -> bool:
    """Remember why no sizes can be made, so nobody tries for ever. False when already settled or gone."""

    def add(doc: Doc | None) -> Doc | None:
        return None if doc is None or doc["derived"] or doc["problem"] == code else {**doc, "problem": code}

    return _change(db, photo, add)


def needs_sizes(doc: Doc) -> bool:
    """Is this a photo whose sizes are still to be made?"""
    is_picture = any(not is_sound(file["content_type"]) for file in doc.get("files", {}).values())
    return doc.get("type") == "media" and not doc["derived"] and not doc["problem"] and is_picture


def open_sound(db: PhotoDatabase, photo: str) -> tuple[bytes, str, str] | None:
    """(bytes, content type, digest) of a voice note as it was recorded, or None when there is none."""
    opened = open(db, photo, "sent")
    return opened if opened and is_sound(opened[1]) else None


def open(db: PhotoDatabase, photo: str, size: str) -> tuple[bytes, str, str] | None:
    """(bytes, content type, digest) of one of SIZES, or None while it is not there.

    `original` falls back to what was sent, and the other way round; the digest is fit for an ETag.
    """
    doc = db.find(photo)
    stubs = doc.get("_attachments", {}) if doc else {}
    fallback = {"original": "sent", "sent": "original"}
    name = size if size in stubs else fallback.get(size, size)
    if name not in stubs:
        return None
    return db.attachment(photo, name), stubs[name]["content_type"], stubs[name]["digest"]


def _change(db: PhotoDatabase, photo: str, change: Callable[[Doc | None], Doc | None]) -> bool:
    """Read, change, write; again when somebody else wrote in between. False when there is nothing to change."""
    for _ in range(_ROUNDS):
        doc = change(db.find(photo))
        if doc is None:
            return False
        answer = db.bulk([doc])[0]
        if "error" not in answer:
            return True
        if answer["error"] != "conflict":
            raise Unavailable(f"{photo} was not stored: {answer['error']} {answer.get('reason', '')}")
    raise Unavailable(f"{photo} keeps changing")


def _new_doc(arrival: Arrival) -> Doc:
    return {
        "_id": arrival.photo,
        "type": "media",
        "photo": arrival.photo,
        "database": arrival.database,
        "device": arrival.device,
        "author": arrival.author,
        "received_at": _write_instant(arrival.received_at),
        "unclaimed_since": None if arrival.is_claimed else _write_instant(arrival.received_at),
        "files": {},
        "taken_at": None,
        "place": None,
        "derived": False,
        "problem": None,
        "sizes": {},
        "perceptual": None,
    }


def _describe(arrival: Arrival, size_bytes: int) -> Doc:
    return {
        "sha256": arrival.sha256,
        "size_bytes": size_bytes,
        "content_type": arrival.content_type,
        "width_px": arrival.facts.width_px,
        "height_px": arrival.facts.height_px,
    }


def _add_facts(doc: Doc, facts: Facts) -> None:
    """The first file that knows time or place gives it: a shrunk `sent` often lost both, an `original` has them."""
    if doc["taken_at"] is None and facts.taken_at:
        doc["taken_at"] = _write_instant(facts.taken_at)
    if doc["place"] is None and facts.place:
        doc["place"] = {**facts.place, "datum": "WGS84"}


def _put_file(doc: Doc, name: str, content_type: str, data: bytes) -> None:
    inline = {"content_type": content_type, "data": base64.b64encode(data).decode()}
    doc["_attachments"] = {**doc.get("_attachments", {}), name: inline}


def _write_instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
