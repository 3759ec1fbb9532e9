"""Runs the search for possible duplicates of a township until nothing is new. What a run does is `server/cases/twin_search`.

It comes after intake and after the sizes of photos, in a queue of its own: no record waits for it.
"""

from server.cases import twin_search
from server.nudges import Nudges
from sync import feed
from sync.couch import Couch
from sync.databases import cases_db
from sync.errors import NotFound
from worker.turns import Turns

SWEPT = "twins-swept"
TURNS = Turns()


def look(couch: Couch, nudges: Nudges, township: str, database: str = "", seen: str = "") -> int:
    """One run, and the rest to the end of the queue; how many proposals changed. `seen` is what a sweep saw of `database`.

    When a thread of this process is at the same township already, it looks once more instead. Raises the errors of the store.
    """
    nudges.begin(f"twins/{township}")
    if not TURNS.take(township):
        return 0
    over, changed = False, 0
    try:
        while not over:
            changed += _run(couch, nudges, township, database, seen)
            over = TURNS.give_back(township)
    finally:
        if not over:
            TURNS.give_back(township, at_once=True)
    return changed


def _run(couch: Couch, nudges: Nudges, township: str, database: str, seen: str) -> int:
    outcome = twin_search.run(couch, township)
    if outcome.changed:
        nudges.announce([cases_db(township)])
    if outcome.more:
        nudges.nudge_twins(township, database=database, seen=seen, insist=True)
    elif seen:
        try:
            feed.save(couch.database(database), SWEPT, seen)
        except NotFound:
            return outcome.changed
    return outcome.changed
