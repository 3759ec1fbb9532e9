"""The task `photo(media database, photo)`: makes the sizes people look at. What a picture is and how it shrinks is `media/`.

It runs in processes of its own, so that a picture made to hurt ends at most one of them and intake never waits for photos. A
picture that cannot be decoded, or that ended its process several times, is marked and left alone.
"""

import logging
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded

from media import derive, store
from media.errors import ImageError, Unavailable
from server.queues import PHOTO_TASK, PHOTOS
from sync.databases import cases_db, parse
from sync.errors import Conflict, NotFound, StorageFull, Unreachable
from worker import connections
from worker.app import app

LIMIT_S = 40
KILL_S = 60
TRIES_MOST = 4
DEATHS_MOST = 5
TRANSIENT = (Unreachable, StorageFull, Conflict, Unavailable)
LOG = logging.getLogger(__name__)


@app.task(  # type: ignore[untyped-decorator]
    name=PHOTO_TASK, queue=PHOTOS, bind=True, max_retries=TRIES_MOST, soft_time_limit=LIMIT_S, time_limit=KILL_S
)
def make_sizes(task: Any, media_database: str, photo: str) -> None:
    """The sizes of one photo, unless they are there."""
    what = f"{media_database}/{photo}"
    connections.nudges().begin(what)
    try:
        has_changed = derive_photo(media_database, photo, connections.nudges().count_try(what))
    except NotFound:
        LOG.info("%s is gone; no sizes to make", what)
        return
    except TRANSIENT as error:
        connections.nudges().forget_tries(what)
        delay_s = 2**task.request.retries
        LOG.warning("sizes of %s: %s; again in %s s", what, error, delay_s)
        raise task.retry(exc=error, countdown=delay_s) from error
    connections.nudges().forget_tries(what)
    name = parse(media_database)
    if has_changed and name and name.area:
        connections.nudges().announce([cases_db(name.area)])


def derive_photo(media_database: str, photo: str, tries: int) -> bool:
    """Make and keep both sizes, or why they cannot be made. False when there is nothing to do. Raises the errors of the store."""
    database = connections.couch().database(media_database)
    doc = database.find(photo)
    if doc is None or not store.needs_sizes(doc):
        return False
    if tries > DEATHS_MOST:
        return store.save_problem(database, photo, "too_costly")
    data = database.attachment(photo, "sent" if "sent" in doc["files"] else "original")
    try:
        sizes = derive.derive(data)
    except ImageError as error:
        return store.save_problem(database, photo, error.code)
    except (SoftTimeLimitExceeded, MemoryError):
        return store.save_problem(database, photo, "too_costly")
    return store.save_sizes(database, photo, sizes)
