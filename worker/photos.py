"""Makes the sizes people look at of one photo. What a picture is and how it shrinks is `media/`.

A picture that cannot be decoded, or that ended its process several times, is marked and left alone.
"""

from typing import Any

from celery.exceptions import SoftTimeLimitExceeded

from media import derive, store
from media.errors import ImageError
from server.nudges import Nudges
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db, parse

DEATHS_MOST = 5
TOO_COSTLY = "too_costly"


def make_sizes(couch: Couch, nudges: Nudges, media_database: str, photo: str) -> bool:
    """Make both sizes, or note why they cannot be made. False when there was nothing to do. Raises the errors of the store."""
    what = f"{media_database}/{photo}"
    nudges.begin(what)
    database = couch.database(media_database)
    doc = database.find(photo)
    if doc is None or not store.needs_sizes(doc):
        return False
    tries = nudges.count_try(what)
    try:
        has_changed = _derive(database, doc, tries)
    finally:
        # Whoever comes to this line was not ended by the picture.
        nudges.forget_tries(what)
    name = parse(media_database)
    if has_changed and name and name.area:
        nudges.announce([cases_db(name.area)])
        nudges.nudge_twins(name.area)
    return has_changed


def _derive(database: Database, doc: dict[str, Any], tries: int) -> bool:
    photo = str(doc["_id"])
    if tries > DEATHS_MOST:
        return store.save_problem(database, photo, TOO_COSTLY)
    data = database.attachment(photo, "sent" if "sent" in doc["files"] else "original")
    try:
        sizes = derive.derive(data)
    except ImageError as error:
        return store.save_problem(database, photo, error.code)
    except (SoftTimeLimitExceeded, MemoryError):
        return store.save_problem(database, photo, TOO_COSTLY)
    return store.save_sizes(database, photo, sizes)
