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


class Interrupted(Exception):
    """The body will not come to its end: "disconnected", "idle" or "claimed"."""


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
    """Writes pieces into a held upload in larger blocks, off the event loop, skipping what is there already."""

    def __init__(self, held: Held, room_bytes: int, skip: int, chunk_bytes: int) -> None:
        self._held, self._room, self._skip, self._chunk = held, room_bytes, skip, chunk_bytes
        self._waiting = bytearray()

    async def take(self, piece: bytes) -> None:
        """Accept one piece; Problem 413 when the body is longer than what the file still misses."""
        self._room -= len(piece)
        if self._room < 0:
            raise Problem(413, "too_large", "the body is longer than the file was said to be")
        skipped = min(self._skip, len(piece))
        self._skip -= skipped
        self._waiting += piece[skipped:]
        if len(self._waiting) >= self._chunk:
            await self.flush()

    async def flush(self) -> None:
        """Write what waits. StorageFull leaves in the file what still found room."""
        block, self._waiting = bytes(self._waiting), bytearray()
        if block:
            await asyncio.to_thread(self._held.append, block)

    def drop(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
