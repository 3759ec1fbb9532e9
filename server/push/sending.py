"""One message to one push service: encrypted for the phone (RFC 8291), signed by this server (RFC 8292), with short patience.

Its address was given by a device: it is asked only by https and at public addresses, the one that was looked up and no other
(`server/sources/addresses.py`), without redirects, and what it answers is not read.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import orjson
from py_vapid import Vapid02
from pywebpush import WebPusher

from server.push.keys import private_key
from server.settings import Settings
from server.sources import addresses
from server.sources.addresses import Address
from server.sources.sending import post

KEPT_S = 12 * 3600
SIGNED_FOR = timedelta(hours=6)
# A message that was not delivered yet is replaced by the next one: one line on the screen is enough.
TOPIC = "xunge"
# What push services answer for a subscription that is no more, or was made with another key than ours.
GONE = frozenset({403, 404, 410})

Check = Callable[[str], Address | str]


def public_only(url: str) -> Address | str:
    """The address to ask, or the code of why it must not be asked."""
    if urlsplit(url).scheme != "https":
        return "not_https"
    return addresses.resolve(url, may_loop=False, only_public=True)


class Sender:
    """Sends in the name of this server. `check` says where a message may go."""

    def __init__(self, settings: Settings, check: Check = public_only) -> None:
        self._settings, self._check = settings, check

    def __call__(self, push: Mapping[str, str], said: Mapping[str, str], *, is_urgent: bool = False) -> str | None:
        """Send a message; None when it was taken, `gone` when the subscription is no more, else the code of why not."""
        address = self._check(push["endpoint"])
        if isinstance(address, str):
            return address
        keys = {"p256dh": push["p256dh"], "auth": push["auth"]}
        pusher = WebPusher({"endpoint": push["endpoint"], "keys": keys})
        body = pusher.encode(orjson.dumps(dict(said)), content_encoding="aes128gcm")["body"]
        status = post(address, body, self._headers(push["endpoint"], is_urgent))
        if isinstance(status, str):
            return status
        if status in GONE:
            return "gone"
        return None if 200 <= status < 300 else f"http_{status}"

    def _headers(self, endpoint: str, is_urgent: bool) -> dict[str, str]:
        parts, public = urlsplit(endpoint), urlsplit(self._settings.public_url)
        subject = self._settings.public_url if public.scheme == "https" else f"mailto:xunge@{public.hostname or 'localhost'}"
        until = int((datetime.now(UTC) + SIGNED_FOR).timestamp())
        claims = {"sub": subject, "aud": f"{parts.scheme}://{parts.netloc}", "exp": until}
        signed: dict[str, str] = Vapid02(private_key=private_key(self._settings.secret)).sign(claims)
        return signed | {
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(KEPT_S),
            "Topic": TOPIC,
            "Urgency": "high" if is_urgent else "normal",
        }
