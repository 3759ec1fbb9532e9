"""Notices of moves: made where the worker looks at what changed in `cases-*`, so that a move itself stays one write.

The worker looks at once after a move (a nudge) and again at every sweep, after a checkpoint it saves last: whatever is killed in
between, the same events make the same notices, once. Who is told what is `server/domain/case_notices.py`.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from server.domain import campaigns, case_notices
from server.notices import store
from sync.couch import Couch

Document = dict[str, Any]


def of_campaigns(couch: Couch, docs: Iterable[Document], now: datetime) -> int:
    """Tell phones of the campaigns among changed documents; how many notices there are."""
    made = [one for doc in docs if doc.get("type") == "campaign" for one in campaigns.tellings_of(doc, now)]
    return len(store.notify_all(couch, made))


def of_events(couch: Couch, cases: Iterable[Sequence[Document]], wanted: Iterable[str], now: datetime) -> int:
    """Tell of those events (`wanted` ids) of these cases (all of each one's, in the fold's order); how many notices there are."""
    asked = set(wanted)
    made = [notice for events in cases for notice in case_notices.of_events(events, asked, now)]
    return len(store.notify_all(couch, made))
