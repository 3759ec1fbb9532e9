"""Pushes to phones what is due to them: after everything else that goes out, for a bounded time, and whatever comes of it.

A push service that does not answer is asked once a run, what else is for it waits like what it did not take. A subscription that
is no more goes from its device. What is said is `server/domain/channels.said_to_phone`; sending is `server/push/sending.py`.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from server.domain.channels import said_to_phone
from server.notices import outside, store
from server.people import devices
from server.push import subscriptions
from sync.couch import Couch

TIME_MOST_S = 20.0
UNANSWERED = frozenset({"timeout", "unreachable", "unknown_host"})
LOG = logging.getLogger(__name__)

Document = dict[str, Any]
Now = Callable[[], datetime]
Push = Callable[..., str | None]


def run(couch: Couch, now: Now, by: Push) -> int:
    """Push what is due; how many notices went out. Raises the store's errors."""
    due = outside.due(couch, now(), to_phones=True)
    known = {phone["_id"]: phone["push"] for phone in subscriptions.phones_of(couch)} if due else {}
    silent: set[str] = set()
    until_s, count = time.monotonic() + TIME_MOST_S, 0
    for id, deliveries in due.items():
        if time.monotonic() >= until_s:
            LOG.warning("pushes: not all done in %s s; the rest waits for the next look", TIME_MOST_S)
            break
        claimed = outside.claim(couch, deliveries, now())
        if claimed:
            error = _push(couch, id, known.get(id), claimed, silent, by)
            outside.settle(couch, claimed, now(), error)
            count += 0 if error else len(claimed)
    return count


def _push(  # noqa: PLR0917 - whom, what, past whom
    couch: Couch, id: str, push: Mapping[str, str] | None, claimed: Sequence[Document], silent: set[str], by: Push
) -> str | None:
    """Why one phone's deliveries have to be tried again; None when they are over."""
    notices = list(store.many(couch, [one["notice"] for one in claimed]).values())
    if push is None or not notices:
        return None
    host = str(urlsplit(push["endpoint"]).hostname)
    if host in silent:
        return "silent"
    error = by(push, said_to_phone(notices), is_urgent=any(one["urgency"] != "normal" for one in notices))
    if error == "gone":
        devices.unsubscribe(couch, id, push["endpoint"])
        return None
    if error in UNANSWERED:
        silent.add(host)
    if error:
        LOG.warning("a push service at %s did not take a message: %s", host, error)
    return error
