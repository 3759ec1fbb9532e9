"""Carrying an erasure out: everything of it, database by database, and again a while later, which proves that nothing came back.

It needs nothing but marks and the grid, so it may be killed at any write, run twice or at once, and run again ends the same:
what is closed is met again by its mark, and what was made of it is asked for once more. The state is written last. The worker
asks for it (`worker/erasures.py`).
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from server.domain import erasure, times
from server.domain.grids import township_of
from server.erasure import callers, store, sweeping, traces
from server.erasure.marks import Marks
from sync import databases
from sync.couch import Couch

# What a server that had not heard of a mark yet let in at that moment is taken out by a second run.
PROVED_AFTER = timedelta(minutes=5)
# A note about a note about a visit: so deep what belongs together goes, and some to spare.
PASSES_MOST = 12
RECORDS = frozenset({"home", "home-quarter"})
COPIES = frozenset({"home", "home-quarter", "grid", "beat"})
LOG = logging.getLogger(__name__)
Document = dict[str, Any]
Tell = Callable[[int, int], object]


def _nobody(done: int, of: int) -> None:
    """Whom to tell when nobody waits."""


def due(couch: Couch, now: datetime) -> list[Document]:
    """Erasures with something to do, the oldest first: asked for, or done and not proved yet."""
    found = [doc for doc in store.everything(couch, "erasure:") if _is_due(doc, now)]
    return sorted(found, key=lambda doc: str(doc["at"]))


def carry_out(couch: Couch, doc: Document, now: datetime) -> set[str]:
    """Do all of an erasure, or the rest of it, and say so; which databases phones should look at. Raises the store's errors."""
    is_second = doc["state"] == "done"

    def tell(done: int, of: int) -> None:
        if not is_second:
            store.change(couch, doc["_id"], {"steps": {"done": done, "of": of}})

    own: list[str] = []
    if doc["what"] == erasure.CALLER:
        # No phone has it.
        callers.clear(couch, doc, is_second=is_second)
        tell(1, 1)
    else:
        own = clear(couch, str(doc["grid"]), store.load(couch), doc["_id"], now, tell)
    told: Document = {"counts": store.counts(couch, doc["_id"])}
    at = times.to_text(now)
    told |= {"proved_at": at} if is_second else {"state": "done", "done_at": at}
    LOG.info("%s: %s", doc["number"], told)
    store.change(couch, doc["_id"], told)
    return set(own)


def clear(  # noqa: PLR0917 - where, what, by whose erasure, and whom to tell
    couch: Couch, grid: str, marks: Marks, erasure_id: str, now: datetime, tell: Tell = _nobody
) -> list[str]:
    """Take what is marked out of a grid's household records, of copies elsewhere in its township, of all made of them. The grid's
    databases."""
    township = township_of(grid)
    kinds = {name: parts for name in couch.all_databases() if (parts := databases.parse(name))}
    own = sorted(name for name, parts in kinds.items() if parts.grid == grid and parts.kind in RECORDS)
    others = sorted(
        name for name, parts in kinds.items() if name not in own and parts.kind in COPIES and (parts.grid or "")[:9] == township
    )
    of = len(own) + 3
    found: sweeping.Found = {}
    for _ in range(PASSES_MOST):
        has_written = False
        for at, name in enumerate(own):
            swept = sweeping.sweep(couch, name, marks, erasure_id, now)
            found |= swept.found
            has_written = has_written or swept.has_written
            tell(at + 1, of)
        # Refused copies belong to each other and to records, and records to them.
        if not (traces.clear_quarantine(couch, marks, erasure_id, now) or has_written):
            break
    for name in others:
        if sweeping.look_up(couch, name, found, marks):
            traces.give_back(couch, name)
    tell(len(own) + 1, of)
    traces.clear_index(couch, township, grid, found)
    tell(len(own) + 2, of)
    traces.clear_files(couch, township, found, marks)
    for name in own:
        traces.give_back(couch, name)
    tell(of, of)
    return own


def _is_due(doc: Document, now: datetime) -> bool:
    if doc["state"] == "asked":
        return True
    return not doc.get("proved_at") and times.from_text(doc["done_at"]) + PROVED_AFTER <= now
