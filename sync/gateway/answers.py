"""Small JSON answers in the shape that CouchDB's clients understand: `{error, reason}`. How they reach the wire, too."""

from typing import Any

import orjson

from sync.gateway.wire import Send

JSON_HEADERS = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
RETRY_AFTER_S = 5


class Stop(Exception):
    """End the request with this answer. `retry_after_s` is set where trying again later helps."""

    def __init__(self, status: int, error: str, reason: str, retry_after_s: int | None = None) -> None:
        self.status, self.error, self.reason, self.retry_after_s = status, error, reason, retry_after_s
        super().__init__(status, error, reason)


class StoreDown(Stop):
    """The store is away, full, or missed its quorum: nothing is lost, the phone keeps everything and tries again."""

    def __init__(self, reason: str = "store_unreachable") -> None:
        super().__init__(503, "service_unavailable", reason, RETRY_AFTER_S)


async def send_json(send: Send, status: int, value: Any, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    """Send one complete JSON answer."""
    await send_text(send, status, orjson.dumps(value), extra)


async def send_text(send: Send, status: int, body: bytes, extra: list[tuple[bytes, bytes]] | None = None) -> None:
    """Send an answer that is JSON already."""
    headers = [*JSON_HEADERS, (b"content-length", str(len(body)).encode()), *(extra or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def send_stop(send: Send, stop: Stop) -> None:
    """Send the answer that a `Stop` carries."""
    extra = [] if stop.retry_after_s is None else [(b"retry-after", str(stop.retry_after_s).encode())]
    if stop.status == 401:
        extra.append((b"www-authenticate", b"Bearer"))
    await send_json(send, stop.status, {"error": stop.error, "reason": stop.reason}, extra)
