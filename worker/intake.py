"""The task `intake(database)`: runs of `server/cases/intake` until a database has nothing more, then hints to whoever looks.

Transient errors of the store are tried again a few times; what is left then is the sweep's to find.
"""

import logging
from datetime import UTC, datetime
from typing import Any

from server.cases import intake
from server.queues import INTAKE, INTAKE_TASK
from sync import feed
from sync.errors import Conflict, NotFound, StorageFull, Unreachable
from worker import connections
from worker.app import app
from worker.turns import Turns

RUNS_MOST = 20
TRIES_MOST = 4
SWEPT = "swept"
TRANSIENT = (Unreachable, StorageFull, Conflict)
LOG = logging.getLogger(__name__)
TURNS = Turns()


@app.task(name=INTAKE_TASK, queue=INTAKE, bind=True, max_retries=TRIES_MOST)  # type: ignore[untyped-decorator]
def take_in(task: Any, name: str, seen: str = "") -> None:
    """Everything new of a database. `seen` is the update sequence a sweep saw before it asked, kept when all is dealt with."""
    connections.nudges().begin(name)
    if not TURNS.take(name):
        return
    over = False
    try:
        while not over:
            run_until_done(name, seen)
            over = TURNS.give_back(name)
    except NotFound:
        LOG.info("%s is gone; nothing to take in", name)
    except TRANSIENT as error:
        delay_s = 2**task.request.retries
        LOG.warning("intake of %s: %s; again in %s s", name, error, delay_s)
        raise task.retry(exc=error, countdown=delay_s) from error
    finally:
        if not over:
            TURNS.give_back(name, at_once=True)


def run_until_done(name: str, seen: str) -> int:
    """Runs until nothing is left, or hands the rest to another task so that other databases get their turn. How many cases."""
    couch, nudges = connections.couch(), connections.nudges()
    cases = 0
    for _ in range(RUNS_MOST):
        outcome = intake.run(couch, name, datetime.now(UTC))
        cases += outcome.cases
        nudges.announce(outcome.changed)
        if not outcome.more:
            if seen:
                feed.save(couch.database(name), SWEPT, seen)
            return cases
    nudges.nudge(name, seen=seen or None, insist=True)
    return cases
