"""Photos of refused records, for the clerk to look at: only pictures we made ourselves, never a byte as it was sent.

Sizes that exist are shown; else one is made on the fly, one at a time in a process, because decoding takes memory.
"""

import threading
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from media import derive, store
from media.errors import ImageError
from media.inspect import is_sound
from server import photo_records
from server.domain.errors import Missing
from server.quarantine import listing
from server.quarantine.entries import Entry
from server.web.services import services_of
from sync import databases
from sync.couch import Couch
from sync.errors import NotFound

ONE_DECODE = threading.Semaphore(1)
WAIT_S = 20.0
PICTURES_MOST = 60


class Photo(NamedTuple):
    """A photo of an entry: its id, whether there is a picture to show, and what is to be said about it (a code, or "")."""

    id: str
    has_picture: bool
    note: str


def photos_of(couch: Couch, entry: Entry) -> list[Photo]:
    """The photos a refused record names, or of a photo's record or file that one."""
    wanted = _wanted(entry)
    found = [entry, *listing.about(couch, wanted, entry["user"])]
    records = {one["about"]["id"]: one["document"] for one in found if not one["is_file"] and "document" in one}
    files = [one for one in found if one["is_file"] and "document" in one]
    return [
        _photo(couch, entry, photo, records.get(photo), [file for file in files if file["about"]["id"] == photo])
        for photo in wanted
    ]


def answer_picture(request: Request, entry: Entry, photo: str) -> Response:
    """The picture as an upright JPEG without anything but pixels. Raises Missing when there is none."""
    if photo not in _wanted(entry):
        raise Missing
    found = _picture(services_of(request).couch, entry, photo)
    if found is None:
        raise Missing
    headers = {"Cache-Control": "private, no-store", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(found, headers=headers, media_type="image/jpeg")


def _photo(couch: Couch, entry: Entry, photo: str, record: Any, files: list[Entry]) -> Photo:
    if not files:
        waiting = _waiting(couch, entry, photo)
        is_heard = waiting is not None and any(is_sound(file["content_type"]) for file in waiting[1]["files"].values())
        return Photo(photo, has_picture=waiting is not None and not is_heard, note="sound" if is_heard else "")
    named = photo_records.named_sha256(record, str(files[0]["document"].get("role"))) if isinstance(record, dict) else None
    is_other = named is not None and all(file["sha256"] != named for file in files)
    if is_sound(str(files[0]["document"].get("filetype", ""))):
        return Photo(photo, has_picture=False, note="sound")
    note = "mismatch" if is_other else files[0]["reason"] if files[0]["reason"].startswith(("not_an", "image_")) else ""
    return Photo(photo, has_picture=True, note=note)


def _wanted(entry: Entry) -> list[str]:
    named = listing.photos_of(entry.get("document"))
    own = [entry["about"]["id"]] if entry["about"]["type"] == "photo" and entry["about"]["id"] else []
    return list(dict.fromkeys([*named, *own]))[:PICTURES_MOST]


def _picture(couch: Couch, entry: Entry, photo: str) -> bytes | None:
    waiting = _waiting(couch, entry, photo)
    if waiting is not None:
        database, doc = waiting
        name = "screen" if doc.get("derived") else next(iter(doc["files"]), "sent")
        opened = store.open(database, photo, name)
        if opened is not None:
            return opened[0] if name == "screen" else _made(opened[0])
    for file in [entry, *listing.about(couch, [photo], entry["user"])]:
        if file["is_file"] and file["about"]["id"] == photo and not file["erased_at"]:
            return _made(couch.database(databases.QUARANTINE).attachment(file["_id"], "file"))
    return None


def _waiting(couch: Couch, entry: Entry, photo: str) -> tuple[Any, dict[str, Any]] | None:
    """Where the photo's files are kept already, when they came by the ordinary way from the same person."""
    media = photo_records.media_of(couch, entry["database"])
    try:
        doc = media.find(photo) if media else None
    except NotFound:
        return None
    return (media, doc) if doc and doc["author"] == entry["user"] and doc.get("files") else None


def _made(data: bytes) -> bytes | None:
    if not ONE_DECODE.acquire(timeout=WAIT_S):
        return None
    try:
        return derive.derive(data).screen
    except ImageError:
        return None
    finally:
        ONE_DECODE.release()
