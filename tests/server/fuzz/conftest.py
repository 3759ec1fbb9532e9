"""The real server process behind real sockets, with everything it asks of its store written down on the way."""

import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httptools
import pytest

from server.people import accounts, devices
from sync import databases
from sync.couch import Couch
from tests.conftest import GRID_A, GRID_ELSEWHERE, ROOT, free_port, stop, wait_until

QUARTER = databases.quarter_at(datetime.now(UTC))
GRID_DB = databases.grid_db(GRID_A, QUARTER)
FOREIGN_DB = databases.grid_db(GRID_ELSEWHERE, QUARTER)
# How long an answer is waited for, on a busy machine too; and how long after a whole one another might come.
ANSWER_S, QUIET_S = 60.0, 0.3
# As the kernel writes the state of a connection (`/proc/net/tcp`).
ESTABLISHED = "01"
# Planted in every database that the device may not read; it must not come out anywhere.
MARKER = "planted-where-no-phone-may-look"


class Recorder:
    """A relay before the store: `asked` are the request lines that passed, in order."""

    def __init__(self, store_url: str) -> None:
        parts = urlsplit(store_url)
        self._store = (str(parts.hostname), parts.port or 5984)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.asked: list[str] = []
        self.url = store_url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{self._listener.getsockname()[1]}")
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                store = socket.create_connection(self._store)
                for source, target, watch in ((client, store, Lines(self.asked)), (store, client, None)):
                    threading.Thread(target=_pump, args=(source, target, watch), daemon=True).start()


class Lines:
    """Reads requests as a store does and notes their lines."""

    def __init__(self, asked: list[str]) -> None:
        self._asked, self._url = asked, b""
        self._parser = httptools.HttpRequestParser(self)

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url = b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_headers_complete(self) -> None:
        self._asked.append(f"{self._parser.get_method().decode()} {self._url.decode()}")


def _pump(source: socket.socket, target: socket.socket, watch: Lines | None) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            if watch:
                watch.feed(data)
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
    source.close()


@contextlib.contextmanager
def serving(store_url: str, broker_url: str, data: Path, changed: str = "") -> Iterator[tuple[str, int]]:
    """`xunge serve` as a process of its own: its host and port. `changed` are Python statements about `c`, its connections."""
    port = free_port()
    given = {name: value for name, value in os.environ.items() if not name.startswith("XUNGE_")}
    environment = given | {
        "XUNGE_COUCHDB_URL": store_url,
        "XUNGE_BROKER_URL": broker_url,
        "XUNGE_DATA": str(data),
        "XUNGE_SECRET": "only for tests",
        "XUNGE_PORT": str(port),
        "XUNGE_LOG_LEVEL": "WARNING",
    }
    program = f"from server.web import connections as c; {changed or 'pass'}\nfrom server.cli import main; main(['serve'])"
    log = (data / "server.log").open("ab")
    with log, subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, env=environment, stdout=log, stderr=log) as process:
        try:
            wait_until(lambda: _listens(port), 120, "the server")
            yield "127.0.0.1", port
        finally:
            process.terminate()
            stop(process)


def _listens(port: int) -> bool:
    try:
        return say(("127.0.0.1", port), b"GET /db/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 401")
    except OSError:
        return False


def say(address: tuple[str, int], text: bytes, timeout_s: float = ANSWER_S) -> bytes:
    """Sends bytes as they are, and everything that comes back until the server closes or is whole and quiet."""
    with socket.create_connection(address, timeout_s) as connection:
        connection.sendall(text)
        return listen(connection, timeout_s)


def listen(connection: socket.socket, timeout_s: float = ANSWER_S) -> bytes:
    """What comes until the other side closes, or is whole and quiet. Half an answer is waited for: busy is not quiet."""
    found, answers = b"", Answers()
    with contextlib.suppress(TimeoutError, ConnectionResetError):
        connection.settimeout(timeout_s)
        while data := connection.recv(65536):
            found += data
            connection.settimeout(min(QUIET_S, timeout_s) if answers.are_whole(data) else timeout_s)
    return found


class Answers:
    """Reads answers as a client does, to know whether the last one is whole."""

    def __init__(self) -> None:
        self._is_whole = False
        self._parser = httptools.HttpResponseParser(self)

    def are_whole(self, data: bytes) -> bool:
        """With this piece behind the earlier ones; what is no HTTP is taken as it comes."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            return True
        return self._is_whole

    def on_message_begin(self) -> None:
        self._is_whole = False

    def on_message_complete(self) -> None:
        self._is_whole = True


def has_let_go(connection: socket.socket, port: int) -> bool:
    """True when the server at this port has closed its end, though what it had said before may still be on the way to ours."""
    ends = {f"0100007F:{port:04X}": f"0100007F:{connection.getsockname()[1]:04X}"}
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return not any(ends.get(row[1]) == row[2] and row[3] == ESTABLISHED for row in rows)


def status_of(answer: bytes) -> int:
    """The status of the first answer; 0 when the connection was closed without one."""
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.1 ") else 0


@dataclass
class Front:
    """The server, one worker's phone, and what the store was asked."""

    address: tuple[str, int]
    token: str
    device: str
    couch: Couch
    recorder: Recorder
    log: Path

    def ask(self, method: str, target: str | bytes, *lines: str | bytes, body: bytes = b"") -> bytes:
        """One request by the phone, its target and further header lines as they are given; the raw answer."""
        raw = target if isinstance(target, bytes) else target.encode()
        more = b"".join((line if isinstance(line, bytes) else line.encode()) + b"\r\n" for line in lines)
        length = b"content-length: %d\r\n" % len(body) if body or method in ("POST", "PUT", "PATCH") else b""
        head = method.encode() + b" " + raw + b" HTTP/1.1\r\nhost: phone.test\r\nauthorization: Bearer " + self.token.encode()
        return say(self.address, head + b"\r\nconnection: close\r\n" + length + more + b"\r\n" + body)


@pytest.fixture(scope="module")
def front(own_store: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    """A worker's phone before the server; a marker lies wherever that phone may not look."""
    couch, data = Couch(own_store), tmp_path_factory.mktemp("server")
    person = accounts.make("worker1", ["worker"], {"zh-CN": "马晓燕", "en": "Ma"}, "a-test-password", grids=[GRID_A])
    other = accounts.make("worker2", ["worker"], {"zh-CN": MARKER, "en": MARKER}, "a-test-password", grids=[GRID_ELSEWHERE])
    accounts.save_all(couch, [person, other])
    device, token = devices.enrol(couch, person, "测试手机")
    plant(couch)
    recorder = Recorder(own_store)
    with serving(recorder.url, broker_url, data) as address:
        yield Front(address, token, device["_id"].partition(":")[2], couch, recorder, data / "server.log")
    recorder.close()


def plant(couch: Couch) -> None:
    """A marked document in databases of other grids and in the server's own."""
    others = [FOREIGN_DB, databases.home_db(GRID_ELSEWHERE), databases.beat_db(GRID_A, QUARTER), databases.cases_db(GRID_A[:9])]
    for name in [*others, databases.media_db(GRID_A[:9]), databases.QUARANTINE, databases.DEVICES, databases.PEOPLE]:
        couch.database(name, create=True).put({"_id": f"planted:{name}", "type": "planted", "text": MARKER})


@pytest.fixture
def since(front: Front) -> Callable[[], list[str]]:
    """What the store was asked since the test began."""
    begun = len(front.recorder.asked)
    return lambda: front.recorder.asked[begun:]


def no_trace(answer: bytes) -> Any:
    """Fails when an answer carries a marker or the inside of a program."""
    assert MARKER.encode() not in answer, answer[:500]
    for inside in (b"Traceback", b'File "', b'.py"', b"Exception"):
        assert inside not in answer, answer[:500]
