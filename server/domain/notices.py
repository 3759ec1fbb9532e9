"""What a notice is, how long it is kept, and how long it counts as unread. Pure; what is kept where is `server/notices/`.

A notice says codes only: what happened, to which case, by when. Names and contents are looked up by whoever may see them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from server.domain import times

# How long a notice can be read at all, and how long it is counted as unread: nobody acts on what is a month old because of it.
KEPT = timedelta(days=180)
UNREAD = timedelta(days=30)
# Something that happened longer ago than this makes no notice any more, say when a database is gone through anew.
ISSUED = timedelta(days=30)

URGENCIES = ("normal", "urgent", "emergency")
PARTIES_MOST = 50
FACTS_MOST = 20

Document = dict[str, Any]


def notice_id(key: str) -> str:
    """The id of the one notice with this key."""
    return "notice:" + hashlib.sha256(key.encode()).hexdigest()[:32]


def notice(
    *,
    to: Iterable[str],
    what: str,
    subject: str,
    township: str | None,
    facts: Mapping[str, Any],
    key: str,
    at: datetime,
    noted_at: datetime,
    urgency: str = "normal",
) -> Document:
    """A notice's document. `at` is when it happened, `noted_at` when it was written down, which orders what people read."""
    return {
        "_id": notice_id(key),
        "type": "notice",
        "v": 1,
        "to": sorted(set(to))[:PARTIES_MOST],
        "what": what,
        "subject": subject,
        "township": township,
        "urgency": urgency if urgency in URGENCIES else "normal",
        "facts": dict(list(facts.items())[:FACTS_MOST]),
        "key": key,
        "at": times.to_text(at),
        "noted_at": times.to_text(noted_at),
    }


def kind_of(what: str) -> str:
    """What a notice is about: the first word of `case.dispatched`."""
    return what.partition(".")[0]
