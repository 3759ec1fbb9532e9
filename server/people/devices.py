"""Phones: enrolled, found by their token, told what they may open, revoked. `device:<id>` documents of the `devices` database.

A device: `{name, user, created_at, revoked_at, wipe, oldest_quarter, settled_at, unsent, last_seen_on}` and the hashes of its
token (`tokens.py`). `oldest_quarter` is the oldest one it may hold something unsent from, `settled_at` when it last said that it
holds nothing; `last_seen_on` is a day, never a time (DESIGN §10). `push`: while it wants to be pushed to (`server/push/`).
"""

import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from server.domain import times
from server.domain.errors import Forbidden, InvalidInput, Missing, NotSignedIn
from server.domain.permissions import Person
from server.people import accounts, reach, tokens
from sync import databases
from sync.couch import Couch
from sync.errors import Conflict, NotFound

DEVICE_ID = re.compile(r"[0-9a-z]{16}")
QUARTER = re.compile(databases.QUARTER, re.ASCII)
NAME_LENGTH = 100
TRIES = 5

Device = dict[str, Any]


class Holder(NamedTuple):
    """Who holds a token: the person's account and the device's document."""

    person: Person
    device: Device

    @property
    def device_id(self) -> str:
        """The device's id as documents carry it."""
        return str(self.device["_id"].partition(":")[2])


def enrol(couch: Couch, person: Person, name: str, now: datetime | None = None) -> tuple[Device, str]:
    """Make a device for a person; its document and its token, which is shown this once."""
    at = now or datetime.now(UTC)
    device_id = secrets.token_hex(8)
    secret, kept = tokens.make(at)
    device: Device = {
        "_id": f"device:{device_id}",
        "type": "device",
        "v": 1,
        "name": name.strip()[:NAME_LENGTH],
        "user": person["name"],
        **kept,
        "created_at": times.to_text(at),
        "revoked_at": None,
        "wipe": False,
        "oldest_quarter": databases.quarter_at(at),
        "unsent": None,
        "last_seen_on": times.to_text(at)[:10],
    }
    couch.create(databases.DEVICES, replicated=False)
    device["_rev"] = couch.database(databases.DEVICES).put(device)
    return device, f"{device_id}.{secret}"


def find(couch: Couch, token: str, now: datetime | None = None) -> Holder:
    """Who holds this token. The first use of a renewed one ends the one before.

    Raises NotSignedIn: `token_unknown`, `token_expired` or `token_revoked`; of the last two `facts` say whether the phone must
    `wipe` itself and until when it may `/api/rescue` what it holds (`rescue_until`).
    """
    at = now or datetime.now(UTC)
    device, kind = _recognise(couch, token)
    ended = {"wipe": bool(device["wipe"]), "rescue_until": times.to_text(tokens.rescue_until(device, kind))}
    if device["revoked_at"]:
        raise NotSignedIn("token_revoked", **ended)
    if at >= tokens.ends_at(device, kind):
        raise NotSignedIn("token_expired", **ended)
    try:
        person = accounts.find(couch, device["user"])
    except Missing:
        raise NotSignedIn("token_revoked", **ended) from None
    if kind == "renewal":
        device = change(couch, str(device["_id"]), lambda known: tokens.promote(known, at) if known.get("renewal") else None)
    return Holder(person, device)


def find_for_rescue(couch: Couch, token: str, now: datetime | None = None) -> Holder:
    """Who holds, or held until at most 90 days ago, this token; good for `/api/rescue` and nothing else.

    A locked-out account's phone hands in what it holds, too. Raises NotSignedIn like `find`.
    """
    device, kind = _recognise(couch, token)
    until = tokens.rescue_until(device, kind)
    if (now or datetime.now(UTC)) >= until:
        facts = {"wipe": bool(device["wipe"]), "rescue_until": times.to_text(until)}
        raise NotSignedIn("token_revoked" if device["revoked_at"] else "token_expired", **facts)
    try:
        person: Person = couch.database(databases.PEOPLE).get(f"user:{device['user']}")
    except NotFound:
        person = {"name": device["user"], "display": {}, "roles": [], **{field: [] for field in accounts.HELD}}
    return Holder(person, device)


def renew(couch: Couch, holder: Holder, token: str, now: datetime | None = None) -> str | None:
    """The token that this phone should use from now on, or None when its own is good for long.

    Asked again it is the same: an answer that was lost costs nothing (`tokens.py`).
    """
    at, secret = now or datetime.now(UTC), token.partition(".")[2]
    device = holder.device
    if tokens.renew(device, secret, at) is not None:
        device = change(couch, str(device["_id"]), lambda known: tokens.renew(known, secret, at))
    following = tokens.successor(device, secret)
    return f"{holder.device_id}.{following}" if following else None


def databases_of(person: Person, now: datetime, device: Device) -> list[dict[str, Any]]:
    """The databases this device may open now, as `/api/devices` answers: `[{name, pull, push}]`, the current quarter first."""
    return reach.as_json(opened_by(person, now, device))


def opened_by(person: Person, now: datetime, device: Device) -> list[reach.Opened]:
    """The same with the device's own reading log."""
    log = reach.Opened(databases.log_db(device["_id"].partition(":")[2]), pull=False, push=True)
    return [*reach.databases_of(person, now, device.get("oldest_quarter"), device.get("settled_at")), log]


def note_unsent(
    couch: Couch,
    holder: Holder,
    unsent: Mapping[str, int],
    now: datetime | None = None,
    *,
    oldest_quarter: str | None = None,
) -> None:
    """Remember what waits on a phone, and the oldest quarter any of it is from (None: the phone does not say).

    When nothing waits, its old quarters and former grids are no longer kept open for it; else they stay open, push-only, from
    that quarter on. It may be older than what was known: a phone that signs in anew brings what it had. Raises InvalidInput.
    """
    at = now or datetime.now(UTC)
    if oldest_quarter is not None and not QUARTER.fullmatch(oldest_quarter):
        raise InvalidInput({"oldest_quarter": "invalid"})
    fields: Device = {"unsent": dict(unsent), "last_seen_on": times.to_text(at)[:10]}
    if oldest_quarter is not None:
        fields["oldest_quarter"] = min(oldest_quarter, databases.quarter_at(at))
    elif not any(unsent.values()):
        fields["oldest_quarter"] = databases.quarter_at(at)
        if reach.has_former_grids(holder.person, at, holder.device.get("settled_at")):
            fields["settled_at"] = times.to_text(at)
    known = holder.device
    if any(known.get(name) != value for name, value in fields.items()):
        change(couch, str(known["_id"]), lambda _: fields)


def subscribe(couch: Couch, device: str, push: Mapping[str, str]) -> None:
    """Remember a device's one push subscription (`server/push/subscriptions.py`), in place of any before."""
    change(couch, device, lambda known: None if known.get("push") == push else {"push": dict(push)})


def unsubscribe(couch: Couch, device: str, endpoint: str | None = None) -> None:
    """Forget it; with an endpoint only while it is still that one. `device` is the document's id."""

    def forget(known: Device) -> Device | None:
        held = known.get("push")
        return {"push": None} if held and endpoint in {None, held["endpoint"]} else None

    change(couch, device, forget)


def revoke(couch: Couch, device_id: str, by: Person, now: datetime | None = None) -> None:
    """Revoke a device and order its wipe. Its owner may, and an administrator. Raises Missing and Forbidden."""
    device = _read(couch, device_id)
    if device is None:
        raise Missing("device_unknown")
    if device["user"] != by["name"] and "admin" not in by["roles"]:
        raise Forbidden("not_your_device")
    fields = {"revoked_at": times.to_text(now or datetime.now(UTC)), "wipe": True, "push": None}
    change(couch, str(device["_id"]), lambda known: None if known["revoked_at"] else fields)


def _recognise(couch: Couch, token: str) -> tuple[Device, tokens.Which]:
    device_id, _, secret = token.partition(".")
    device = _read(couch, device_id)
    kind = tokens.which(device, secret) if device else None
    if device is None or kind is None:
        raise NotSignedIn("token_unknown")
    return device, kind


def _read(couch: Couch, device_id: str) -> Device | None:
    if not DEVICE_ID.fullmatch(device_id):
        return None
    try:
        return couch.database(databases.DEVICES).get(f"device:{device_id}")
    except NotFound:
        return None


def change(couch: Couch, id: str, make: Callable[[Device], Device | None]) -> Device:
    """The document with what `make` changes of it (None: nothing), whoever else writes it meanwhile. Raises Conflict."""
    database = couch.database(databases.DEVICES)
    for attempt in range(TRIES):
        known = database.get(id)
        fields = make(known)
        if fields is None:
            return known
        try:
            return known | fields | {"_rev": database.put(known | fields)}
        except Conflict:
            if attempt == TRIES - 1:
                raise
    raise AssertionError
