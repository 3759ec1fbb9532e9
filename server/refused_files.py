"""Uploaded files that are not shown: kept for a clerk in `quarantine`, bytes and all, like refused records (`quarantine`).

Which files these are is `photos.py` and `photo_records.py`.
"""

from media.completion import Upload, Uploader
from media.errors import Refused
from server import quarantine
from server.quarantine import entries
from sync.couch import Couch

entry_id = entries.file_id


def put_aside(couch: Couch, upload: Upload, uploader: Uploader, reason: str, *, allowance: str | None = entries.FILES) -> None:
    """Keep a file in one write; twice makes one entry. With `allowance` None it is the server itself that puts it there.

    Raises the errors of the store, and media's Refused (`quota`, not kept) when the device has no room left.
    """
    meta = upload.meta
    file = entries.File(meta.photo, meta.role, meta.filetype, upload.sha256, upload.path.read_bytes())
    sender = quarantine.sender_of(couch, meta.database, uploader.device, uploader.user)
    if not quarantine.keep_file(couch, sender, file, reason, allowance=allowance):
        raise Refused("quota", is_kept=False)
