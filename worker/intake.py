"""Runs intake of a database until nothing is left, then hints to whoever looks.

What a run does is `server/cases/intake`; for household files, `conflicts.py`; their index at the desk is
`server/households/indexing`.
"""

from collections.abc import Callable
from datetime import UTC, datetime

from server.cases import intake
from server.domain import grids
from server.households import indexing
from server.nudges import Nudges
from server.push import sending
from sync import feed
from sync.couch import Couch
from sync.databases import NOTICES, parse
from worker import conflicts, notices, pushes
from worker.app import settings
from worker.turns import Turns

# One run, then the rest goes to the end of the catch-up queue: a week of records of one grid keeps no thread from the others.
RUNS_MOST = 1
SWEPT = "swept"
TURNS = Turns()


def take_in(
    couch: Couch, nudges: Nudges, name: str, seen: str = "", note: Callable[[str, feed.Seq], None] = lambda _name, _seq: None
) -> int:
    """Everything new of a database; how many cases. `seen` is the update sequence a sweep saw before it asked; `note` hears of a
    database up to which sequence it is dealt with.

    When a thread of this process is at the same database already, it looks once more instead. Raises the errors of the store.
    """
    nudges.begin(name)
    if name == NOTICES:
        return _send_notices(couch)
    if not TURNS.take(name):
        return 0
    over, cases = False, 0
    try:
        while not over:
            cases += _run_until_done(couch, nudges, name, seen, note)
            over = TURNS.give_back(name)
    finally:
        if not over:
            TURNS.give_back(name, at_once=True)
    return cases


def _send_notices(couch: Couch) -> int:
    """Notices that go out of the house, to phones last; one run at a time in a process."""
    if TURNS.take(NOTICES):
        try:
            over = False
            while not over:
                notices.run(couch, settings.public_url)
                pushes.run(couch, lambda: datetime.now(UTC), sending.Sender(settings))
                over = TURNS.give_back(NOTICES)
        except BaseException:
            TURNS.give_back(NOTICES, at_once=True)
            raise
    return 0


def _run_until_done(couch: Couch, nudges: Nudges, name: str, seen: str, note: Callable[[str, feed.Seq], None]) -> int:
    """Runs until nothing is left, or hands the rest to another task so that other databases get their turn."""
    cases = 0
    for _ in range(RUNS_MOST):
        outcome = conflicts.run(couch, name) if conflicts.is_settled_here(name) else intake.run(couch, name, datetime.now(UTC))
        cases += outcome.cases
        nudges.announce(outcome.changed)
        if outcome.cases:
            nudges.nudge_twins(grids.township_of(str(getattr(parse(name), "grid", ""))))
        due = outcome.due | (outcome.changed & {NOTICES})
        for other in sorted(due):
            nudges.nudge(other)
        # The index has a checkpoint of its own; the sweep asks for both.
        listed = indexing.run(couch, name)
        if not outcome.more and not listed.more:
            if outcome.seq is not None:
                note(name, outcome.seq)
            # A cluster may write the same place in the feed in two ways: what the sweep saw is remembered as it saw it, unless
            # this run itself has moved the database on from there.
            if seen and seen != str(outcome.seq) and name not in outcome.changed:
                feed.save(couch.database(name), SWEPT, seen)
                indexing.mark_swept(couch, name, seen)
            return cases
    nudges.nudge(name, seen=seen or None, insist=True)
    return cases
