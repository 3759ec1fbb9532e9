"""Phones: enrolled, found by their token, told what they may open, revoked. `device:<id>` documents of the `devices` database.

A token is `<device id>.<secret>`; only a hash of the secret is kept. A device: `{name, user, token_hash, created_at, expires_at,
revoked_at, wipe, oldest_quarter, unsent, last_seen_on}`; `last_seen_on` is a day, never a time (DESIGN §10).
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from server.domain import times
from server.domain.errors import Forbidden, Missing, NotSignedIn
from server.domain.permissions import Person
from server.people import accounts, reach
from sync import databases
from sync.couch import Couch
from sync.errors import Conflict, NotFound

TOKEN_LASTS = timedelta(days=180)
DEVICE_ID = re.compile(r"[0-9a-z]{16}")
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
    device_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    device: Device = {
        "_id": f"device:{device_id}",
        "type": "device",
        "v": 1,
        "name": name.strip()[:NAME_LENGTH],
        "user": person["name"],
        "token_hash": _hash(secret),
        "created_at": times.to_text(at),
        "expires_at": times.to_text(at + TOKEN_LASTS),
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
    """Who holds this token. Raises NotSignedIn: `token_unknown`, `token_expired` or `token_revoked`."""
    device_id, _, secret = token.partition(".")
    device = _read(couch, device_id)
    if device is None or not hmac.compare_digest(device["token_hash"], _hash(secret)):
        raise NotSignedIn("token_unknown")
    if device["revoked_at"]:
        raise NotSignedIn("token_revoked")
    if (now or datetime.now(UTC)) >= times.from_text(device["expires_at"]):
        raise NotSignedIn("token_expired")
    try:
        return Holder(accounts.find(couch, device["user"]), device)
    except Missing:
        raise NotSignedIn("token_revoked") from None


def databases_of(person: Person, now: datetime, device: Device) -> list[dict[str, Any]]:
    """The databases this device may open now, as `/api/devices` answers: `[{name, pull, push}]`, the current quarter first."""
    return reach.as_json(opened_by(person, now, device))


def opened_by(person: Person, now: datetime, device: Device) -> list[reach.Opened]:
    """The same with the device's own reading log."""
    log = reach.Opened(databases.log_db(device["_id"].partition(":")[2]), pull=False, push=True)
    return [*reach.databases_of(person, now, device.get("oldest_quarter")), log]


def note_unsent(couch: Couch, holder: Holder, unsent: Mapping[str, int], now: datetime | None = None) -> None:
    """Remember what waits on a phone. When nothing does, its old quarters and former grids are no longer kept open for it."""
    at = now or datetime.now(UTC)
    fields: Device = {"unsent": dict(unsent), "last_seen_on": times.to_text(at)[:10]}
    if not any(unsent.values()):
        fields["oldest_quarter"] = databases.quarter_at(at)
    known = holder.device
    if any(known.get(name) != value for name, value in fields.items()):
        _change(couch, holder.device_id, fields)


def revoke(couch: Couch, device_id: str, by: Person, now: datetime | None = None) -> None:
    """Revoke a device and order its wipe. Its owner may, and an administrator. Raises Missing and Forbidden."""
    device = _read(couch, device_id)
    if device is None:
        raise Missing("device_unknown")
    if device["user"] != by["name"] and "admin" not in by["roles"]:
        raise Forbidden("not_your_device")
    if not device["revoked_at"]:
        _change(couch, device_id, {"revoked_at": times.to_text(now or datetime.now(UTC)), "wipe": True})


def _read(couch: Couch, device_id: str) -> Device | None:
    if not DEVICE_ID.fullmatch(device_id):
        return None
    try:
        return couch.database(databases.DEVICES).get(f"device:{device_id}")
    except NotFound:
        return None


def _change(couch: Couch, device_id: str, fields: Device) -> None:
    database = couch.database(databases.DEVICES)
    for attempt in range(TRIES):
        try:
            database.put(database.get(f"device:{device_id}") | fields)
        except Conflict:
            if attempt == TRIES - 1:
                raise
        else:
            return


def _hash(secret: str) -> str:
    # A fast hash is right here: the secret is 256 random bits, not a password.
    return hashlib.sha256(secret.encode()).hexdigest()
