"""When a quarter begins, copies of open cases are written into its databases (DESIGN §5 "Quarters rotate"), township by township.

By server time and China's calendar; whenever a worker finds a township that has not been through it, so also after any time
off. Bounded batches, each after a place remembered in the township's own database, so it may run twice, at once, or be killed
anywhere. What moves meanwhile is copied by intake (`server/cases/copies.py`); a case that moved while its copy was written is
looked at again. Open tasks go with their cases, those of campaigns with the first batch.
"""

import logging
import math
import time
from datetime import UTC, datetime
from typing import Any

from server.cases import campaigns, copies, quarters, tasks
from server.cases.quarters import Place
from server.cases.store import DESIGN
from server.domain import workflow
from server.nudges import Nudges
from sync import designs
from sync.couch import Couch
from sync.database import Database
from sync.databases import parse, quarter_at
from sync.errors import NotFound

BATCH = 500
STATES = sorted(workflow.OPEN_STATES)
LOG = logging.getLogger(__name__)


class Rotation:
    """Remembers, for this process's life, which townships have been through the quarter."""

    def __init__(self) -> None:
        self._done: dict[str, str] = {}

    def run_for(self, couch: Couch, nudges: Nudges, most_s: float, batch: int = BATCH) -> bool:
        """Batches until every township is through or the time is over, so that a quarter's beginning is spread over several
        sweeps; True when more is to do. Raises the store's errors."""
        until_s = time.monotonic() + most_s
        while self.run(couch, nudges, datetime.now(UTC), batch, until_s):
            if time.monotonic() >= until_s:
                return True
        return False

    def run(self, couch: Couch, nudges: Nudges, now: datetime, batch: int = BATCH, until_s: float = math.inf) -> bool:
        """One batch of each township that is not through yet, as far as the time reaches (monotonic); True when more is to do.

        Raises the store's errors.
        """
        quarter, more = quarter_at(now), False
        for name in couch.all_databases():
            parts = parse(name)
            if parts is None or parts.kind != "cases" or self._done.get(name) == quarter:
                continue
            if time.monotonic() >= until_s:
                return True
            try:
                place = _go_on(couch, nudges, couch.database(name), now, batch)
            except NotFound:
                continue
            if place["is_over"] and place["is_final"]:
                self._done[name] = quarter
            more = more or not place["is_over"]
        return more


def _go_on(couch: Couch, nudges: Nudges, database: Database, now: datetime, batch: int) -> Place:
    """The next batch of a township, and where it stands then."""
    saved = quarters.place_in(database)
    place = quarters.where_to_begin(saved, now)
    if place["is_over"]:
        return place
    if place["state"] == 0 and place["after"] is None:
        nudges.announce(campaigns.carry_over(couch, database.name.partition("-")[2], now))
    ids, place = _next_open_cases(database, place, batch)
    _copy(couch, nudges, database, ids, now)
    if place["is_over"]:
        LOG.info("%s: open cases are in %s", database.name, place["quarter"])
    quarters.remember(database, place, saved)
    return place


def _next_open_cases(database: Database, place: Place, batch: int) -> tuple[list[str], Place]:
    """The ids of the next open cases, and the place behind them."""
    while not place["is_over"]:
        found = _open_cases(database, place, batch)
        place = _behind(place, found, batch)
        if found:
            return [row["id"] for row in found], place
    return [], place


def _open_cases(database: Database, place: Place, batch: int) -> list[dict[str, Any]]:
    """The view's next rows of the state that is being gone through, oldest first."""
    state, after = STATES[place["state"]], place["after"]
    start = ["state", state, after[0]] if after else ["state", state]
    asked = {"startkey": start, "endkey": ["state", state, {}], "startkey_docid": after[1] if after else None, "limit": batch + 1}
    try:
        rows = database.view(DESIGN, "facets", reduce=False, **asked)["rows"]
    except NotFound:
        designs.install(database, DESIGN)
        rows = database.view(DESIGN, "facets", reduce=False, **asked)["rows"]
    return [row for row in rows if after is None or row["id"] != after[1]][:batch]


def _behind(place: Place, found: list[dict[str, Any]], batch: int) -> Place:
    if len(found) == batch:
        return place | {"after": [found[-1]["key"][2], found[-1]["id"]]}
    following = place["state"] + 1
    return place | {"after": None, "state": following, "is_over": following == len(STATES)}


def _copy(couch: Couch, nudges: Nudges, database: Database, ids: list[str], now: datetime) -> None:
    read = {id: case for id, case in database.many(ids).items() if case}
    changed = copies.carry_over(couch, read.values(), now) | tasks.write(couch, read.values(), now)
    # Closed between reading and copying: whoever closed it found no copy here to renew.
    again = {id: case for id, case in database.many(list(read)).items() if case}
    moved = [case for id, case in again.items() if case["_rev"] != read[id]["_rev"]]
    nudges.announce(changed | copies.write(couch, moved, now) | tasks.write(couch, moved, now))
