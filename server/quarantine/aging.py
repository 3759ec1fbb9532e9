"""The worker's part, done at every sweep: decisions whose maker was killed are finished, records that were stored after all are
closed, late photos follow their records home, and contents of what was decided go after 90 days.

What waits is never dropped: it grows old where everybody sees it. But for tracks: where somebody walked is erased in time (DESIGN
§10), wherever it lies and whatever was decided.
"""

import logging
from datetime import datetime, timedelta

from server.domain import times, tracks
from server.domain.errors import DomainError
from server.nudges import Nudges
from server.quarantine import adopting, decisions, dismissing, listing
from server.quarantine.entries import Entry, with_defaults
from server.quarantine.opening import DESIGN, ensure, view
from sync import databases, designs
from sync.couch import Couch
from sync.errors import Conflict, NotFound

CONTENTS_KEPT = timedelta(days=90)
# Whoever made a decision a moment ago is most likely still at it.
LEFT_ALONE = timedelta(seconds=30)
MOST = 50
TRACK_OVER = "轨迹保存期已满，内容已删除"
CONTENTS = ("document", "text", "head", "_attachments")
LOG = logging.getLogger(__name__)


class Aging:
    """Remembers, for this process's life, how far it has looked through what waits."""

    def __init__(self) -> None:
        self._cursor: str | None = None
        self._has_views = False

    def run(self, couch: Couch, nudges: Nudges, now: datetime, *, may_empty: bool = True) -> dict[str, int]:
        """One round, bounded; how many entries were finished, closed and emptied. Raises the errors of the store.

        `may_empty` is False while the clock cannot be believed: contents that are gone cannot be reopened.
        """
        if couch.info_of(databases.QUARANTINE) is None:
            return {}
        if not self._has_views:
            designs.install(ensure(couch), DESIGN)
            self._has_views = True
        done = {
            "finished": finish(couch, nudges, now),
            "arrived": self._close_arrived(couch, nudges, now),
            "emptied": empty(couch, now) if may_empty else 0,
            "tracks": empty_tracks(couch, now) if may_empty else 0,
        }
        found = {what: number for what, number in done.items() if number}
        if found:
            LOG.info("quarantine: %s", found)
        return found

    def _close_arrived(self, couch: Couch, nudges: Nudges, now: datetime) -> int:
        """A share of what waits is compared with what is stored; round by round all of it."""
        page = listing.page(couch, listing.EVERYWHERE, "waiting", limit=MOST, cursor=self._cursor)
        self._cursor = page.next
        waiting = [entry for entry in page.entries if entry["state"] == "waiting"]
        return sum(_look_at(couch, nudges, entry, now) is not None for entry in waiting)


def finish(couch: Couch, nudges: Nudges, now: datetime) -> int:
    """Carry out what was decided and not finished; how many decisions. Entries of the first version get their new fields."""
    until = times.to_text(now - LEFT_ALONE)
    rows = view(couch, "unsettled", endkey=until, include_docs=True, limit=MOST)["rows"]
    return sum(_finish(couch, nudges, row["doc"]) for row in rows if row.get("doc"))


def empty(couch: Couch, now: datetime) -> int:
    """Drop the contents of what was decided 90 days ago, file and all; how many. The decision and its reason stay."""
    until = times.to_text(now - CONTENTS_KEPT)
    rows = view(couch, "decided", endkey=until, include_docs=True, limit=MOST)["rows"]
    docs = [_emptied(row["doc"], now) for row in rows if row.get("doc")]
    written = couch.database(databases.QUARANTINE).bulk(docs)
    return sum("error" not in row for row in written)


def empty_tracks(couch: Couch, now: datetime) -> int:
    """Drop what was refused of tracks, in time, decided or not; how many. One that still waited is dismissed by that."""
    until = times.to_text(now - tracks.KEPT)
    rows = view(couch, "tracks", endkey=until, include_docs=True, limit=MOST)["rows"]
    return sum(_empty_track(couch, with_defaults(row["doc"]), now) for row in rows if row.get("doc"))


def _empty_track(couch: Couch, entry: Entry, now: datetime) -> bool:
    try:
        if entry["state"] != "dismissed":
            decision = decisions.make("dismiss", decisions.SERVER, now, reason=TRACK_OVER)
            entry = decisions.settle(couch, decisions.claim(couch, entry, "dismissed", decision), "dismissed")
        couch.database(databases.QUARANTINE).put(_emptied(entry, now))
    except Conflict:
        return False
    return True


def _look_at(couch: Couch, nudges: Nudges, entry: Entry, now: datetime) -> Entry | None:
    return (adopting.follow if entry["is_file"] else adopting.arrive)(couch, nudges, entry, now)


def _finish(couch: Couch, nudges: Nudges, doc: Entry) -> bool:
    entry = with_defaults(doc)
    try:
        if "about" not in doc:
            couch.database(databases.QUARANTINE).put(entry)
        elif entry["decision"]["what"] in dismissing.MOVES:
            dismissing.carry_out(couch, entry)
        else:
            adopting.carry_out(couch, nudges, entry)
    except (Conflict, NotFound):
        return False
    except DomainError as error:
        LOG.warning("%s: what was decided cannot be done: %s", entry["_id"], error.code)
        return False
    return True


def _emptied(doc: Entry, now: datetime) -> Entry:
    kept = {name: value for name, value in doc.items() if name not in CONTENTS}
    decision = {name: value for name, value in doc["decision"].items() if name not in {"doc", "asked"}}
    return kept | {"decision": decision, "erased_at": times.to_text(now)}
