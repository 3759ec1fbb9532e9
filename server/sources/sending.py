"""Sends one call-back: a signed POST to the address an administrator wrote down, with short patience and no redirects.

Where it may go is `addresses.py`; what is sent, when and how often `callbacks.py`. What the other side answers is not read.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson

from server.sources import addresses, signing, store
from server.sources.addresses import Address

TIMEOUT = httpx.Timeout(5.0, connect=3.0)
Document = dict[str, Any]


class Sender:
    """Sends in the name of this server. `may_loop` lets loopback addresses pass (tests and the demo)."""

    def __init__(self, server_secret: str, *, may_loop: bool = False, hosts: Collection[str] = ()) -> None:
        self._server_secret = server_secret
        self._may_loop = may_loop
        self._hosts = frozenset(hosts)

    def __call__(self, source: Document, told: Document) -> str | None:
        """Send a message to a source; None when it was taken (2xx), else the code of why not."""
        address = addresses.resolve(source["callback_url"] or "", may_loop=self._may_loop, hosts=self._hosts)
        if isinstance(address, str):
            return address
        body = orjson.dumps(told)
        headers = signing.headers(store.secret_of(self._server_secret, source), body, datetime.now(UTC))
        headers |= {"Content-Type": "application/json", "Idempotency-Key": told["event_id"]}
        status = post(address, body, headers)
        if isinstance(status, str):
            return status
        return None if 200 <= status < 300 else f"http_{status}"


def post(address: Address, body: bytes, headers: Mapping[str, str]) -> int | str:
    """The status that a checked address answers, or `timeout` or `unreachable`. What it says besides is not read."""
    try:
        # The address that was checked is the one that is asked; the certificate is checked for the name.
        with httpx.Client(timeout=TIMEOUT, trust_env=False, follow_redirects=False) as client:
            sent = {**headers, "Host": address.host_header}
            extensions = {"sni_hostname": address.host}
            with client.stream("POST", address.url, content=body, headers=sent, extensions=extensions) as answer:
                return answer.status_code
    except httpx.TimeoutException:
        return "timeout"
    except (httpx.HTTPError, httpx.InvalidURL):
        return "unreachable"
