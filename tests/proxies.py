"""Proxies between a browser and a system, as networks have them: one that takes time, one that holds answers back until they end.

Each runs on a thread and a free port of its own on loopback. What they are used to show is the tests' business.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

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
