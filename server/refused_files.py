"""Uploaded files that are not shown: kept for a clerk in `quarantine`, bytes and all, like refused records (`quarantine`).

Which files these are is `photos.py` and `photo_records.py`.
"""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

from media.completion import Upload, Uploader
from media.errors import Unavailable
from server.domain import times
from sync import errors
from sync.couch import Couch
from sync.databases import QUARANTINE


def entry_id(database: str, photo: str, role: str, sha256: str) -> str:
    """The id of a file's entry: the same file of the same photo makes one."""
    named = "\n".join((database, photo, role, sha256))
    return f"refused:{hashlib.sha256(named.encode()).hexdigest()}"


def put_aside(couch: Couch, upload: Upload, uploader: Uploader, reason: str) -> None:
    """Keep a file in one write; twice makes one entry. Raises the errors of the store, and media's Unavailable."""
    entry = _entry(upload, uploader, reason)
    database = couch.database(QUARANTINE)
    try:
        rows = database.bulk([entry])
    except errors.NotFound:
        rows = couch.database(QUARANTINE, create=True).bulk([entry])
    if rows[0].get("error", "conflict") != "conflict":
        raise Unavailable(str(rows[0]))


def _entry(upload: Upload, uploader: Uploader, reason: str) -> dict[str, Any]:
    """A quarantine entry like those of records (`server/quarantine.py`), with the file attached as `file`."""
    described = {"_id": upload.meta.photo, "role": upload.meta.role, "filetype": upload.meta.filetype}
    data = base64.b64encode(upload.path.read_bytes()).decode()
    return {
        "_id": entry_id(upload.meta.database, upload.meta.photo, upload.meta.role, upload.sha256),
        "type": "refused",
        "v": 1,
        "database": upload.meta.database,
        "device": uploader.device,
        "user": uploader.user,
        "reason": reason,
        "fields": {},
        "refused_at": times.to_text(datetime.now(UTC)),
        "size_bytes": upload.size_bytes,
        "sha256": upload.sha256,
        "state": "waiting",
        "document": described,
        "_attachments": {"file": {"content_type": "application/octet-stream", "data": data}},
    }
