"""Photos whose record never came: they wait 90 days for adoption (DESIGN §6.8), then they are removed, counted and logged.

Never one whose record is there or waits in quarantine. What waiting means is `server/photo_records.py`.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from media import store
from server import photo_records
from server.domain import times
from server.people import reach
from server.quarantine import opening
from sync import designs
from sync.couch import Couch
from sync.database import Database
from sync.databases import parse

KEPT = timedelta(days=90)
DESIGN = "photos"
BATCH = 200
EVERY_S = 6 * 3600.0
WAITING = frozenset({"waiting", "adopting"})
LOG = logging.getLogger(__name__)


class Unclaimed:
    """Looks through the townships when a worker starts and every few hours after."""

    def __init__(self) -> None:
        self._due_s = 0.0

    def run(self, couch: Couch, now: datetime) -> int:
        """`sweep`, when it is time for it; how many photos were removed."""
        if time.monotonic() < self._due_s:
            return 0
        removed = sweep(couch, now)
        self._due_s = time.monotonic() + EVERY_S
        return removed


def sweep(couch: Couch, now: datetime) -> int:
    """Remove what nobody claimed in time; how many photos. Raises the errors of the store."""
    removed = 0
    for name in couch.all_databases():
        parts = parse(name)
        if parts is not None and parts.kind == "media":
            removed += _sweep_township(couch, couch.database(name), now)
    return removed


def _sweep_township(couch: Couch, media: Database, now: datetime) -> int:
    removed, after = 0, None
    designs.install(media, DESIGN)
    before = times.to_text(now - KEPT)
    while True:
        start: dict[str, Any] = {"startkey": after[0], "startkey_docid": after[1]} if after else {}
        rows = media.view(DESIGN, "unclaimed", endkey=before, limit=BATCH + 1, include_docs=True, **start)["rows"]
        fresh = [row for row in rows if after is None or row["id"] != after[1]][:BATCH]
        removed += _remove(couch, media, [row["doc"] for row in fresh if row.get("doc")], now)
        if len(fresh) < BATCH:
            return removed
        after = (fresh[-1]["key"], fresh[-1]["id"])


def _remove(couch: Couch, media: Database, docs: Sequence[dict[str, Any]], now: datetime) -> int:
    held = _held_in_quarantine(couch, [doc["_id"] for doc in docs])
    removed = 0
    for doc in docs:
        if doc["_id"] in held or _may_have_record(couch, media, doc, now):
            continue
        if store.remove_unclaimed(media, doc["_id"]):
            size_bytes = sum(file["size_bytes"] for file in doc["files"].values())
            LOG.warning("%s of %s: removed, %s bytes; no record came in 90 days", doc["_id"], doc["author"], size_bytes)
            removed += 1
    return removed


def _may_have_record(couch: Couch, media: Database, doc: dict[str, Any], now: datetime) -> bool:
    """True when the record is there (it claims its files now), or lies in a quarter that was put away."""
    record = photo_records.find(couch, doc["database"], doc["_id"])
    if record is not None:
        photo_records.settle(couch, media, doc["database"], record, doc)
        return True
    name = parse(doc["database"])
    return name is not None and name.quarter is not None and reach.is_archived(name.quarter, now)


def _held_in_quarantine(couch: Couch, photos: Sequence[str]) -> set[str]:
    """Those whose own record waits for a clerk."""
    if not photos:
        return set()
    # It makes what is not there, so whatever it raises is no sign that nothing waits: then nothing is removed.
    rows = opening.view(couch, "subjects", keys=list(photos), include_docs=True)["rows"]
    entries = [row["doc"] for row in rows if row.get("doc")]
    return {entry["about"]["id"] for entry in entries if entry["state"] in WAITING and not entry["is_file"]}
