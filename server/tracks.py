"""Erasing tracks in time: the worker's daily care. How long one is kept is `server/domain/tracks.py`.

Nobody pulls a track, so nothing has to be told that it is gone: it is purged, and the store gives back its place. A month that is
over goes as a whole. What was refused of tracks lies in quarantine and goes by `server/quarantine/aging.py`.
"""

from collections.abc import Iterator
from datetime import datetime

from server.domain import tracks
from sync import databases
from sync.couch import Couch
from sync.database import Database

# CouchDB takes at most 100 documents in one purge.
BATCH = 100


def erase_old(couch: Couch, now: datetime) -> int:
    """Erase what is older; how many tracks and months. Raises the store's errors."""
    count = 0
    for name in couch.all_databases():
        parts = databases.parse(name)
        if parts is None or parts.kind != "track":
            continue
        if tracks.is_month_over(str(parts.month), now):
            couch.delete(name)
            count += 1
        else:
            count += _erase_from(couch.database(name), now)
    return count


def _erase_from(database: Database, now: datetime) -> int:
    count = 0
    for found in _old_leaves(database, now):
        database.purge(found)
        count += len(found)
    return count


def _old_leaves(database: Database, now: datetime) -> Iterator[dict[str, list[str]]]:
    """Every leaf of the tracks that are over, batch by batch, without reading where they went."""
    since: str | int | None = None
    while True:
        page = database.changes(since, BATCH, style="all_docs", include_docs=False)
        rows = [row for row in page.results if not row.get("deleted") and not row["id"].startswith("_")]
        yield {row["id"]: [one["rev"] for one in row["changes"]] for row in rows if tracks.is_over(row["id"], now)}
        if not page.pending or not page.results:
            return
        since = page.last_seq
