"""Finds what a nudge missed, every minute and when a worker starts (DESIGN §6.4).

It compares update sequences with checkpoints, by equality only. A database known to be dealt with costs a share of one request
for a hundred; only one that moved since is asked for its checkpoint. While many tasks wait, what is found is left to them until
the next sweep: asking for the same again would only make the queue longer.
"""

import contextlib
import logging
from collections.abc import Iterable, Mapping

from media import store as media_store
from server.cases import twin_search
from server.cases.intake import CHECKPOINT, KINDS
from server.cases.store import DESIGN
from server.domain.grids import township_of
from server.households import indexing
from server.nudges import Nudges
from server.queues import CATCH_UP, INTAKE, PHOTOS
from sync import designs, feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import homes_db, parse
from sync.errors import NotFound
from worker import twins
from worker.intake import SWEPT

DERIVED = "derived"
PHOTOS_PAGE = 500
# About as many as are made until the next sweep: with fewer, what a dead broker left takes hours; behind more, new ones wait.
PHOTOS_MOST = 2000
# So many tasks in the queue of photos are work enough: nudging the same photos again and again would bury the others under them.
PHOTOS_WAITING_ENOUGH = 20
# The same for intake; but what was left to the queue once and is still not dealt with at the next sweep may have been lost.
WAITING_ENOUGH = 50
LOG = logging.getLogger(__name__)


class Sweep:
    """Remembers, for this process's life, which databases were found dealt with, and at which sequence."""

    def __init__(self) -> None:
        self._settled: dict[str, str] = {}
        self._compared: dict[str, str] = {}
        self._left: set[str] | None = None
        self._has_views: set[str] = set()

    def note(self, name: str, seq: feed.Seq) -> None:
        """A run of this process has dealt with everything of a database up to a sequence: it is not asked for its checkpoint."""
        if not _township_of(name):
            self._settled[name] = f"{seq} "

    def run(self, couch: Couch, nudges: Nudges) -> int:
        """Look at every database of ours and nudge those that moved; how many. Raises the errors of the store."""
        names = {name: parts.kind for name in couch.all_databases() if (parts := parse(name)) is not None}
        looked_at = [name for name, kind in names.items() if kind in KINDS or kind == "media"]
        nudged = 0
        infos = couch.info(looked_at)
        lives = _lives(couch, looked_at)
        left_before, self._left = self._left, set()
        # The first sweep of a process looks after what its predecessor held when it was killed: it leaves nothing.
        is_busy = left_before is not None and nudges.waiting(INTAKE) + nudges.waiting(CATCH_UP) >= WAITING_ENOUGH
        for name, info in infos.items():
            life = lives.get(_township_of(name), "")
            if info is None or self._settled.get(name) == f"{info['update_seq']} {life}":
                continue
            if is_busy and names[name] != "media" and name not in (left_before or ()):
                self._left.add(name)
                continue
            try:
                database = couch.database(name)
                self._renew_views(database, names[name])
                if names[name] == "media":
                    is_settled = _look_for_photos(database, nudges)
                else:
                    is_settled = _look(database, str(info["update_seq"]), life, nudges)
            except NotFound:
                continue
            if is_settled:
                self._settled[name] = f"{info['update_seq']} {life}"
            else:
                nudged += 1
        self._compare(couch, nudges, {name: str(info["update_seq"]) for name, info in infos.items() if info})
        return nudged

    def _compare(self, couch: Couch, nudges: Nudges, sequences: Mapping[str, str]) -> None:
        """Townships whose cases or photos were not all compared with their neighbours are nudged, too."""
        for name, seq in sequences.items():
            parts = parse(name)
            if parts and parts.area and self._compared.get(name) != seq:
                with contextlib.suppress(NotFound):
                    if _look_for_twins(couch.database(name), parts.area, seq, nudges):
                        self._compared[name] = seq

    def _renew_views(self, database: Database, kind: str) -> None:
        """The views of this version of the program, asked after once for each township and process."""
        if kind == "cases" and database.name not in self._has_views:
            if designs.install(database, DESIGN):
                LOG.info("%s: views renewed", database.name)
            self._has_views.add(database.name)


def _look(database: Database, update_seq: str, life: str, nudges: Nudges) -> bool:
    """True when everything up to the sequence is taken in, into the index of household files, too; else a nudge is sent."""
    is_read = any(str(feed.checkpoint(database, name)) == update_seq for name in (CHECKPOINT, SWEPT))
    is_home = bool(_township_of(database.name))
    if is_read and (not is_home or (life and indexing.is_in_step(database, life, update_seq))):
        return True
    nudges.nudge(database.name, seen=update_seq, insist=True)
    return False


def _township_of(name: str) -> str:
    """The township whose index of household files a database is read for; "" for all others."""
    parts = parse(name)
    return township_of(parts.grid) if parts and parts.grid and parts.kind in indexing.KINDS else ""


def _lives(couch: Couch, names: Iterable[str]) -> dict[str, str]:
    """Which life each township's index of household files is in; without an index, none."""
    found = {}
    for township in {_township_of(name) for name in names} - {""}:
        with contextlib.suppress(NotFound):
            found[township] = indexing.life_of(couch.database(homes_db(township)))
    return found


def _look_for_twins(database: Database, township: str, update_seq: str, nudges: Nudges) -> bool:
    """True when what a database of cases or photos has was compared; else a nudge is sent."""
    if any(str(feed.checkpoint(database, one)) == update_seq for one in (twin_search.CHECKPOINT, twins.SWEPT)):
        return True
    nudges.nudge_twins(township, database=database.name, seen=update_seq, insist=True)
    return False


def _look_for_photos(database: Database, nudges: Nudges) -> bool:
    """Nudge photos that wait for their sizes; the checkpoint stays before the first of them. True when there is none."""
    since, nudged = feed.checkpoint(database, DERIVED), 0
    while True:
        page = feed.read_after(database, since, PHOTOS_PAGE)
        waiting = [row["id"] for row in page.changes if row.get("doc") and media_store.needs_sizes(row["doc"])]
        if waiting and not nudged and nudges.waiting(PHOTOS) >= PHOTOS_WAITING_ENOUGH:
            return False
        for photo in waiting:
            nudges.nudge_photo(database.name, photo, insist=True)
        nudged += len(waiting)
        since = page.seq
        if nudged >= PHOTOS_MOST or not page.more:
            break
    if nudged:
        LOG.info("%s: %s photos wait for their sizes", database.name, nudged)
        return False
    feed.save(database, DERIVED, since)
    return True
