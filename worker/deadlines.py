"""Warns of cases whose time is running out: at 50, 80 and 100 % of the whole case's clock, and when a state's time is over.

Exact after any downtime: a township's own database remembers up to which instant everything was said and up to which change every
case was looked at. The view `deadlines` has what fell due since that instant; the changes have what came to lie before it (a date
computed again, a case folded late). Notices come before the place is saved and their ids are their warnings', so this may run
twice, at once, or be killed anywhere. Cases that left the flow meanwhile are not warned of.
"""

import logging
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from server import notices
from server.cases.store import DESIGN
from server.domain import times
from server.domain.case_warnings import Warning, notice_of, warnings_of
from server.domain.notices import ISSUED
from sync import designs, feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import parse
from sync.errors import NotFound

PLACE = "deadlines"
BATCH = 300
LOG = logging.getLogger(__name__)

Document = dict[str, Any]
Place = dict[str, Any]


def warn(couch: Couch, now: datetime, most_s: float = 60.0, batch: int = BATCH) -> int:
    """Say what fell due in every township up to `now`; how many notices were written or were there already.

    Stops after `most_s`: the next run goes on. Raises the store's errors.
    """
    until_s, said = time.monotonic() + most_s, 0
    for name in couch.all_databases():
        parts = parse(name)
        if parts is None or parts.kind != "cases":
            continue
        try:
            said += _warn_in(couch, couch.database(name), now, until_s, batch)
        except NotFound:
            continue
    return said


def _warn_in(couch: Couch, database: Database, now: datetime, until_s: float, batch: int) -> int:
    designs.install(database, DESIGN)
    said = 0
    while time.monotonic() < until_s:
        saved = database.local_get(PLACE)
        place = saved or {"seq": couch.json("GET", [database.name])["update_seq"], "after": [[""], ""]}
        found, further = _next(database, place, now, batch)
        said += len(notices.notify_all(couch, found))
        is_over = further.pop("is_over")
        content = {"seq": further["seq"], "after": further["after"]}
        if saved is None or any(saved[name] != value for name, value in content.items()):
            database.local_put(PLACE, content, rev=saved["_rev"] if saved else None, is_new=saved is None)
        if is_over:
            break
    if said:
        LOG.info("%s: %s warnings", database.name, said)
    return said


def _next(database: Database, place: Place, now: datetime, batch: int) -> tuple[list[Document], Place]:
    """The next notices, and the place behind them."""
    now_text, oldest = times.to_text(now), times.to_text(now - ISSUED)
    page = feed.read_after(database, place["seq"], batch)
    key, id = place["after"]
    # A clock that was set back asks for nothing: the store would refuse a span that ends before it begins.
    span = {"startkey": key, "startkey_docid": id, "endkey": [now_text, {}], "limit": batch}
    rows = database.view(DESIGN, "deadlines", include_docs=True, **span)["rows"] if now_text >= key[0] else []
    found = [(row["doc"], Warning(*row["key"])) for row in rows if row.get("doc")]
    late = [(doc, one) for doc in _cases(page) for one in warnings_of(doc) if one.at <= now_text and one.at <= key[0]]
    said = [(doc, one) for doc, one in [*late, *found] if one.at >= oldest and one in warnings_of(doc)]
    is_full = len(rows) == batch
    after = [rows[-1]["key"], rows[-1]["id"]] if is_full else [[now_text], ""]
    after = after if after[0][0] >= key[0] else place["after"]
    return [notice_of(doc, one, now) for doc, one in said], {
        "seq": page.seq,
        "after": after,
        "is_over": not page.more and not is_full,
    }


def _cases(page: feed.Batch) -> Iterable[Document]:
    return (row["doc"] for row in page.changes if row.get("doc") and row["doc"].get("type") == "case")
