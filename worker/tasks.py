"""The tasks as the broker knows them: which are tried again, after what, and for how long. Their work is in the neighbours.

Transient errors of the store are tried again a few times; what is left then is the next sweep's to find.
"""

import logging
import threading
from datetime import UTC, datetime
from typing import Any

from media.errors import Unavailable
from media.sweep import sweep_expired
from server import tracks
from server.audit.sealing import Sealing
from server.erasure import purging
from server.lists import publishing
from server.notices import erasing
from server.quarantine.aging import Aging
from server.queues import (
    CALLS_TASK,
    CARE_TASK,
    DEADLINES_TASK,
    ERASE_TASK,
    INTAKE,
    INTAKE_TASK,
    PHOTO_TASK,
    PHOTOS,
    SWEEP_TASK,
    TWINS_TASK,
)
from sync.databases import NOTICES, REF
from sync.errors import Conflict, NotFound, StorageFull, StoreError, Unreachable
from worker import care, deadlines, erasures, intake, photos, recalculation, twins
from worker.app import app, settings
from worker.calendar import Calendar
from worker.callbacks import Calls
from worker.connections import couch, nudges
from worker.rotate import Rotation
from worker.sweep import Sweep
from worker.unclaimed import Unclaimed

TRIES_MOST, LONGEST_DELAY_S = 6, 16
PHOTO_LIMIT_S, PHOTO_KILL_S = 40, 60
TRANSIENT = (Unreachable, StorageFull, Conflict, Unavailable)
LOG = logging.getLogger(__name__)
SWEEP, ROTATION, UNCLAIMED = Sweep(), Rotation(), Unclaimed()
AGING = Aging()
SEALING = Sealing()
CALENDAR = Calendar()
TELLING = Calls()
ROTATION_MOST_S = 20.0
# So many databases that wait for intake, or photos for their sizes, are a rush.
RUSH, AFTER_RUSH_S = 4, 5
ONE_SWEEP, ONE_LOOK_AT_DEADLINES, ONE_TELLING = threading.Lock(), threading.Lock(), threading.Lock()


@app.task(name=INTAKE_TASK, bind=True, max_retries=TRIES_MOST)  # type: ignore[untyped-decorator]
def take_in(task: Any, name: str, seen: str = "") -> None:
    """Everything new of a database becomes cases and copies."""
    try:
        intake.take_in(couch(), nudges(), name, seen, SWEEP.note)
    except NotFound:
        LOG.info("%s is gone; nothing to take in", name)
    except TRANSIENT as error:
        raise _again(task, name, error) from error


@app.task(  # type: ignore[untyped-decorator]
    name=PHOTO_TASK, bind=True, max_retries=TRIES_MOST, soft_time_limit=PHOTO_LIMIT_S, time_limit=PHOTO_KILL_S
)
def make_sizes(task: Any, media_database: str, photo: str) -> None:
    """The sizes of one photo, unless they are there."""
    try:
        photos.make_sizes(couch(), nudges(), media_database, photo)
    except NotFound:
        LOG.info("%s of %s is gone; no sizes to make", photo, media_database)
    except TRANSIENT as error:
        raise _again(task, photo, error) from error


@app.task(name=TWINS_TASK, bind=True, max_retries=TRIES_MOST)  # type: ignore[untyped-decorator]
def look_for_twins(task: Any, township: str, database: str = "", seen: str = "") -> None:
    """Possible duplicates among what is new in a township. In a rush records and photos come first: it waits while they do."""
    if any(nudges().waiting(queue) >= RUSH for queue in (INTAKE, PHOTOS)):
        raise task.retry(countdown=AFTER_RUSH_S, max_retries=None)
    try:
        twins.look(couch(), nudges(), township, database, seen)
    except TRANSIENT as error:
        raise _again(task, f"twins of {township}", error) from error


@app.task(name=SWEEP_TASK)  # type: ignore[untyped-decorator]
def sweep() -> None:
    """One sweep; a second one while it runs does nothing. A store that is down is waited for until the next."""
    if not ONE_SWEEP.acquire(blocking=False):
        return
    try:
        nudged = SWEEP.run(couch(), nudges())
        if nudged:
            LOG.info("swept: %s databases nudged", nudged)
        ROTATION.run_for(couch(), nudges(), ROTATION_MOST_S)
        if publishing.catch_up(couch(), datetime.now(UTC)):
            nudges().announce([REF])
        SEALING.run(couch(), datetime.now(UTC))
        nudges().nudge(NOTICES, insist=True)
        erasures.look(couch(), nudges(), datetime.now(UTC))
        may_erase = CALENDAR.is_believable(couch(), datetime.now(UTC))
        if may_erase:
            UNCLAIMED.run(couch(), datetime.now(UTC))
        AGING.run(couch(), nudges(), datetime.now(UTC), may_empty=may_erase)
        if settings.uploads.is_dir():
            sweep_expired(settings.uploads, datetime.now(UTC))
    except StoreError as error:
        LOG.warning("sweep: %s", error)
    finally:
        ONE_SWEEP.release()


@app.task(name=ERASE_TASK, bind=True, max_retries=TRIES_MOST)  # type: ignore[untyped-decorator]
def erase(task: Any) -> None:
    """What clerks asked to have erased."""
    try:
        erasures.run(couch(), nudges(), settings.data, datetime.now(UTC))
    except TRANSIENT as error:
        raise _again(task, "erasures", error) from error


@app.task(name=DEADLINES_TASK)  # type: ignore[untyped-decorator]
def look_at_deadlines() -> None:
    """Dates by the calendar that counts, then warnings of what fell due; a second look while it runs does nothing."""
    if not ONE_LOOK_AT_DEADLINES.acquire(blocking=False):
        return
    try:
        now = datetime.now(UTC)
        recalculation.recalculate(couch(), nudges(), now)
        deadlines.warn(couch(), now)
    except StoreError as error:
        LOG.warning("deadlines: %s", error)
    finally:
        ONE_LOOK_AT_DEADLINES.release()


@app.task(name=CALLS_TASK)  # type: ignore[untyped-decorator]
def tell_sources() -> None:
    """What became of sources' cases; a second telling while it runs does nothing. Whatever fails is the next one's to do."""
    if not ONE_TELLING.acquire(blocking=False):
        return
    try:
        TELLING.run(couch(), settings)
    except StoreError as error:
        LOG.warning("call-backs: %s", error)
    finally:
        ONE_TELLING.release()


@app.task(name=CARE_TASK)  # type: ignore[untyped-decorator]
def take_care() -> None:
    """What is kept for a time only goes; compaction where it is worth it. A store that is down is taken care of the next day."""
    try:
        now = datetime.now(UTC)
        may_erase = CALENDAR.is_believable(couch(), now)
        erased = erasing.erase_old(couch(), now) if may_erase else 0
        forgotten = tracks.erase_old(couch(), now) if may_erase else 0
        purged = purging.purge_old(couch(), now) if may_erase else 0
        asked = care.compact_wasteful(couch())
    except StoreError as error:
        LOG.warning("care: %s", error)
    else:
        said = "care: %s databases compacted, %s old notices and %s tracks erased, %s tombstones purged"
        LOG.info(said, len(asked), erased, forgotten, purged)


def _again(task: Any, what: str, error: Exception) -> Exception:
    """The exception that has Celery run the task again, later each time."""
    delay_s = min(2**task.request.retries, LONGEST_DELAY_S)
    LOG.warning("%s of %s: %s; again in %s s", task.name, what, error, delay_s)
    retry: Exception = task.retry(exc=error, countdown=delay_s, throw=False)
    return retry
