"""Around every request that carries a token: how much that phone may still ask, and whether it is still welcome while it lasts.

Counting is `server/limits.py`; who holds a token is the policy's to say. A request is counted for the phone it belongs to only
when this process has met that token before, so that no request waits here and no stranger can use up a phone's share. What lasts
(a long poll, the poke stream, a download, an upload on its way) ends within seconds of its token's end.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.domain.errors import NotSignedIn, TooMany
from server.limits import Meter
from server.web.errors import answer_error
from sync.gateway import Holder, NotAdmitted, Unavailable

WATCH_EVERY_S = 1.2
# One that takes no answer must not keep the others waiting for theirs.
SAY_S = 1.0
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
        self._passing: set[Passing] = set()
        self._watching: asyncio.Task[None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = _token_in(scope) if scope["type"] == "http" else None
        if token is None:
            await self.app(scope, receive, send)
            return
        holder = self.policy.peek(token)
        wait_s = self.meter.enter(holder.device, holder.user) if holder is not None else None
        if wait_s is not None:
            answer = answer_error(Request(scope), TooMany("too_many_requests", retry_after_s=wait_s))
            await answer(scope, receive, send)
            return
        passing = Passing(lambda: self.policy.peek(token) is not None, token, scope, receive, send)
        passing.was_known = holder is not None
        self._passing.add(passing)
        if self._watching is None or self._watching.done():
            self._watching = asyncio.create_task(self._watch())
        try:
            await self.app(scope, passing.receive, passing.send)
        except asyncio.CancelledError:
            if not passing.is_cancelled or passing.task is None:
                raise
            passing.task.uncancel()
        finally:
            self._passing.discard(passing)
            if holder is not None:
                self.meter.leave(holder.device, holder.user, passing.received_bytes, passing.sent_bytes)

    async def _watch(self) -> None:
        """While anything is open, look every so often after what has lasted since the last look."""
        while self._passing:
            lasting = list(self._passing)
            await asyncio.sleep(WATCH_EVERY_S)
            for passing in lasting:
                if passing in self._passing and not passing.is_over:
                    await self._look_after(passing)

    async def _look_after(self, passing: "Passing") -> None:
        # One that was refused, or whose token is good for a rescue only, is none of ours.
        try:
            if passing.was_known:
                await self.policy.identify(passing.token)
        except NotAdmitted as refusal:
            await self._end(passing, refusal)
        except Unavailable:
            pass

    async def _end(self, passing: "Passing", refusal: NotAdmitted) -> None:
        """An answer that has not begun becomes the refusal, and the handler sees the client gone; one that has is broken off."""
        if not passing.has_begun:
            passing.is_over = True
            answer = answer_error(Request(passing.scope), NotSignedIn(refusal.reason))
            answer.headers["Connection"] = "close"
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SAY_S):
                    await answer(passing.scope, passing.receive, passing.send_on)
        elif (drop := passing.scope.get("extensions", {}).get(DROP)) is not None:
            # Nothing is held back from here: the connection is gone, and a handler that ends just now has ended well.
            drop()
        elif passing.task is not None:
            passing.is_over = passing.is_cancelled = True
            passing.task.cancel()


class Passing:
    """One request on its way through: what it took, whether its answer has begun, whether it was ended from here."""

    __slots__ = (
        "_is_known",
        "_receive",
        "has_begun",
        "is_cancelled",
        "is_over",
        "received_bytes",
        "scope",
        "send_on",
        "sent_bytes",
        "task",
        "token",
        "was_known",
    )

    def __init__(self, is_known: Callable[[], bool], token: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._is_known = is_known
        self.token, self.scope, self._receive, self.send_on = token, scope, receive, send
        self.task: asyncio.Task[None] | None = asyncio.current_task()
        self.received_bytes = self.sent_bytes = 0
        self.has_begun = self.is_over = self.is_cancelled = self.was_known = False

    async def receive(self) -> Message:
        """The client's next message; that it is gone when the request was ended."""
        if not self.is_over:
            self._look()
            message = await self._receive()
            if not self.is_over:
                self.received_bytes += len(message.get("body", b""))
                return message
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Pass an answer's message on; nothing once the request was ended."""
        if not self.is_over:
            self._look()
            self.has_begun = True
            self.sent_bytes += len(message.get("body", b""))
            await self.send_on(message)

    def _look(self) -> None:
        """Remember that the token was good while this lasted: once it has ended, nobody knows it any more."""
        self.was_known = self.was_known or self._is_known()


def _token_in(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"authorization":
            scheme, _, token = bytes(value).decode("latin-1").partition(" ")
            return token.strip() or None if scheme.lower() == "bearer" else None
    return None
