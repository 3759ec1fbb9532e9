"""One line a request in the log, with an id that the answer carries too. No bodies, no queries, no cookies: they hold names."""

import re
import secrets
import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
log = structlog.get_logger("access")


class AccessLog:
    """Times each request and logs it when its answer has been sent, or could not be."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        asked = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"").decode("latin-1")
        request_id = asked if REQUEST_ID.fullmatch(asked) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        started_s, status = time.perf_counter(), 0

        async def send_marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = [pair for pair in message.get("headers", ()) if pair[0].lower() != b"x-request-id"]
                message["headers"] = [*headers, (b"x-request-id", request_id.encode("ascii"))]
            await send(message)

        try:
            await self.app(scope, receive, send_marked)
        finally:
            took_ms = round((time.perf_counter() - started_s) * 1000, 1)
            write = log.debug if _is_routine(scope["path"], status) else log.info
            write("request", method=scope["method"], path=scope["path"], status=status, ms=took_ms, request_id=request_id)


def _is_routine(path: str, status: int) -> bool:
    """A phone's replication that went well: most requests of all, and nothing to tell from one of them."""
    return path.startswith("/db/") and 200 <= status < 400
