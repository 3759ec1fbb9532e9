"""Proxies between a browser and a system, as networks have them: one that takes time, one that holds answers back until they end,
one that serves another version of the app.

Each runs on a thread and a free port of its own on loopback. What they are used to show is the tests' business.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientSession, ClientTimeout, web
from multidict import CIMultiDict

Reader, Writer = asyncio.StreamReader, asyncio.StreamWriter
READ_BYTES = 65536
EVENT_STREAM = b"text/event-stream"


@contextmanager
def delaying(url: str, delay_s: float) -> Iterator[str]:
    """A proxy through which everything takes `delay_s` each way, without being slowed otherwise; its address."""

    async def relay(reader: Reader, writer: Writer) -> None:
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        sending = loop.create_task(_send_late(queue, writer))
        while data := await reader.read(READ_BYTES):
            queue.put_nowait((loop.time() + delay_s, data))
        queue.put_nowait((loop.time() + delay_s, b""))
        await sending

    with _running(url, relay, relay) as address:
        yield address


async def _send_late(queue: asyncio.Queue[tuple[float, bytes]], writer: Writer) -> None:
    while True:
        due, data = await queue.get()
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        if not data:
            writer.write_eof()
            return
        writer.write(data)
        await writer.drain()


@contextmanager
def holding_back(url: str) -> Iterator[str]:
    """A proxy that gives answers on as they come, but holds a stream of events back until it ends, head and all; its address."""

    async def hold(reader: Reader, writer: Writer) -> None:
        held = b""
        while data := await reader.read(READ_BYTES):
            if held or EVENT_STREAM in data:
                held += data
            else:
                writer.write(data)
                await writer.drain()
        writer.write(held)
        writer.write_eof()

    async def pass_on(reader: Reader, writer: Writer) -> None:
        while data := await reader.read(READ_BYTES):
            writer.write(data)
            await writer.drain()
        writer.write_eof()

    with _running(url, pass_on, hold) as address:
        yield address


Relay = Callable[[Reader, Writer], Coroutine[Any, Any, None]]


@contextmanager
def _running(url: str, towards: Relay, back: Relay) -> Iterator[str]:
    target = urlsplit(url)
    loop = asyncio.new_event_loop()

    async def serve(reader: Reader, writer: Writer) -> None:
        with suppress(OSError, asyncio.CancelledError), _closing(writer):
            other_reader, other_writer = await asyncio.open_connection(target.hostname, target.port)
            with _closing(other_writer):
                await asyncio.gather(_whole(towards, reader, other_writer), _whole(back, other_reader, writer))

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(asyncio.start_server(serve, "127.0.0.1", 0), loop).result(10)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@contextmanager
def _closing(writer: Writer) -> Iterator[None]:
    try:
        yield
    finally:
        writer.close()


async def _whole(relay: Relay, reader: Reader, writer: Writer) -> None:
    """One direction to its end; a side that went away ends the other side, too."""
    with suppress(OSError, RuntimeError):
        await relay(reader, writer)
        return
    writer.close()


async def _stop(server: asyncio.Server) -> None:
    server.close()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # closed connections are let go of in the loop's next turn


class Front:
    """A reverse proxy that can serve another version of the phone's app, and cut chosen addresses off, while a test runs.

    `folder` holds the files of `/m/` to serve in the system's place; `cut` are beginnings of addresses (path and query) that get
    no answer, `held` of those that wait for theirs as long as they are.
    """

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        self.target, self.url = url, ""
        self._loop = loop
        self.folder: Path | None = None
        self.held: tuple[str, ...] = ()
        self.session: ClientSession | None = None
        self._cut: tuple[str, ...] = ()
        self._under_way: dict[int, web.Request] = {}

    @property
    def cut(self) -> tuple[str, ...]:
        """What is cut off now."""
        return self._cut

    @cut.setter
    def cut(self, beginnings: tuple[str, ...]) -> None:
        """What is under way to them is broken off, too: nothing that the server does from now on is heard of."""
        self._cut = beginnings
        for request in list(self._under_way.values()):
            if request.path_qs.startswith(beginnings) and request.transport is not None:
                self._loop.call_soon_threadsafe(request.transport.abort)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The system's answer, or a file of the other version."""
        self._under_way[id(request)] = request
        try:
            return await self._answer(request)
        finally:
            del self._under_way[id(request)]

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path_qs.startswith(self.cut):
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=502)
        while request.path_qs.startswith(self.held):  # noqa: ASYNC110 - the test, in another thread, lets go
            await asyncio.sleep(0.05)
        file = self.folder / request.path.removeprefix("/m/") if self.folder and request.path.startswith("/m/") else None
        if file is not None and file.is_file():
            return web.FileResponse(file, headers={"Cache-Control": "no-cache"})
        return await self._passed_on(request)

    async def _passed_on(self, request: web.Request) -> web.StreamResponse:
        assert self.session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in {"host", "accept-encoding"}}
        address, body = self.target + request.path_qs, await request.read()
        async with self.session.request(request.method, address, headers=headers, data=body, allow_redirects=False) as told:
            dropped = {"transfer-encoding", "content-length", "connection"}
            kept = [(name, value) for name, value in told.headers.items() if name.lower() not in dropped]
            response = web.StreamResponse(status=told.status, headers=CIMultiDict(kept))
            await response.prepare(request)
            with suppress(ConnectionError):
                async for chunk in told.content.iter_any():
                    await response.write(chunk)
            return response


@contextmanager
def fronting(url: str) -> Iterator[Front]:
    """A `Front` before a system, on a port of its own."""
    loop = asyncio.new_event_loop()
    front = Front(url, loop)
    app = web.Application(client_max_size=64 << 20)
    app.router.add_route("*", "/{path:.*}", front.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)

    async def begin() -> None:
        front.session = ClientSession(auto_decompress=False, timeout=ClientTimeout(total=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()

    async def end() -> None:
        await runner.cleanup()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert front.session is not None
        await front.session.close()
        await asyncio.sleep(0)  # closed connections are let go of in the loop's next turn

    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(begin(), loop).result(10)
    front.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield front
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
