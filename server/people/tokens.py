"""Device tokens: made, compared, renewed. Pure functions of a device's document and a secret; nothing is read or written here.

A token is `<device id>.<secret>`; a device's document keeps hashes only. Past half its life a token is renewed: the answer that
carries the new one may be lost, so the old one stays good until the new one was used, and the new one is always the same: it is
derived from the old secret, which the server never keeps, and a salt, which leaves no server. Once the new one was used, the old
one is good for `OVERLAP` more, for requests that were under way.

Fields of a device: `token_hash`, `expires_at` of the token in use; `renewal` `{salt, hash, expires_at}` of one offered and not
used yet; `replaced` `{salt, hash, until_at}` of the one before.
"""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Any, Literal

from server.domain import times

LASTS = timedelta(days=180)
RENEWED_AFTER = LASTS / 2
OVERLAP = timedelta(minutes=10)
RESCUE = timedelta(days=90)

Device = dict[str, Any]
Which = Literal["current", "renewal", "replaced"]


def make(now: datetime) -> tuple[str, Device]:
    """A new secret, and the fields that keep it."""
    secret = secrets.token_urlsafe(32)
    return secret, {"token_hash": make_hash(secret), "expires_at": times.to_text(now + LASTS)}


def which(device: Device, secret: str) -> Which | None:
    """Which of a device's tokens has this secret; None for none of them."""
    digest = make_hash(secret)
    if hmac.compare_digest(device["token_hash"], digest):
        return "current"
    for kind in ("renewal", "replaced"):
        kept = device.get(kind)
        if kept and hmac.compare_digest(kept["hash"], digest):
            return kind
    return None


def ends_at(device: Device, kind: Which) -> datetime:
    """When that token is over."""
    if kind == "current":
        return times.from_text(device["expires_at"])
    return times.from_text(device["renewal"]["expires_at"] if kind == "renewal" else device["replaced"]["until_at"])


def rescue_until(device: Device, kind: Which) -> datetime:
    """Until when that token, revoked or expired, may still hand in what its phone holds (DESIGN §6.3)."""
    ended = times.from_text(device["revoked_at"]) if device["revoked_at"] else ends_at(device, kind)
    return ended + RESCUE


def renew(device: Device, secret: str, now: datetime) -> Device | None:
    """The fields that begin the renewal of the token in use, or tidy up after the last one; None when there is nothing to do."""
    replaced = device.get("replaced")
    is_over = replaced and replaced["salt"] and now >= times.from_text(replaced["until_at"])
    tidied = {"replaced": replaced | {"salt": ""}} if replaced and is_over else None
    is_due = now >= times.from_text(device["expires_at"]) - (LASTS - RENEWED_AFTER)
    if not is_due or device.get("renewal") or which(device, secret) != "current":
        return tidied
    salt = secrets.token_hex(32)
    digest = make_hash(_next_secret(secret, salt))
    return (tidied or {}) | {"renewal": {"salt": salt, "hash": digest, "expires_at": times.to_text(now + LASTS)}}


def successor(device: Device, secret: str) -> str | None:
    """The secret that whoever holds this one should use from now on; None when this is the right one."""
    kind = which(device, secret)
    kept = device.get({"current": "renewal", "replaced": "replaced"}.get(kind or "", ""))
    return _next_secret(secret, kept["salt"]) if kept and kept["salt"] else None


def promote(device: Device, now: datetime) -> Device:
    """The fields after the offered token was used for the first time."""
    renewal = device["renewal"]
    replaced = {"salt": renewal["salt"], "hash": device["token_hash"], "until_at": times.to_text(now + OVERLAP)}
    return {"token_hash": renewal["hash"], "expires_at": renewal["expires_at"], "renewal": None, "replaced": replaced}


def make_hash(secret: str) -> str:
    """What is kept of a secret. A fast hash is right here: the secret is 256 random bits, not a password."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()


def _next_secret(secret: str, salt: str) -> str:
    digest = hmac.digest(secret.encode(), bytes.fromhex(salt), "sha256")
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
