"""Signatures between us and a source, both ways: HMAC-SHA256 over the time and the body, with a secret that is kept nowhere.

    X-Xunge-Timestamp: 1764210000            seconds since 1970, at most five minutes off
    X-Xunge-Signature: sha256=<hex of HMAC-SHA256(secret, "<timestamp>." + body)>

A source's secret is made of the server's own (`XUNGE_SECRET`) and the salt in the source's document: neither database nor backup
gives it away. It is shown once, when it is made; a new salt makes a new one and ends the old.
"""

import hashlib
import hmac
from datetime import datetime, timedelta

WINDOW = timedelta(minutes=5)
TIMESTAMP, SIGNATURE = "X-Xunge-Timestamp", "X-Xunge-Signature"


def secret_of(server_secret: str, source: str, salt: str) -> str:
    """The secret of a source: 64 hexadecimal digits."""
    return _derived(server_secret, "signature", source, salt)


def api_key_of(server_secret: str, source: str, salt: str) -> str:
    """The Open311 `api_key` of a source; it says whose it is, so that one look-up finds it."""
    return f"{source}.{_derived(server_secret, 'api-key', source, salt)[:40]}"


def mark_of(secret: str) -> str:
    """What tells, without giving anything away, whether a secret is still the one that was handed out."""
    return hashlib.sha256(secret.encode()).hexdigest()[:12]


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """The value of the signature's header."""
    return "sha256=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def is_signed(secret: str, timestamp: str, signature: str, body: bytes, now: datetime) -> bool:
    """True when the signature is right and made within the window. Takes the same time whatever is wrong with it."""
    is_right = hmac.compare_digest(sign(secret, timestamp, body).encode(), signature.strip().encode())
    is_timely = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12
    return is_right and is_timely and abs(int(timestamp) - now.timestamp()) <= WINDOW.total_seconds()


def headers(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    """The two headers of a body that is sent now."""
    timestamp = str(int(now.timestamp()))
    return {TIMESTAMP: timestamp, SIGNATURE: sign(secret, timestamp, body)}


def _derived(server_secret: str, use: str, source: str, salt: str) -> str:
    return hmac.new(server_secret.encode(), f"{use}\n{source}\n{salt}".encode(), hashlib.sha256).hexdigest()
