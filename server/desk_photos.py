"""Photos that people put in at a desk, with a move of a case: the same limits and looks into them as for those of phones.

Bytes go to `media-<township>`, the photo's record, which says of which case it is, to `cases-<township>`: it comes from no phone.
An id is made of the case and the file's content: the same form sent twice keeps one photo. Sizes are made by the worker.
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from media import store as media_store
from media.errors import ImageError
from media.inspect import Facts, read_facts
from server.domain import ids, times
from server.domain.errors import InvalidInput
from server.domain.grids import township_of
from server.nudges import Nudges
from sync.couch import Couch
from sync.databases import cases_db, media_db
from sync.errors import NotFound, Unreachable

FILES_MOST = 9
FILE_BYTES = 20 * 1024 * 1024
Document = dict[str, Any]


def keep(couch: Couch, nudges: Nudges, case: Document, files: Sequence[bytes], by: str) -> list[str]:
    """Keep these files as photos of a case; their ids. Raises InvalidInput for `photos` when one cannot be kept; then none is."""
    if len(files) > FILES_MOST:
        raise InvalidInput({"photos": "too_many"})
    looked_at = [(data, _facts(data)) for data in files]
    return [_keep_one(couch, nudges, case, one, by) for one in looked_at]


def _facts(data: bytes) -> Facts:
    if len(data) > FILE_BYTES:
        raise InvalidInput({"photos": "too_large"})
    try:
        return read_facts(data)
    except ImageError as error:
        raise InvalidInput({"photos": error.code}) from None


def _keep_one(couch: Couch, nudges: Nudges, case: Document, one: tuple[bytes, Facts], by: str) -> str:
    data, facts = one
    township, sha256 = township_of(case["grid"]), hashlib.sha256(data).hexdigest()
    seed = hashlib.sha256(f"{case['_id']} {sha256}".encode()).digest()
    photo, now = "photo:" + ids.uuid7(times.from_text(case["received_at"]), seed), datetime.now(UTC)
    arrival = media_store.Arrival(
        photo=photo,
        role="sent",
        database=cases_db(township),
        device="desk",
        author=by,
        sha256=sha256,
        content_type=facts.content_type,
        facts=facts,
        received_at=now,
    )
    _record(couch, case, arrival, len(data))
    name = media_db(township)
    couch.create(name, replicated=False)
    media_store.save_upload(couch.database(name), arrival, data)
    nudges.nudge_photo(name, photo)
    return photo


def _record(couch: Couch, case: Document, arrival: media_store.Arrival, size_bytes: int) -> None:
    facts = arrival.facts
    file = {"role": "sent", "sha256": arrival.sha256, "size_bytes": size_bytes, "content_type": arrival.content_type}
    record = {
        "_id": arrival.photo,
        "type": "photo",
        "v": 1,
        "of": case["_id"],
        "author": arrival.author,
        "files": [file | {"width_px": facts.width_px, "height_px": facts.height_px}],
        "received_at": times.to_text(arrival.received_at),
    }
    try:
        rows = couch.database(arrival.database).bulk([record])
    except NotFound as error:
        raise Unreachable(str(error)) from error
    if rows[0].get("error", "conflict") != "conflict":
        raise Unreachable(f"not kept: {rows[0]}")
