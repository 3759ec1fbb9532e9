"""Putting refused things into quarantine, durably and once, within what a device is allowed to leave there.

Nothing is answered as kept before this returned. Whose staff decides about an entry is settled here, by what the sender holds.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from server.people import accounts
from server.quarantine import allowances, arrivals, entries
from server.quarantine.allowances import Allowance, Usage
from server.quarantine.entries import Entry, File, Refused, Sender
from server.quarantine.opening import ensure, view
from sync import databases
from sync.couch import Couch
from sync.errors import Conflict, NotFound, Unreachable

TRIES = 20


def keep(couch: Couch, *, database: str, device: str, user: str, doc: Any, reason: str, fields: Mapping[str, str]) -> str:
    """Keep one document that must leave where it is stored; the entry's id. No allowance: the server itself asks."""
    refused, now = [Refused(doc, orjson.dumps(doc), reason, fields)], datetime.now(UTC)
    [entry] = arrivals.entries_of(couch, sender_of(couch, database, device, user), refused, now)
    _write(couch, [entry])
    return str(entry["_id"])


def keep_all(
    couch: Couch,
    database: str,
    device: str,
    user: str,
    refused: Sequence[Refused],
    *,
    allowance: str = entries.PUSHED,
    most: Allowance | None = None,
) -> list[bool]:
    """Keep what a device pushed and must not; for each True, or False when the device has no room left.

    One that is there already costs nothing. Raises the store's errors, and then nothing may be answered as kept.
    """
    sender, now = sender_of(couch, database, device, user), datetime.now(UTC)
    made = arrivals.entries_of(couch, sender, refused, now, allowance)
    return _keep(couch, device, made, allowance, most)


def keep_file(couch: Couch, sender: Sender, file: File, reason: str, *, allowance: str | None = entries.FILES) -> bool:
    """Keep an uploaded file, bytes and all, in one write. False when the device has no room left. Raises the store's errors.

    With `allowance` None it is the server itself that puts a file aside, and there is always room.
    """
    erased = arrivals.entry_of_file(couch, sender, file, datetime.now(UTC))
    if erased:
        _write(couch, [erased])
        return True
    entry = entries.of_file(sender, file, reason, datetime.now(UTC), allowance or entries.FILES)
    attached = {"file": {"content_type": "application/octet-stream", "data": base64.b64encode(file.data).decode()}}
    if allowance is not None:
        return _keep(couch, sender.device, [entry | {"_attachments": attached}], allowance, None)[0]
    _write(couch, [entry | {"_attachments": attached}])
    return True


def sender_of(couch: Couch, database: str, device: str, user: str) -> Sender:
    """Who sent something, with their account when there is one."""
    return Sender(database, device, user, accounts.lookup(couch, user))


def _keep(couch: Couch, device: str, made: Sequence[Entry], allowance: str, most: Allowance | None) -> list[bool]:
    limit, is_recounted = most or allowances.ALLOWANCES[allowance], False
    for _ in range(TRIES):
        counter, known = _present(couch, device, [entry["_id"] for entry in made])
        used = _recount(couch, device, allowance) if is_recounted else allowances.usage(counter, allowance)
        fresh, after = _fitting(made, known, used, limit)
        is_full = len(fresh) + len(known) < len({entry["_id"] for entry in made})
        if is_full and not is_recounted and allowances.is_at_rest(counter, datetime.now(UTC)):
            is_recounted = True
            continue
        if fresh:
            try:
                _reserve(couch, allowances.with_usage(counter, allowance, after, datetime.now(UTC)))
            except Conflict:
                continue
            _write(couch, list(fresh.values()))
        return [entry["_id"] in known or entry["_id"] in fresh for entry in made]
    raise Unreachable("the device's allowance changes too fast")


def _fitting(made: Sequence[Entry], known: set[str], used: Usage, limit: Allowance) -> tuple[dict[str, Entry], Usage]:
    """The new entries there is room for, in order, and what is used with them."""
    fresh: dict[str, Entry] = {}
    for entry in made:
        if entry["_id"] in known or entry["_id"] in fresh:
            continue
        after = used.with_one(entry["size_bytes"])
        if after.is_within(limit):
            fresh[entry["_id"]], used = entry, after
    return fresh, used


def _present(couch: Couch, device: str, ids: Sequence[str]) -> tuple[Entry, set[str]]:
    counter_id = allowances.counter_id(device)
    wanted = list(dict.fromkeys(ids))
    try:
        found = couch.database(databases.QUARANTINE).many([counter_id, *wanted])
    except NotFound:
        found = {}
    return found.get(counter_id) or allowances.fresh(device), {id for id in wanted if found.get(id)}


def _recount(couch: Couch, device: str, allowance: str) -> Usage:
    rows = view(couch, "usage", key=[device, allowance], reduce=True)["rows"]
    return Usage(rows[0]["value"]["count"], rows[0]["value"]["sum"]) if rows else Usage(0, 0)


def _reserve(couch: Couch, counter: Entry) -> None:
    """Count before anything is written, so that pushes at the same time cannot share the same room. Raises Conflict."""
    try:
        couch.database(databases.QUARANTINE).put(counter)
    except NotFound:
        ensure(couch).put(counter)


def _write(couch: Couch, made: Sequence[Entry]) -> None:
    """Write entries; one that is there already is fine."""
    try:
        rows = couch.database(databases.QUARANTINE).bulk(made)
    except NotFound:
        rows = ensure(couch).bulk(made)
    errors = {row["id"]: row["error"] for row in rows if row.get("error", "conflict") != "conflict"}
    if errors:
        raise Unreachable(f"not kept: {errors}")
