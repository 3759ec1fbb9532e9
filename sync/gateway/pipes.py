"""Kept-alive HTTP/1.1 connections to the store for one small answer each: what a push needs, and as little as it can cost.

Measured against aiohttp on the same batches: a third of its cost per proxied push (`tests/bench/gateway.py`). A request through
here may be sent twice, which is safe: a pushed revision again is the same revision. Streams and long answers go through aiohttp.
"""

import asyncio
import ssl
from collections.abc import Mapping
from typing import cast
from urllib.parse import urlsplit

import httptools

CONNECT_TIMEOUT_S = 3.0
ANSWER_BYTES = 32 * 1024 * 1024
IDLE_S = 4.0
CONNECTIONS = 100


class Broken(Exception):
    """The connection was lost, or what came was no answer. `was_silent`: nothing of the answer had come."""

    def __init__(self, was_silent: bool) -> None:
        self.was_silent = was_silent
        super().__init__()


class Pipes:
    """A small pool of connections to one address. Bound to one event loop."""

    def __init__(self, url: str, headers: Mapping[str, str]) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._head = f"host: {parts.netloc}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self._idle: list[Pipe] = []
        self._turns = asyncio.Semaphore(CONNECTIONS)

    async def ask(self, method: str, target: str, body: bytes | None, timeout_s: float) -> tuple[int, bytes]:
        """Status and body of one answer. Raises Broken, OSError and TimeoutError."""
        length = f"content-length: {len(body)}\r\n" if body is not None else ""
        head = f"{method} {target} HTTP/1.1\r\n{self._head}{length}\r\n".encode("ascii")
        async with self._turns, asyncio.timeout(timeout_s):
            kept = self._take_idle()
            if kept is not None:
                try:
                    return await self._ask_on(kept, head, body)
                except Broken as broken:
                    # The store closes idle connections in its own time; one that was closed just now is no failure of the store.
                    if not broken.was_silent:
                        raise
            return await self._ask_on(await self._connect(), head, body)

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    async def _ask_on(self, pipe: "Pipe", head: bytes, body: bytes | None) -> tuple[int, bytes]:
        try:
            answer = await pipe.ask(head, body)
        except BaseException:
            pipe.close()
            raise
        if pipe.is_reusable:
            self._idle.append(pipe)
        else:
            pipe.close()
        return answer

    def _take_idle(self) -> "Pipe | None":
        now_s = asyncio.get_running_loop().time()
        while self._idle:
            pipe = self._idle.pop()
            if pipe.is_reusable and now_s - pipe.used_at_s < IDLE_S:
                return pipe
            pipe.close()
        return None

    async def _connect(self) -> "Pipe":
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            _, pipe = await loop.create_connection(lambda: Pipe(loop), self._host, self._port, ssl=self._tls)
        return pipe


class Pipe(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[tuple[int, bytes]] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._chunks: list[bytes] = []
        self._size_bytes = 0
        self.is_reusable = False
        self.used_at_s = loop.time()

    async def ask(self, head: bytes, body: bytes | None) -> tuple[int, bytes]:
        """Send a request and wait for its whole answer. Raises Broken."""
        if self._transport is None or self._transport.is_closing():
            raise Broken(was_silent=True)
        self._parser = httptools.HttpResponseParser(self)
        self._chunks, self._size_bytes, self.is_reusable = [], 0, False
        self._waiter = self._loop.create_future()
        self._transport.write(head if body is None else head + body)
        return await self._waiter

    def close(self) -> None:
        """Close the connection."""
        self.is_reusable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio's protocol."""
        # uvloop's transports are none of asyncio's classes, though they do all of it.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, _error: Exception | None) -> None:
        """Part of asyncio's protocol."""
        self.is_reusable = False
        self._fail()

    def data_received(self, data: bytes) -> None:
        """Part of asyncio's protocol."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail()
            self.close()

    def on_body(self, body: bytes) -> None:
        """Part of httptools' protocol."""
        self._size_bytes += len(body)
        if self._size_bytes > ANSWER_BYTES:
            self._fail()
            self.close()
        else:
            self._chunks.append(body)

    def on_message_complete(self) -> None:
        """Part of httptools' protocol."""
        status = self._parser.get_status_code()
        if status < 200 or self._waiter is None or self._waiter.done():
            return
        self.is_reusable = self._parser.should_keep_alive()
        self.used_at_s = self._loop.time()
        self._waiter.set_result((status, b"".join(self._chunks)))

    def _fail(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(Broken(was_silent=not self._chunks and self._parser.get_status_code() == 0))
