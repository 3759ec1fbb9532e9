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

LOG = logging.getLogger(__name__)
ONE_AT_A_TIME = threading.Lock()


def run(couch: Couch, nudges: Nudges, data: Path, now: datetime) -> int:
    """Carry out what is due, and put down outside the store what was marked; how many. Nothing while another thread is at it.

    `data` is the data folder. Raises the errors of the store.
    """
    if not ONE_AT_A_TIME.acquire(blocking=False):
        return 0
    try:
        waiting = carrying.due(couch, now)
        if waiting:
            register.agree(couch, register.path_in(data))
        for doc in waiting:
            changed = carrying.carry_out(couch, doc, now)
            nudges.announce(changed)
        if waiting:
            register.agree(couch, register.path_in(data))
        return len(waiting)
    finally:
        ONE_AT_A_TIME.release()
