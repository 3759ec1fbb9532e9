"""Which phones want to be pushed to: one subscription a device, `push` of its document, gone with a sign-out or a revocation.

`{"endpoint", "p256dh", "auth"}`, as the phone's browser gave them: an address of its push service, and keys that only that phone
opens messages with. All of it comes from a device and is checked here; where the address leads is asked again at each sending.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from server.domain import channels
from server.domain.errors import InvalidInput
from server.domain.parties import phone_parties_of
from server.domain.permissions import Person
from server.sealing import CURVE
from server.sources import addresses
from sync import databases
from sync.couch import Couch
from sync.errors import NotFound

AUTH_BYTES = 16
DEVICES_MOST = 20_000
Document = dict[str, Any]


def checked(endpoint: str, p256dh: str, auth: str) -> dict[str, str]:
    """A subscription as it is kept. Raises InvalidInput."""
    wrong = {}
    if addresses.whats_wrong(endpoint) or urlsplit(endpoint).scheme != "https":
        wrong["endpoint"] = "invalid"
    if not _is_point(_bytes(p256dh)):
        wrong["p256dh"] = "invalid"
    if len(_bytes(auth)) != AUTH_BYTES:
        wrong["auth"] = "invalid"
    if wrong:
        raise InvalidInput(wrong)
    return {"endpoint": endpoint, "p256dh": p256dh, "auth": auth}


def phones_of(couch: Couch) -> list[Document]:
    """Every phone that is subscribed, as a channel of its user's parties (`channels.of_phone`)."""
    try:
        devices = couch.database(databases.DEVICES).range("device:", "device:\ufff0", DEVICES_MOST)
    except NotFound:
        return []
    wanted = [device for device in devices if device.get("push") and not device.get("revoked_at")]
    people = _people(couch, {device["user"] for device in wanted})
    return [
        channels.of_phone(device["_id"], sorted(phone_parties_of(people[device["user"]])), device["push"])
        for device in wanted
        if device["user"] in people
    ]


def _people(couch: Couch, names: set[str]) -> dict[str, Person]:
    found = couch.database(databases.PEOPLE).many([f"user:{name}" for name in sorted(names)])
    return {doc["name"]: doc for doc in found.values() if doc and not doc.get("disabled")}


def _bytes(text: str) -> bytes:
    """What base64url says, with or without padding; nothing when it is none."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_point(data: bytes) -> bool:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(CURVE, data)
    except ValueError:
        return False
    return True


def is_same(push: Mapping[str, Any] | None, other: Mapping[str, Any]) -> bool:
    """True when a device still has this subscription, and no newer one."""
    return push is not None and push["endpoint"] == other["endpoint"]
