"""Around every request that carries a token: how much that phone may still ask, and whether it is still welcome while it lasts.

Counting is `server/limits.py`; who holds a token is the policy's to say. A request is counted for the phone it belongs to only
when this process has met that token before, so that no request waits here and no stranger can use up a phone's share. What lasts
(a long poll, the poke stream, a download, an upload on its way) ends within seconds of its token's end.
"""

import asyncio
from typing import Protocol

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.domain.errors import NotSignedIn, TooMany
from server.limits import Meter
from server.web.errors import answer_error
from sync.gateway import Holder, NotAdmitted, Unavailable

WATCH_FROM_S = 1.0
WATCH_EVERY_S = 1.5
# What our own server offers to end a connection at once (`connections.py`); elsewhere the handler is cancelled.
DROP = "xunge.drop"


class Admission(Protocol):
    """What of the policy is needed here."""

    async def identify(self, token: str) -> Holder:
        """Who holds this token. Raises NotAdmitted and Unavailable."""

    def peek(self, token: str) -> Holder | None:
        """The same from memory alone, or None."""


class PhoneGuard:
    """The outermost thing that knows of tokens. Desks' requests pass untouched."""

    def __init__(self, app: ASGIApp, policy: Admission, meter: Meter) -> None:
        self.app, self.policy, self.meter = app, policy, meter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = _token_in(scope) if scope["type"] == "http" else None
        if token is None:
            await self.app(scope, receive, send)
            return
        passing = Passing(scope, receive, send)
        holder = self.policy.peek(token)
        if holder is None:
            await self._watch(passing, token)
            return
        wait_s = self.meter.enter(holder.device, holder.user)
        if wait_s is not None:
            answer = answer_error(Request(scope), TooMany("too_many_requests", retry_after_s=wait_s))
            await answer(scope, receive, send)
            return
        try:
            await self._watch(passing, token)
        finally:
            self.meter.leave(holder.device, holder.user, passing.received_bytes, passing.sent_bytes)

    async def _watch(self, passing: "Passing", token: str) -> None:
        """Run the request; look after it from time to time when it lasts."""
        loop, working = asyncio.get_running_loop(), asyncio.current_task()
        watching: list[asyncio.Task[None]] = []
        later = loop.call_later(
            WATCH_FROM_S, lambda: watching.append(loop.create_task(self._look_after(passing, token, working)))
        )
        try:
            await self.app(passing.scope, passing.receive, passing.send)
        except asyncio.CancelledError:
            if not passing.is_cancelled or working is None:
                raise
            working.uncancel()
        finally:
            later.cancel()
            for task in watching:
                task.cancel()

    async def _look_after(self, passing: "Passing", token: str, working: "asyncio.Task[None] | None") -> None:
        was_known = False
        while True:
            # One that was refused, or whose token is good for a rescue only, is none of ours.
            was_known = was_known or self.policy.peek(token) is not None
            try:
                if was_known:
                    await self.policy.identify(token)
            except NotAdmitted as refusal:
                await self._end(passing, refusal, working)
                return
            except Unavailable:
                pass
            await asyncio.sleep(WATCH_EVERY_S)

    async def _end(self, passing: "Passing", refusal: NotAdmitted, working: "asyncio.Task[None] | None") -> None:
        """An answer that has not begun becomes the refusal, and the handler sees the client gone; one that has is broken off."""
        if not passing.has_begun:
            passing.is_over = True
            answer = answer_error(Request(passing.scope), NotSignedIn(refusal.reason))
            answer.headers["Connection"] = "close"
            await answer(passing.scope, passing.receive, passing.send_on)
        elif (drop := passing.scope.get("extensions", {}).get(DROP)) is not None:
            passing.is_over = True
            drop()
        elif working is not None:
            passing.is_cancelled = True
            working.cancel()


class Passing:
    """One request on its way through: what it took, whether its answer has begun, whether it was ended from here."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self.send_on = send
        self.received_bytes = self.sent_bytes = 0
        self.has_begun = self.is_over = self.is_cancelled = False

    async def receive(self) -> Message:
        """The client's next message; that it is gone when the request was ended."""
        if not self.is_over:
            message = await self._receive()
            if not self.is_over:
                self.received_bytes += len(message.get("body", b""))
                return message
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Pass an answer's message on; nothing once the request was ended."""
        if not self.is_over:
            self.has_begun = True
            self.sent_bytes += len(message.get("body", b""))
            await self.send_on(message)


def _token_in(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = bytes(value).decode("latin-1").partition(" ")
            return token.strip() or None if scheme.lower() == "bearer" else None
    return None
