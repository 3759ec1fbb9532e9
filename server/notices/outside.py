"""Notices on their way out: which channels there are, and what is due to each. Sending is `worker/notices.py`.

    {"_id": "channel:<id>", "type": "channel", …}                             `server/domain/channels.py`; `url` is a secret
    {"_id": "delivery:<hash of channel and notice>", "type": "delivery", "channel", "notice", "state", "due_at", "tries",
     "error", "noted_at"}                                                       waiting → sending → sent | waiting | dead
    (`channel` of a phone that wants it is its `device:<id>`; what its push service never took is `dropped`)

Everything here may be killed anywhere: deliveries have derived ids, the checkpoint is saved last. Who sends claims first, by the
revision; a claim that nobody finished is taken again after two minutes, so a message may go twice then, with the same number.
"""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from server.domain import channels, times
from server.domain.errors import Changed, Missing
from server.notices import store
from sync import databases, designs, feed
from sync.couch import Couch
from sync.errors import NotFound

CHECKPOINT, BATCH = "outside", 200
CHANNELS_MOST, DUE_MOST, DEAD_MOST = 200, 200, 200
CLAIMED = timedelta(minutes=2)

Document = dict[str, Any]


def channels_of(couch: Couch) -> list[Document]:
    """All channels, secrets included: for sending, never for showing."""
    try:
        return couch.database(databases.NOTICES).range("channel:", "channel:\ufff0", CHANNELS_MOST)
    except NotFound:
        return []


def add_channel(couch: Couch, fields: Mapping[str, Any]) -> str:
    """A new channel; its id. Raises InvalidInput."""
    doc = {"_id": f"channel:{secrets.token_hex(8)}", "type": "channel", "v": 1, **channels.checked(fields)}
    store.write(couch, [doc])
    return str(doc["_id"])


def channel_of(couch: Couch, id: str) -> Document:
    """One channel, its secret included. Raises Missing."""
    channel = store.many(couch, [f"channel:{id}"]).get(f"channel:{id}")
    if channel is None:
        raise Missing
    return channel


def change_channel(couch: Couch, id: str, fields: Mapping[str, Any]) -> Document:
    """Other fields for a channel; without an address it keeps the one it has. Raises InvalidInput, Missing, Changed."""
    channel = channel_of(couch, id)
    changed = channel | channels.checked({**fields, "url": fields.get("url") or channel["url"]})
    if store.write(couch, [changed]):
        raise Changed
    return changed


def remove_channel(couch: Couch, id: str) -> Document:
    """Take a channel away with its secret; it as it was. What was on its way to it is dropped. Raises Missing."""
    channel = channel_of(couch, id)
    store.write(couch, [{"_id": channel["_id"], "_rev": channel["_rev"], "_deleted": True}])
    return channel


def plan(couch: Couch, now: datetime, phones_of: Callable[[Couch], Sequence[Document]] = lambda _: ()) -> int:
    """Deliveries of the notices that came since the last time; how many. Raises the store's errors.

    `phones_of`: the phones that want to be told, as channels; asked when there is something that phones may be told.
    """
    found, count = channels_of(couch), 0
    database = couch.database(databases.NOTICES)
    try:
        designs.install(database, store.DESIGN)
    except NotFound:
        return 0
    while True:
        page = feed.read(database, CHECKPOINT, BATCH)
        fresh = [doc for row in page.changes if (doc := row.get("doc") or {}).get("type") == "notice"]
        phones = phones_of(couch) if any(channels.is_for_phones(notice) for notice in fresh) else ()
        wanted = [*found, *phones]
        made = [_delivery(channel, notice, now) for notice in fresh for channel in wanted if channels.takes(channel, notice)]
        store.write(couch, made)
        count += len(made)
        feed.finish(database, CHECKPOINT, page)
        if not page.more:
            return count


def due(couch: Couch, now: datetime, *, to_phones: bool = False) -> dict[str, list[Document]]:
    """Deliveries that are to go out now, by channel, oldest first; such as somebody claimed and did not finish included. Those to
    phones are asked for apart."""
    spans, kind = (("waiting", now), ("sending", now - CLAIMED)), "phone " if to_phones else ""
    rows = [row for state, until in spans for row in _rows(couch, kind + state, times.to_text(until), DUE_MOST)]
    found: dict[str, list[Document]] = {}
    for row in rows:
        found.setdefault(row["doc"]["channel"], []).append(row["doc"])
    return found


def claim(couch: Couch, deliveries: Sequence[Document], now: datetime) -> list[Document]:
    """Those of these deliveries that are this caller's to send; somebody else has the others."""
    claimed = [one | {"state": "sending", "due_at": times.to_text(now), "tries": one["tries"] + 1} for one in deliveries]
    lost = store.write(couch, claimed)
    present = store.many(couch, [one["_id"] for one in claimed if one["_id"] not in lost])
    return list(present.values())


def settle(couch: Couch, deliveries: Sequence[Document], now: datetime, error: str | None = None) -> None:
    """They were sent, or were not: tried again later, or dead after the last try. A phone's are dropped instead: it asks by
    itself, and nobody need look at why its push service did not take them."""
    docs = []
    for one in deliveries:
        is_phone = one["channel"].startswith("device:")
        most = channels.PHONE_TRIES_MOST if is_phone else channels.TRIES_MOST
        again = channels.retry_at(one["tries"], now, most) if error else None
        state = ("waiting" if again else "dropped" if is_phone else "dead") if error else "sent"
        docs.append(one | {"state": state, "due_at": times.to_text(again or now), "error": error})
    store.write(couch, docs)


def dead(couch: Couch) -> list[Document]:
    """Deliveries that were given up, newest last."""
    return [row["doc"] for row in _rows(couch, "dead", "\ufff0", DEAD_MOST)]


def revive(couch: Couch, id: str, now: datetime) -> None:
    """Try a dead delivery again, from the beginning. Raises Missing."""
    doc = store.many(couch, [f"delivery:{id}"]).get(f"delivery:{id}")
    if doc is None or doc["state"] != "dead":
        raise Missing
    store.write(couch, [doc | {"state": "waiting", "tries": 0, "due_at": times.to_text(now)}])


def _delivery(channel: Document, notice: Document, now: datetime) -> Document:
    digest = hashlib.sha256(f"{channel['_id']} {notice['_id']}".encode()).hexdigest()[:32]
    return {
        "_id": f"delivery:{digest}",
        "type": "delivery",
        "v": 1,
        "channel": channel["_id"],
        "notice": notice["_id"],
        "state": "waiting",
        "due_at": times.to_text(channels.due_at(channel, notice["urgency"], now)),
        "tries": 0,
        "error": None,
        "noted_at": times.to_text(now),
    }


def _rows(couch: Couch, state: str, until: str, limit: int) -> list[Document]:
    rows = store.view(couch, "deliveries", startkey=[state], endkey=[state, until], include_docs=True, limit=limit)
    return [row for row in rows if row.get("doc")]
