"""Reading a request's body as it arrives, on a link that may die without saying so.

A phone that lost its network leaves a half-open connection behind: the reader gives up when nothing comes for a while,
and at once when the same phone is already waiting on a new connection.
"""

import asyncio
from collections.abc import AsyncIterator, Callable

from starlette.types import Message, Receive

from media.partials import Held
from media.tus import Problem

# How often an idle reader looks whether somebody waits for it.
_LOOK_EVERY_S = 0.5


# An answer given before the body came to its end: so much of the rest is read away, for so long, to keep the connection.
_REST_BYTES = 16 * 1024
_REST_S = 2.0


class Interrupted(Exception):
    """The body will not come to its end: "disconnected", "idle" or "claimed"."""


class Inbox:
    """A request's `receive` that knows whether the body has been read to its end."""

    def __init__(self, receive: Receive, has_body: bool) -> None:
        self._receive = receive
        self._is_over = not has_body

    async def __call__(self) -> Message:
        """The next message of the request."""
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self._is_over = True
        return message

    async def ends_soon(self) -> bool:
        """Read away a short rest of the body. False when more is to come than is worth carrying over a slow link: the
        connection should then be closed with the answer, or the phone would go on sending for nothing."""
        rest_bytes = 0
        try:
            async with asyncio.timeout(_REST_S):
                while not self._is_over and rest_bytes <= _REST_BYTES:
                    rest_bytes += len((await self()).get("body", b""))
        except TimeoutError:
            return False
        return self._is_over


async def read_body(receive: Receive, idle_s: float, is_claimed: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Yield the body's pieces as the server hands them over; raise Interrupted when it ends before its end."""
    more = True
    while more:
        message = await _next_message(receive, idle_s, is_claimed)
        if message["type"] == "http.disconnect":
            raise Interrupted("disconnected")
        more = message.get("more_body", False)
        if message.get("body"):
            yield message["body"]


async def _next_message(receive: Receive, idle_s: float, is_claimed: Callable[[], bool]) -> Message:
    # One task for the whole wait: cancelling and repeating `receive` could lose a message.
    waiting = asyncio.ensure_future(receive())
    idle_until = asyncio.get_running_loop().time() + idle_s
    try:
        while True:
            done, _ = await asyncio.wait({waiting}, timeout=min(_LOOK_EVERY_S, idle_s))
            if done:
                return waiting.result()
            if is_claimed():
                raise Interrupted("claimed")
            if asyncio.get_running_loop().time() >= idle_until:
                raise Interrupted("idle")
    finally:
        waiting.cancel()


class Sink:
    """Writes pieces into a held upload as they arrive, off the event loop, skipping what is there already.

    Nothing is collected first: what a server had received when it was killed is then in the file, and the file's size is what
    a phone is told. While one piece is written the web server gathers the next, so a fast link writes large blocks all the same.
    """

    def __init__(self, held: Held, room_bytes: int, skip: int) -> None:
        self._held, self._room, self._skip = held, room_bytes, skip

    async def take(self, piece: bytes) -> None:
        """Append one piece; Problem 413 when the body is longer than what the file still misses. StorageFull leaves in the
        file what still found room."""
        self._room -= len(piece)
        if self._room < 0:
            raise Problem(413, "too_large", "the body is longer than the file was said to be")
        skipped = min(self._skip, len(piece))
        self._skip -= skipped
        if skipped < len(piece):
            await asyncio.to_thread(self._held.append, piece[skipped:])
