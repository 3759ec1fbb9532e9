"""Who is slow or silent costs nobody else: thousands of connections of the real process, over real sockets."""

import asyncio
import contextlib
import itertools
import socket
import statistics
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import pytest

from server.people import accounts, devices
from sync.couch import Couch
from tests.conftest import GRID_A, wait_until
from tests.server.fuzz.conftest import GRID_DB, has_let_go, listen, say, serving, status_of
from tests.sync.gateway.conftest import make_report

IDLE, DRIPPING = 1_000, 100
# What the server must end at last would otherwise stay for ever; how soon it does on a busy machine says nothing.
PATIENCE_S = 60.0
# The real bounds divided by about ten, so that a test need not wait for them.
QUICK = "c.FIRST_BYTE_S, c.HEAD_S, c.BODY_WINDOW_S, c.BODY_WINDOW_BYTES, c.SENDING_S, c.TICK_S = 1.5, 1.5, 1.5, 150, 1.5, 0.2"


class Front:
    """A server process and an enrolled phone."""

    def __init__(self, address: tuple[str, int], device: str, token: str) -> None:
        self.address, self.device, self.token = address, device, token

    def head(self, method: str, path: str, *lines: str) -> bytes:
        """A request's head by the phone."""
        more = "".join(f"{line}\r\n" for line in lines)
        return f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.token}\r\n{more}\r\n".encode()

    def push(self) -> float:
        """One report pushed on a new connection; how long it took."""
        begun_s = time.monotonic()
        body = orjson.dumps({"new_edits": False, "docs": [make_report("worker1", self.device)]})
        head = self.head("POST", f"/db/{GRID_DB}/_bulk_docs", "connection: close", f"content-length: {len(body)}")
        answer = say(self.address, head + body)
        assert status_of(answer) == 201, answer[:300]
        assert b'"ok":true' in answer
        return time.monotonic() - begun_s


@contextlib.contextmanager
def fronting(store_url: str, broker_url: str, data: Path, changed: str) -> Iterator[Front]:
    couch = Couch(store_url)
    person = accounts.make("worker1", ["worker"], {"zh-CN": "马晓燕", "en": "Ma"}, "a-test-password", grids=[GRID_A])
    accounts.save_all(couch, [person])
    device, token = devices.enrol(couch, person, "测试手机")
    with serving(store_url, broker_url, data, changed) as address:
        yield Front(address, device["_id"].partition(":")[2], token)


@pytest.fixture(scope="module")
def quick(own_store: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A server that is ten times less patient."""
    with fronting(own_store, broker_url, tmp_path_factory.mktemp("quick"), QUICK) as front:
        yield front


def what_came_until_closed(connection: socket.socket) -> bytes:
    """Raises TimeoutError when the server does not close."""
    found = b""
    connection.settimeout(PATIENCE_S)
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            found += data
    return found


@contextlib.asynccontextmanager
async def crowd(front: Front) -> AsyncIterator[list[asyncio.StreamWriter]]:
    """A thousand who say nothing and a hundred who send a byte a second: half of them a head, half a body."""
    writers = [(await asyncio.open_connection(*front.address))[1] for _ in range(IDLE + DRIPPING)]
    slow = writers[IDLE:]
    for writer in slow[::2]:
        writer.write(front.head("POST", f"/db/{GRID_DB}/_bulk_docs", "content-length: 100000"))
    for writer in slow[1::2]:
        writer.write(b"GET /db/ HTTP/1.1\r\nx-a: ")

    async def drip() -> None:
        while True:
            for writer in slow:
                writer.write(b" ")
            await asyncio.sleep(1.0)

    dripping = asyncio.create_task(drip())
    try:
        yield writers
    finally:
        dripping.cancel()
        for writer in writers:
            writer.transport.abort()
        await asyncio.sleep(0.05)


def test_a_thousand_idle_and_a_hundred_dripping_connections_keep_no_phone_from_syncing(
    own_store: str, broker_url: str, tmp_path: Path
) -> None:
    with fronting(own_store, broker_url, tmp_path, "") as front:
        alone_s = statistics.median(push_at_once(front))

        async def run() -> list[float]:
            async with crowd(front):
                return await asyncio.to_thread(push_at_once, front)

        took_s = asyncio.run(run())
        assert statistics.median(took_s) < 1 + 4 * alone_s, (alone_s, took_s)


def push_at_once(front: Front) -> list[float]:
    """Twenty pushes, four at a time; how long each took."""
    with ThreadPoolExecutor(4) as phones:
        return list(phones.map(lambda _: front.push(), range(20)))


def drip_until_closed(front: Front, head: bytes, drop: bytes) -> bytes:
    """Sends a head and then a byte ten times a second until the server closes; what it said."""
    with socket.create_connection(front.address) as connection:
        connection.sendall(head)
        stop = threading.Event()

        def drip() -> None:
            with contextlib.suppress(OSError):
                while not stop.wait(0.1):
                    connection.sendall(drop)

        thread = threading.Thread(target=drip)
        thread.start()
        answered = what_came_until_closed(connection)
        stop.set()
        thread.join()
    return answered


def test_a_head_that_drips_is_ended_in_time_with_an_honest_answer(quick: Front) -> None:
    answer = drip_until_closed(quick, b"GET /db/ HTTP/1.1\r\nx-a: ", b"b")
    assert status_of(answer) == 408
    assert b"too_slow" in answer


def test_a_connection_that_never_speaks_is_closed(quick: Front) -> None:
    with socket.create_connection(quick.address) as connection:
        assert what_came_until_closed(connection) == b""


@pytest.mark.parametrize("path", [f"/db/{GRID_DB}/_bulk_docs", "/api/session"])
def test_a_body_that_drips_is_ended_in_time(quick: Front, path: str) -> None:
    head = quick.head("POST", path, "content-type: application/json", "content-length: 50000")
    answer = drip_until_closed(quick, head, b" ")
    assert (status_of(answer), answer.count(b"HTTP/1.1 ")) == (408, 1), answer[:500]


def test_a_slow_but_steady_body_is_taken_to_its_end(quick: Front) -> None:
    """Forty times the bound in bytes a second; 2 KB/s are twenty times the real one."""
    body = orjson.dumps({"new_edits": False, "docs": [make_report("worker1", quick.device)], "pad": "x" * 12_000})
    for _ in range(5):
        with socket.create_connection(quick.address) as connection:
            connection.sendall(quick.head("POST", f"/db/{GRID_DB}/_bulk_docs", f"content-length: {len(body)}"))
            sent_s = [time.monotonic()]
            with contextlib.suppress(ConnectionError):
                for start in range(0, len(body), 400):
                    connection.sendall(body[start : start + 400])
                    time.sleep(0.1)
                    sent_s.append(time.monotonic())
            answer = listen(connection)
        # A sender that the machine kept from sending was not steady: that says nothing of the server.
        if max(later - earlier for earlier, later in itertools.pairwise(sent_s)) < 0.7:
            break
    assert sent_s[-1] - sent_s[0] > 3
    assert status_of(answer) == 201


def test_waiting_for_an_answer_is_no_slowness(quick: Front) -> None:
    """A long poll and an event stream outlast every bound on heads, bodies and silence."""
    with contextlib.ExitStack() as stack:
        waiting = []
        for path in (f"/db/{GRID_DB}/_changes?feed=longpoll&since=now&timeout=9000", "/api/poke"):
            connection = stack.enter_context(socket.create_connection(quick.address))
            connection.sendall(quick.head("GET", path))
            waiting.append(connection)
        time.sleep(3.5)
        for connection in waiting:
            listen(connection, 0.1)
            assert not is_closed(connection)


def test_an_answer_that_nobody_takes_is_dropped(quick: Front) -> None:
    for _ in range(30):
        body = orjson.dumps(
            {"new_edits": False, "docs": [make_report("worker1", quick.device, text="长" * 3000) for _ in range(100)]}
        )
        head = quick.head("POST", f"/db/{GRID_DB}/_bulk_docs", "connection: close", f"content-length: {len(body)}")
        assert status_of(say(quick.address, head + body)) == 201
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(quick.address)
        connection.sendall(quick.head("GET", f"/db/{GRID_DB}/_changes?include_docs=true", "connection: close"))
        wait_until(lambda: has_let_go(connection, quick.address[1]), what="the server's end")
        answer = what_came_until_closed(connection)
    assert status_of(answer) == 200
    assert len(answer) < 20_000_000
    assert not answer.endswith(b"0\r\n\r\n"), "it must be seen to be broken off"


def test_when_there_are_too_many_the_idle_ones_make_room_and_else_it_is_said(
    own_store: str, broker_url: str, tmp_path: Path
) -> None:
    with fronting(own_store, broker_url, tmp_path, "c.serving = lambda: c.Connection; c.Connection.most = 40") as front:
        with contextlib.ExitStack() as stack:
            idle = [stack.enter_context(socket.create_connection(front.address)) for _ in range(100)]
            for _ in range(5):
                front.push()
            closed = sum(1 for connection in idle if is_closed(connection))
            assert closed >= 60
        with contextlib.ExitStack() as stack:
            for _ in range(40):
                connection = stack.enter_context(socket.create_connection(front.address, PATIENCE_S))
                connection.sendall(front.head("GET", "/api/poke"))
                # One that has begun to answer is at work; one whose head was not read yet would make room.
                assert connection.recv(65536).startswith(b"HTTP/1.1 200")
            answer = say(front.address, b"GET /db/ HTTP/1.1\r\nhost: x\r\n\r\n")
            assert status_of(answer) == 503, answer
            assert b"retry-after: 5" in answer
            assert b"too_many_connections" in answer
        front.push()


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True
