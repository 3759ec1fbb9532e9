"""The files of adopted photos: from quarantine, or from where they waited under another id, into `media-<township>`.

Only a file whose hash the photo's record names goes along; any other stays for a clerk to see. May run twice and be killed
anywhere: bytes are saved before an entry says so, and saving the same file again changes nothing.
"""

import hashlib
from typing import Any, NamedTuple

from media import store
from media.errors import ImageError, PhotoConflict
from media.inspect import read_any
from server import photo_records
from server.domain import times
from server.domain.errors import InvalidInput
from server.nudges import Nudges
from server.quarantine import decisions, listing
from server.quarantine.entries import Entry
from sync import databases
from sync.couch import Couch
from sync.databases import media_db
from sync.errors import Conflict, NotFound

Document = dict[str, Any]


class Place(NamedTuple):
    """Where a photo's record lies now, and its id there."""

    database: str
    photo: str


def take_along(couch: Couch, nudges: Nudges, entry: Entry) -> None:
    """The files of a photo whose record (the entry) is adopted."""
    decision, record = entry["decision"], entry["document"]
    place = Place(decision["database"], decision["id"])
    for file in listing.about(couch, [entry["about"]["id"]], entry["user"]):
        if file["is_file"] and file["state"] == "waiting" and _is_named(record, file["document"]["role"], file["sha256"]):
            _adopt_file(couch, nudges, file, entry)
    if place.photo != entry["about"]["id"]:
        _copy_waiting(couch, nudges, entry, place)


def _adopt_file(couch: Couch, nudges: Nudges, file: Entry, record: Entry) -> None:
    """A file goes with its photo's record; one that is no picture, or whose place is taken, stays where it is."""
    decision = record["decision"]
    place = Place(decision["database"], decision["id"])
    if not save_file(couch, nudges, file, place):
        return
    own = decisions.make("adopt", decision["by"], times.from_text(decision["at"]), database=place.database, id=place.photo)
    try:
        claimed = decisions.claim(couch, file, "adopted", own | {"rev": None, "with": record["_id"]})
    except Conflict:
        return
    decisions.settle(couch, claimed, "adopted")


def save_file(couch: Couch, nudges: Nudges, file: Entry, place: Place) -> bool:
    """Keep a refused file's bytes as this photo's. False when they are no picture or the place is taken by another file."""
    try:
        data = couch.database(databases.QUARANTINE).attachment(file["_id"], "file")
    except NotFound:
        return False
    if hashlib.sha256(data).hexdigest() != file["sha256"]:
        return False
    return _save(couch, nudges, file, place, role=file["document"]["role"], data=data)


def follow_moved(couch: Couch, nudges: Nudges, database: str, photo: str, user: str) -> None:
    """A file came by the ordinary way, and a clerk had moved its refused record elsewhere: it follows, before it is answered.

    Whoever looks second sees the other: the decision is written before its files are looked for, the file before the decision is.
    """
    for entry in listing.about(couch, [photo], user):
        decision = entry["decision"] or {}
        is_home = entry["state"] in {"adopting", "adopted"} and not entry["is_file"] and entry["about"]["id"] == photo
        if is_home and "document" in entry and entry["database"] == database and decision.get("id") not in {None, photo}:
            _copy_waiting(couch, nudges, entry, Place(decision["database"], decision["id"]))


def check_picture(couch: Couch, file: Entry) -> None:
    """Raises InvalidInput when a refused file is neither picture nor sound, or its bytes are gone."""
    try:
        read_any(couch.database(databases.QUARANTINE).attachment(file["_id"], "file"))
    except NotFound:
        raise InvalidInput({"file": "not_kept"}) from None
    except ImageError as error:
        raise InvalidInput({"file": error.code}) from None


def _copy_waiting(couch: Couch, nudges: Nudges, entry: Entry, place: Place) -> None:
    """The record moved to another grid under another id: files that came by the ordinary way follow it."""
    media = photo_records.media_of(couch, entry["database"])
    try:
        waiting = media.find(entry["about"]["id"]) if media else None
        if media is None or waiting is None or waiting["author"] != entry["user"]:
            return
        for role, described in waiting["files"].items():
            if _is_named(entry["document"], role, described["sha256"]):
                _save(couch, nudges, entry, place, role=role, data=media.attachment(waiting["_id"], role))
    except NotFound:
        return


def _save(couch: Couch, nudges: Nudges, entry: Entry, place: Place, *, role: str, data: bytes) -> bool:
    try:
        facts = read_any(data)
    except ImageError:
        return False
    arrival = store.Arrival(
        photo=place.photo,
        role=role,
        database=place.database,
        device=entry["device"],
        author=entry["user"],
        sha256=hashlib.sha256(data).hexdigest(),
        content_type=facts.content_type,
        facts=facts,
        received_at=times.from_text(entry["refused_at"]),
    )
    name = media_db(str(getattr(databases.parse(place.database), "grid", ""))[:9])
    try:
        store.save_upload(couch.database(name), arrival, data)
    except NotFound:
        store.save_upload(couch.database(name, create=True), arrival, data)
    except PhotoConflict:
        return False
    nudges.nudge_photo(name, place.photo)
    return True


def _is_named(record: Any, role: str, sha256: str) -> bool:
    return isinstance(record, dict) and photo_records.named_sha256(record, role) == sha256
