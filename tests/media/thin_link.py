"""A thin, breaking mobile link for benches: so many bytes a second towards the server, a delay, and requests that are cut.

Everything the phone's side puts on the wire is counted behind the throttle, headers apart from bodies. A request is cut at a byte
drawn at random: before it, within it, or after its last byte with the answer lost. The phone sees its connection reset; for
the server half of the cut connections end and half just fall silent, as radio links do. What it is for is no business of its own.
"""

import asyncio
import random
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

SEGMENT_BYTES = 1400
LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


@dataclass
class Counted:
    """What crossed the link towards the server."""

    head_bytes: int = 0
    body_bytes: int = 0
    requests: int = 0
    drops: int = 0
    answers_lost: int = 0
    methods: dict[str, int] = field(default_factory=dict)


class Cut(Exception):
    """This request goes no further."""


@dataclass(frozen=True)
class Weather:
    """`drop_share` of the requests are cut; `rate` is bytes a second, shared by all connections; `delay_s` one way."""

    rate: float
    delay_s: float
    drop_share: float


class Requests:
    """Follows one connection's requests, counts them, and says where each is cut: at the segment that holds the byte drawn."""

    def __init__(self, link: "ThinLink") -> None:
        self._link, self._head, self._body_left = link, b"", 0
        self._left: int | None = None
        self.loses_answer = False

    def take(self, data: bytes) -> bytes:
        """Count a segment; it goes on whole. Raises Cut when the request goes no further than within it."""
        rest = data
        while rest:
            rest = self._take_body(rest) if self._body_left else self._take_head(rest)
        return data

    def _take_body(self, data: bytes) -> bytes:
        part = min(len(data), self._body_left)
        self._body_left -= part
        self._link.counted.body_bytes += part
        if self._left is not None:
            self._left -= part
            if self._left < 0:
                raise Cut
        return data[part:]

    def _take_head(self, data: bytes) -> bytes:
        before = len(self._head)
        self._head += data
        end = self._head.find(b"\r\n\r\n", max(0, before - 3))
        if end < 0:
            self._link.counted.head_bytes += len(data)
            return b""
        head, rest = self._head[: end + 4], self._head[end + 4 :]
        self._link.counted.head_bytes += len(data) - len(rest)
        self._head = b""
        self._begin(head)
        return rest

    def _begin(self, head: bytes) -> None:
        found, counted, dice = LENGTH.search(head), self._link.counted, self._link.dice
        self._body_left = int(found[1]) if found else 0
        method = head.partition(b" ")[0].decode()
        counted.requests += 1
        counted.methods[method] = counted.methods.get(method, 0) + 1
        self._left, self.loses_answer = None, False
        if dice.random() < self._link.weather.drop_share:
            where = dice.random()
            counted.drops += 1
            if where < 0.15 or not self._body_left:
                self.loses_answer = True
                counted.answers_lost += 1
            else:
                self._left = 0 if where < 0.25 else dice.randrange(self._body_left)


class ThinLink:
    """The link in front of one server. Use `thin_link`."""

    def __init__(self, server: tuple[str, int], weather: Weather, seed: int) -> None:
        self.server, self.weather, self.dice = server, weather, random.Random(seed)
        self.counted, self.url = Counted(), ""
        self._free_at = 0.0
        self._silent: list[asyncio.StreamWriter] = []

    async def open(self) -> asyncio.Server:
        """Listen; `url` is then where the phone's side connects."""
        listener = socket.socket()
        # Small, so that what the phone believes sent is not far ahead of what the link has carried.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        return await asyncio.start_server(self._carry, sock=listener, limit=SEGMENT_BYTES)

    async def _carry(self, phone_in: asyncio.StreamReader, phone_out: asyncio.StreamWriter) -> None:
        try:
            server_in, server_out = await asyncio.open_connection(*self.server)
        except OSError:
            phone_out.transport.abort()
            return
        requests, falls_silent = Requests(self), False
        up = asyncio.ensure_future(self._carry_up(phone_in, server_out, requests))
        down = asyncio.ensure_future(self._carry_down(server_in, phone_out, requests))
        try:
            done, waiting = await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
            was_cut = any(isinstance(task.exception(), Cut) for task in done)
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            falls_silent = was_cut and self.dice.random() < 0.5
        finally:
            phone_out.transport.abort()
            if falls_silent:
                self._silent.append(server_out)
            else:
                server_out.transport.abort()

    async def end(self) -> None:
        """Nothing is carried any more, and what had fallen silent is closed."""
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for writer in self._silent:
            writer.transport.abort()
        await asyncio.sleep(0)  # aborted connections are closed in the loop's next turn

    async def _carry_up(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, requests: Requests) -> None:
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        far_end = asyncio.ensure_future(self._arrive(line, target))
        try:
            while data := await source.read(SEGMENT_BYTES):
                await self._wait_for_turn(len(data))
                line.put_nowait((asyncio.get_running_loop().time() + self.weather.delay_s, requests.take(data)))
        except ConnectionError:
            return
        finally:
            # What was under way when the link broke is lost.
            far_end.cancel()

    async def _arrive(self, line: "asyncio.Queue[tuple[float, bytes]]", target: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        with suppress(ConnectionError):
            while True:
                at, data = await line.get()
                await asyncio.sleep(max(0.0, at - loop.time()))
                target.write(data)
                await target.drain()

    async def _carry_down(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, requests: Requests) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                await asyncio.sleep(self.weather.delay_s)
                if requests.loses_answer:
                    raise Cut
                target.write(data)
                await target.drain()

    async def _wait_for_turn(self, size_bytes: int) -> None:
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size_bytes / self.weather.rate
        await asyncio.sleep(self._free_at - now)


@contextmanager
def thin_link(server: str, weather: Weather, seed: int = 1) -> Iterator[ThinLink]:
    """A running link to `http://host:port`, in a thread of its own."""
    host, port = server.removeprefix("http://").split(":")
    link, ready = ThinLink((host, int(port)), weather, seed), threading.Event()
    loop, over = asyncio.new_event_loop(), asyncio.Event()

    async def run() -> None:
        async with await link.open():
            ready.set()
            await over.wait()
            await link.end()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield link
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(10)
        loop.close()
