"""When another calendar counts (a year was loaded, taken back, or came with the program), dates of open cases are computed again.

Each case whose dates change gets a system event `recalculate`; the others are left alone. A township's own database remembers the
calendar it has been gone through with, and how far: it may run twice, at once, or be killed anywhere, and goes on where it was.
A little later it is gone through once more: who moved a case meanwhile may still have gone by the calendar before.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import Any

from server.calendars import current
from server.cases import clock, moves
from server.cases.store import DESIGN
from server.domain import times
from server.nudges import Nudges
from sync import designs
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db, parse
from sync.errors import NotFound

PLACE = "recalculation"
BATCH = 200
Place = dict[str, Any]
BEGINNING: list[Any] = [[""], ""]
# A process goes by a calendar that is at most `current.KEPT_S` old; this is a safe deal more.
SETTLED_AFTER = timedelta(seconds=30)
DATES = ("due_at", "state_due_at", "marks", "is_provisional")
LOG = logging.getLogger(__name__)

Document = dict[str, Any]


def recalculate(couch: Couch, nudges: Nudges, now: datetime, most_s: float = 30.0, batch: int = BATCH) -> int:
    """Go through the townships that have not been through with the calendar that counts now; how many cases got other dates.

    Stops after `most_s`: the next run goes on. Raises the store's errors.
    """
    current.current(couch, is_fresh=True)
    until_s, changed = time.monotonic() + most_s, 0
    for name in couch.all_databases():
        parts = parse(name)
        if parts is None or parts.kind != "cases" or parts.area is None:
            continue
        try:
            while time.monotonic() < until_s:
                found = _go_on(couch, nudges, parts.area, now, batch)
                if found is None:
                    break
                changed += found
        except NotFound:
            continue
    return changed


def _go_on(couch: Couch, nudges: Nudges, township: str, now: datetime, batch: int) -> int | None:
    """One batch of a township: how many cases got other dates; None when it is through."""
    database, identity = couch.database(cases_db(township)), current.current(couch).identity
    saved = database.local_get(PLACE)
    place: Place = {"identity": identity, "after": BEGINNING, "ends": []}
    if saved is not None and saved["identity"] == identity:
        place = saved
    if place["after"] is None and (len(place["ends"]) > 1 or now < times.from_text(place["ends"][0]) + SETTLED_AFTER):
        return None
    designs.install(database, DESIGN)
    rows = _rows(database, place["after"] or BEGINNING, batch)
    cases = {row["id"]: row["doc"] for row in rows if row.get("doc")}
    changed = [case for case in cases.values() if _has_other_dates(couch, case, now)]
    for case in changed:
        key = f"recalculate-{identity}-{case['events']}"
        moves.system_move(couch, nudges, township, case["_id"], "recalculate", {}, key=key, now=now, by="system:calendar")
    is_through = len(rows) < batch
    content = {
        "identity": identity,
        "after": None if is_through else [rows[-1]["key"], rows[-1]["id"]],
        "ends": [*place["ends"], times.to_text(now)] if is_through else place["ends"],
    }
    database.local_put(PLACE, content, rev=saved["_rev"] if saved else None, is_new=saved is None)
    if changed:
        LOG.info("%s: %s cases have other dates by calendar %s", database.name, len(changed), identity)
    return len(changed)


def _rows(database: Database, after: list[Any], batch: int) -> list[Document]:
    """Rows of clocks that run, from a place on. Those that moved meanwhile were computed by the calendar that counts."""
    key, id = after
    page = database.view(DESIGN, "deadlines", startkey=key, startkey_docid=id, limit=batch, include_docs=True)
    return list(page["rows"])


def _has_other_dates(couch: Couch, case: Document, now: datetime) -> bool:
    facts = clock.facts(couch, case, "recalculate", {}, now)
    return any(facts.get(name, case.get(name)) != case.get(name) for name in DATES)
