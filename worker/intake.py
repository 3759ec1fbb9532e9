"""Runs intake of a database until nothing is left, then hints to whoever looks.

What a run does is `server/cases/intake`; for household files, `conflicts.py`.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from server.cases import intake
from server.domain import grids
from server.nudges import Nudges
from sync import feed
from sync.couch import Couch
from sync.databases import parse
from worker import conflicts
from worker.turns import Turns

# One run, then the rest goes to the end of the catch-up queue: a week of records of one grid keeps no thread from the others.
RUNS_MOST = 1
SWEPT = "swept"
TURNS = Turns()


def take_in(couch: Couch, nudges: Nudges, name: str, seen: str = "") -> int:
    """Everything new of a database; how many cases. `seen` is the update sequence a sweep saw before it asked.

    When a thread of this process is at the same database already, it looks once more instead. Raises the errors of the store.
    """
    nudges.begin(name)
    if not TURNS.take(name):
        return 0
    over, cases = False, 0
    try:
        while not over:
            cases += _run_until_done(couch, nudges, name, seen)
            over = TURNS.give_back(name)
    finally:
        if not over:
            TURNS.give_back(name, at_once=True)
    return cases


def _run_until_done(
    couch: Couch, nudges: Nudges, name: str, seen: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> int:
    """Runs until nothing is left, or hands the rest to another task so that other databases get their turn."""
    cases = 0
    for _ in range(RUNS_MOST):
        outcome = conflicts.run(couch, name) if conflicts.is_settled_here(name) else intake.run(couch, name, now())
        cases += outcome.cases
        nudges.announce(outcome.changed)
        if outcome.cases:
            nudges.nudge_twins(grids.township_of(str(getattr(parse(name), "grid", ""))))
        for other in sorted(outcome.due):
            nudges.nudge(other)
        if not outcome.more:
            if seen:
                feed.save(couch.database(name), SWEPT, seen)
            return cases
    nudges.nudge(name, seen=seen or None, insist=True)
    return cases
