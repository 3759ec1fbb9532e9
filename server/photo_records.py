"""Which uploaded file belongs to which photo record: the record's `files[].sha256` decides, whichever of the two comes first.

A file that comes before its record waits, seen by nobody but its sender. Once the record is there, the file it names is kept
and another is put aside for a clerk; the named one is brought back should it lie there because the other came first. May run
twice, at once, and be killed anywhere: bytes are kept elsewhere before they are taken out. Who may upload is `photos.py`; what
becomes of a file whose record never comes is `worker/photos.py`.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from media import store
from media.completion import Upload, Uploader
from media.errors import ImageError, PhotoConflict
from media.inspect import read_any
from media.tus import Meta
from server.quarantine import decisions
from server.quarantine.entries import with_defaults
from server.refused_files import entry_id, put_aside
from sync.couch import Couch
from sync.database import Database
from sync.databases import QUARANTINE, media_db, parse
from sync.errors import Conflict, NotFound

Document = dict[str, Any]


def find(couch: Couch, database: str, photo: str) -> Document | None:
    """The record of a photo in the database it was announced for, or None."""
    try:
        return couch.database(database).find(photo)
    except NotFound:
        return None


def named_sha256(record: Mapping[str, Any] | None, role: str) -> str | None:
    """The hash a record gives for the file of a role; None when there is no record, or it names no such file."""
    files = record.get("files", ()) if record else ()
    return next((str(one["sha256"]) for one in files if one.get("role") == role), None)


def settle_page(couch: Couch, database: str, changes: Iterable[Mapping[str, Any]]) -> int:
    """Match the photo records of a page of changes with the files that came before them; how many photos changed.

    Costs one request when none did. Raises the errors of the store.
    """
    docs = [row.get("doc") or {} for row in changes]
    records = {doc["_id"]: doc for doc in docs if doc.get("type") == "photo"}
    media = media_of(couch, database) if records else None
    if media is None:
        return 0
    try:
        waiting = {photo: doc for photo, doc in media.many(list(records)).items() if doc}
    except NotFound:
        return 0
    return sum(settle(couch, media, database, records[photo], doc) for photo, doc in waiting.items())


def settle(couch: Couch, media: Database, database: str, record: Document, doc: Document) -> bool:
    """Make one kept photo agree with its record; True when anything had to be done."""
    if doc["database"] != database and not _may_move(doc, record):
        return False
    false = [role for role, file in doc["files"].items() if named_sha256(record, role) not in {None, file["sha256"]}]
    for role in false:
        displace(couch, media, doc, role)
    brought = [_bring_back(couch, media, database, record, role) for role in false]
    return store.claim(media, record["_id"], database) or bool(false) or any(brought)


def displace(couch: Couch, media: Database, doc: Document, role: str) -> None:
    """Put a kept file aside for a clerk, then take it out: its photo's record names another."""
    file = doc["files"][role]
    meta = Meta(doc["_id"], role, doc["database"], file["sha256"], file["content_type"])
    with tempfile.NamedTemporaryFile() as copy:
        path = Path(copy.name)
        path.write_bytes(media.attachment(doc["_id"], role))
        upload = Upload(meta, path, file["size_bytes"], file["sha256"], file["content_type"])
        put_aside(couch, upload, Uploader(doc["device"], doc["author"]), PhotoConflict.code, allowance=None)
    store.take_out(media, doc["_id"], role, file["sha256"])


def media_of(couch: Couch, database: str) -> Database | None:
    """Where the files of a database's photos are kept."""
    name = parse(database)
    return couch.database(media_db(name.grid[:9])) if name and name.grid else None


def _may_move(doc: Document, record: Document) -> bool:
    """True when files announced for another database are this record's: nobody claimed them, sender and hashes are the same."""
    is_waiting, is_own = bool(doc.get("unclaimed_since")), doc["author"] == record["author"]
    return is_waiting and is_own and all(named_sha256(record, role) == file["sha256"] for role, file in doc["files"].items())


def _bring_back(couch: Couch, media: Database, database: str, record: Document, role: str) -> bool:
    """Keep the file a record names, if it was put aside because another had come first. True when it was."""
    sha256 = named_sha256(record, role)
    quarantine = couch.database(QUARANTINE)
    found = quarantine.find(entry_id(database, record["_id"], role, str(sha256)))
    entry = with_defaults(found) if found else None
    if entry is None or entry["state"] != "waiting" or entry["reason"] != PhotoConflict.code:
        return False
    data = quarantine.attachment(entry["_id"], "file")
    if hashlib.sha256(data).hexdigest() != sha256:
        return False
    try:
        facts = read_any(data)
    except ImageError:
        return False
    now = datetime.now(UTC)
    arrival = store.Arrival(
        photo=record["_id"],
        role=role,
        database=database,
        device=entry["device"],
        author=entry["user"],
        sha256=str(sha256),
        content_type=facts.content_type,
        facts=facts,
        received_at=now,
    )
    store.save_upload(media, arrival, data)
    _close(couch, entry, record, database, now)
    return True


def _close(couch: Couch, entry: Document, record: Document, database: str, now: datetime) -> None:
    """The entry says that its file has its home, and whose decision that was: the server's, by the record."""
    decision = decisions.make("adopt", decisions.SERVER, now, database=database, id=record["_id"], rev=None)
    try:
        claimed = decisions.claim(couch, entry, "adopted", decision)
    except Conflict:
        return  # a clerk was quicker; the file is in its place all the same
    decisions.settle(couch, claimed, "adopted")
