"""Puts what went wrong with an upload into the reader's words: the endpoint below (`media/`) knows codes only and no languages.

An ASGI app around it. Only problem answers are touched, and of them only `title` and `detail`; what the endpoint itself had to
say stays as `hint`, for whoever writes a client.
"""

import orjson
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.web import locale

PROBLEM = "application/problem+json"


class UploadWords:
    """The endpoint with its problems in Chinese or English, as `locale.language_of` says."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; an answer that is no problem goes through as it is."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held: list[Message] = []

        async def send_worded(message: Message) -> None:
            if message["type"] == "http.response.start" and MutableHeaders(raw=message["headers"]).get("content-type") == PROBLEM:
                held.append(message)
            elif held:
                # The endpoint sends a problem in one piece.
                body = _worded(message["body"], locale.language_of(HTTPConnection(scope)))
                start = held.pop()
                MutableHeaders(raw=start["headers"])["content-length"] = str(len(body))
                await send(start)
                await send({**message, "body": body})
            else:
                await send(message)

        await self._app(scope, receive, send_worded)


def _worded(body: bytes, language: str) -> bytes:
    if not body:
        return body
    problem = orjson.loads(body)
    kind = f"error.status_{problem['status'] // 100}xx"
    key = f"error.{problem['code']}"
    said = locale.text(language, key if locale.has_text(key) else kind)
    return orjson.dumps(problem | {"title": locale.text(language, f"{kind}.title"), "detail": said, "hint": problem["detail"]})
