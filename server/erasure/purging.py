"""Tombstones of what was erased go 90 days later, as if their documents had never been: by then phones have heard (one that was
away for longer loads households anew). Marks stay, and with them the refusal. The worker's daily care.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from server.domain import erasure, times
from server.domain.grids import township_of
from server.erasure import callers, carrying, store
from server.erasure.marks import PREFIX, Marks
from sync import databases
from sync.couch import Couch
from sync.errors import NotFound, Refused

KEPT = timedelta(days=90)
KINDS = carrying.COPIES | {"media", "homes"}
# CouchDB takes at most 100 documents in one purge.
BATCH, PAGE = 100, 1000
LOG = logging.getLogger(__name__)
Document = dict[str, Any]


def purge_old(couch: Couch, now: datetime) -> int:
    """Purge tombstones of erasures that are done for so long; how many documents. Where the store does not purge they stay.

    Raises the store's errors.
    """
    count = 0
    for doc in [one for one in store.everything(couch, "erasure:") if _is_over(one, now)]:
        try:
            count += _purge(couch, doc)
        except Refused as error:
            LOG.warning("%s: its tombstones stay: %s", doc["number"], error)
            continue
        store.change(couch, doc["_id"], {"purged_at": times.to_text(now)})
    return count


def _is_over(doc: Document, now: datetime) -> bool:
    is_proved = doc["state"] == "done" and doc.get("proved_at") and not doc.get("purged_at")
    return bool(is_proved) and times.from_text(doc["done_at"]) + KEPT <= now


def _purge(couch: Couch, doc: Document) -> int:
    if doc["what"] == erasure.CALLER:
        return callers.purge(couch, doc)
    found = (one["_id"].removeprefix(PREFIX) for one in store.everything(couch, PREFIX) if one["erasure"] == doc["_id"])
    marks, township, count = Marks(found), township_of(str(doc["grid"])), 0
    for name in couch.all_databases():
        parts = databases.parse(name)
        if parts and parts.kind in KINDS and township in ((parts.grid or "")[:9], parts.area):
            count += _purge_from(couch, name, marks)
    return count


def _purge_from(couch: Couch, name: str, marks: Marks) -> int:
    database, since, count, more = couch.database(name), None, 0, True
    while more:
        try:
            page = database.changes(since, PAGE, style="all_docs", include_docs=False)
        except NotFound:
            return count
        gone = {row["id"]: [leaf["rev"] for leaf in row["changes"]] for row in page.results if _is_gone(row, marks)}
        for start in range(0, len(gone), BATCH):
            database.purge(dict(list(gone.items())[start : start + BATCH]))
        count += len(gone)
        since, more = page.last_seq, page.pending > 0
    return count


def _is_gone(row: Document, marks: Marks) -> bool:
    """True for a tombstone of this erasure; rows of the index are named after their household."""
    id = str(row["id"])
    return bool(row.get("deleted")) and marks.has(id.replace("home:", "household:", 1) if id.startswith("home:") else id)
