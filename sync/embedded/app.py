"""The ASGI application: who may enter, which handler answers, and how a refusal looks."""

import base64
import hmac
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from sync.embedded.exchange import Answer, Receive, Request, Scope, Send, answer_json
from sync.embedded.node import Node
from sync.embedded.refusals import Refusal, not_implemented
from sync.embedded.routing import find_handler

_LOG = logging.getLogger("xunge.store")
_OPEN_PATHS: tuple[list[str], ...] = ([], ["_up"])

App = Callable[[Scope, Receive, Send], Awaitable[None]]


def create_app(data_dir: Path, admin: str) -> "EmbeddedNode":
    """The node over the databases in `data_dir`; `admin` is `user:password`, the only account there is."""
    return EmbeddedNode(Node(Path(data_dir), admin))


class EmbeddedNode:
    """ASGI: `http` and `lifespan`."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._credentials = base64.b64encode(node.admin.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one connection of uvicorn."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._answer(Request(scope, receive, send))

    async def _answer(self, request: Request) -> None:
        try:
            self._admit(request)
            answer = await find_handler(request)(self.node, request)
        except Refusal as refusal:
            answer = _describe(refusal)
            if request.has_started:
                raise
        except Exception:
            _LOG.exception("unexpected failure of %s /%s", request.method, "/".join(request.segments))
            answer = _describe(Refusal(500, "internal_server_error", "The request failed; the log says why."))
            if request.has_started:
                raise
        if answer is not None:
            await request.give(answer)

    def _admit(self, request: Request) -> None:
        given = request.headers.get("authorization")
        if given is None and request.segments in _OPEN_PATHS:
            return
        if given is None:
            raise Refusal(401, "unauthorized", "You are not authorized to access this db.")
        scheme, _, credentials = given.partition(" ")
        if scheme.lower() != "basic":
            raise not_implemented("Any authentication but basic")
        if not hmac.compare_digest(credentials.strip().encode(), self._credentials):
            raise Refusal(401, "unauthorized", "Name or password is incorrect.")

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                self.node.close()
                await send({"type": "lifespan.shutdown.complete"})
                return


def _describe(refusal: Refusal) -> Answer:
    return answer_json(refusal.status, {"error": refusal.error, "reason": refusal.reason})
