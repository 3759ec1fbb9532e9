"""A phone whose data are gone: storage that a browser cleared takes everything with it that had not arrived yet.

What a phone last said that it holds unsent (`devices.note_unsent`) is all anybody knows of it then. Whoever signs in again is
told, and so is the staff of their townships. That it is the same phone is known by a cookie, which browsers keep when they clear
what scripts wrote; without it the user is asked. A phone that still has its data says so when it signs in, and nothing is lost.

`phones-of:<user>` in `devices` lists a user's phones, the newest last. Fields of a device: `continued_by`, the one that has its
data now; `lost_at`, when its data were found to be gone.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from server import audit
from server.domain import times
from server.domain.errors import Missing
from server.domain.grids import township_of
from server.domain.permissions import Person
from server.notices import store as notices
from server.people.devices import Device, change
from sync.couch import Couch
from sync.databases import DEVICES
from sync.errors import Conflict

PHONES_MOST = 20
TRIES = 5


class Before(NamedTuple):
    """The phone this user had before, and what it last said. `is_certain`: it is this very one."""

    device: str
    name: str
    last_seen_on: str
    records: int
    photos: int
    is_certain: bool


def begin(couch: Couch, person: Person, device: str, *, previous: str, kept: Iterable[str], now: datetime) -> Before | None:
    """Notes a phone that was just enrolled, and what its user may have lost; None when nothing.

    `previous` is the device whose data it still has (or ""), `kept` the ids that its cookie names.
    """
    known = [one for one in _phones(couch, person["name"], device) if _is_open(one)]
    by_id = {str(one["_id"]).removeprefix("device:"): one for one in known}
    if previous in by_id:
        _hand_on(couch, by_id[previous], device)
        return None
    same = next((by_id[id] for id in kept if id in by_id), None)
    if same is not None:
        return _lose(couch, person, same, device, now)
    waiting = [one for one in known if _before(one, is_certain=False).records + _before(one, is_certain=False).photos]
    return _before(waiting[-1], is_certain=False) if waiting else None


def report(couch: Couch, person: Person, lost: str, device: str, now: datetime) -> None:
    """Its user says that it was this phone, and that its data are gone. Again changes nothing. Raises Missing for another's."""
    found = couch.database(DEVICES).find(f"device:{lost}")
    if found is None or found["user"] != person["name"] or lost == device:
        raise Missing("device_unknown")
    if _is_open(found):
        _lose(couch, person, found, device, now)


def _lose(couch: Couch, person: Person, lost: Device, device: str, now: datetime) -> Before:
    """Told first and marked last: whoever is killed in between tells once more, as the same notice."""
    before = _before(lost, is_certain=True)
    if before.records + before.photos:
        townships = sorted({township_of(grid) for grid in person.get("grids", ())})
        facts = {"by": person["name"], "records": before.records, "photos": before.photos, "day": before.last_seen_on}
        key = f"device.lost {before.device}"
        for township in townships:
            notices.notify(
                couch,
                to=[f"township:{township}"],
                what="device.lost",
                subject=str(lost["_id"]),
                key=f"{key} {township}",
                township=township,
                facts=facts,
                at=now,
            )
        audit.note(
            couch, by=person["name"], action="device.lost", subject=str(lost["_id"]), facts=facts | {"now": device}, at=now
        )
    change(couch, str(lost["_id"]), lambda _: {"lost_at": times.to_text(now)})
    return before


def _hand_on(couch: Couch, previous: Device, device: str) -> None:
    """The same data under a new token: what was unsent is unsent still, and its old quarters stay open for it."""
    carried = {name: previous.get(name) for name in ("unsent", "oldest_quarter")}
    change(couch, f"device:{device}", lambda _: carried)
    change(couch, str(previous["_id"]), lambda _: {"continued_by": device, "unsent": None})


def _is_open(device: Device) -> bool:
    return not (device.get("continued_by") or device.get("lost_at") or device["revoked_at"])


def _before(device: Device, *, is_certain: bool) -> Before:
    unsent: dict[str, Any] = device.get("unsent") or {}
    id = str(device["_id"]).removeprefix("device:")
    counts = int(unsent.get("records", 0)), int(unsent.get("photos", 0))
    return Before(id, str(device["name"]), str(device["last_seen_on"]), *counts, is_certain)


def _phones(couch: Couch, user: str, device: str) -> list[Device]:
    """The user's phones before this one, which is added to the list."""
    database, id = couch.database(DEVICES), f"phones-of:{user}"
    for attempt in range(TRIES):
        listed = database.find(id) or {"_id": id, "type": "phones", "v": 1, "devices": []}
        before = [one for one in listed["devices"] if one != device]
        try:
            database.put(listed | {"devices": [*before, device][-PHONES_MOST:]})
        except Conflict:
            if attempt == TRIES - 1:
                raise
            continue
        found = database.many([f"device:{one}" for one in before])
        return [doc for one in before if (doc := found.get(f"device:{one}"))]
    raise AssertionError
