"""Erasures that were asked for are carried out, one at a time in a process, and each once more a while later (`server/erasure/`).

Asked for by a nudge at once, by every sweep besides: one whose worker was killed is taken up by the next.
"""

import logging
import threading
from datetime import datetime
from pathlib import Path

from server.erasure import carrying, register
from server.nudges import Nudges
from sync.couch import Couch
from sync.errors import StoreError

LOG = logging.getLogger(__name__)
ONE_AT_A_TIME = threading.Lock()


def look(couch: Couch, nudges: Nudges, now: datetime) -> bool:
    """Ask for a run when something is due; a sweep does not wait for it. Raises the errors of the store."""
    return bool(carrying.due(couch, now)) and nudges.nudge_erasures()


def run(couch: Couch, nudges: Nudges, data: Path, now: datetime) -> int:
    """Carry out what is due, and put down outside the store what was marked; how many. Nothing while another thread is at it.

    `data` is the data folder. Raises the errors of the store, once all others are done: one that fails holds up none.
    """
    if not ONE_AT_A_TIME.acquire(blocking=False):
        return 0
    try:
        waiting = carrying.due(couch, now)
        if not waiting:
            return 0
        register.agree(couch, register.path_in(data))
        failed = [error for doc in waiting if (error := _carry_out(couch, nudges, doc, now))]
        register.agree(couch, register.path_in(data))
        if failed:
            raise failed[0]
        return len(waiting)
    finally:
        ONE_AT_A_TIME.release()


def _carry_out(couch: Couch, nudges: Nudges, doc: carrying.Document, now: datetime) -> StoreError | None:
    try:
        nudges.announce(carrying.carry_out(couch, doc, now))
    except StoreError as error:
        LOG.warning("%s is not done: %s", doc["number"], error)
        return error
    return None
