"""A token that ends while something is open: at the real process, all of it ends within five seconds."""

import base64
import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest

from server.people import accounts, devices
from sync.couch import Couch
from tests.conftest import GRID_A, PATIENCE_S, running_store, wait_until
from tests.records import new_id
from tests.server.fuzz.conftest import GRID_DB, has_let_go, listen, say, serving, status_of
from tests.sync.gateway.conftest import make_report

WITHIN_S = 5.0
# A fifth of the real patience, whose parts add up to less than five seconds (`tests/server/people/test_known.py`): what is left
# of them here is the machine's, however busy it is.
QUICK = (
    "from server.people import known; from server.web import phone_guard, poke; from sync.gateway import relay; "
    "known.SURE_S, phone_guard.WATCH_EVERY_S, poke.CHECK_S, relay.RECHECK_S = 0.4, 0.24, 0.4, 0.4"
)


class Phone:
    """An enrolled phone with one open connection."""

    def __init__(self, couch: Couch, address: tuple[str, int], stack: contextlib.ExitStack) -> None:
        person = accounts.find(couch, "worker1")
        device, self.token = devices.enrol(couch, person, "x")
        self.couch, self.address, self.stack = couch, address, stack
        self.device = device["_id"].partition(":")[2]

    def head(self, method: str, path: str, *lines: str) -> bytes:
        more = "".join(f"{line}\r\n" for line in lines)
        return f"{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {self.token}\r\n{more}\r\n".encode()

    def open(self, head: bytes) -> socket.socket:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(self.address)
        self.stack.enter_context(contextlib.closing(connection)).sendall(head)
        return connection

    def ask(self, method: str, path: str, *lines: str, body: bytes = b"") -> bytes:
        return say(self.address, self.head(method, path, "connection: close", f"content-length: {len(body)}", *lines) + body)

    def revoke(self) -> float:
        devices.revoke(self.couch, self.device, by=accounts.find(self.couch, "worker1"))
        return time.monotonic()


@pytest.fixture(scope="module")
def enrol(own_store: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Phone]]:
    couch = Couch(own_store)
    accounts.save_all(couch, [accounts.make("worker1", ["worker"], {}, "a-test-password", grids=[GRID_A])])
    data = tmp_path_factory.mktemp("server")
    with serving(own_store, broker_url, data, QUICK) as address, contextlib.ExitStack() as stack:
        first = Phone(couch, address, stack)
        for _ in range(30):
            docs = [make_report("worker1", first.device, text="长" * 3000) for _ in range(100)]
            answer = first.ask("POST", f"/db/{GRID_DB}/_bulk_docs", body=orjson.dumps({"new_edits": False, "docs": docs}))
            assert status_of(answer) == 201
        yield lambda: Phone(couch, address, stack)


def read_to_its_end(connection: socket.socket) -> tuple[float, bytes]:
    """When the connection was closed, and what came until then."""
    found = b""
    connection.settimeout(PATIENCE_S)
    with contextlib.suppress(ConnectionResetError):
        while data := connection.recv(65536):
            found += data
    return time.monotonic(), found


def metadata(photo: str, data: bytes) -> str:
    meta = {
        "photo": photo,
        "role": "sent",
        "database": GRID_DB,
        "sha256": hashlib.sha256(data).hexdigest(),
        "filetype": "image/jpeg",
    }
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in meta.items())


def test_everything_open_ends_within_five_seconds_of_the_revocation(enrol: Callable[[], Phone]) -> None:
    phone, other = enrol(), enrol()
    still = other.open(other.head("GET", "/api/poke", "connection: close"))
    data = b"\xff\xd8" + b"x" * 200_000
    opened = open_everything(phone, data)
    stop = threading.Event()
    # An upload that never rests and a download that is read slowly: both are alive when the token ends.
    threads = [
        threading.Thread(target=drip, args=(opened["upload"], data, stop)),
        threading.Thread(target=sip, args=(opened["download"], stop)),
    ]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    revoked_s = phone.revoke()
    ended: dict[str, tuple[float, bytes]] = {}
    waiting = [
        threading.Thread(target=lambda name=name: ended.update({name: read_to_its_end(opened[name])}))
        for name in ("longpoll", "poke", "upload")
    ]
    for thread in waiting:
        thread.start()
    # Read slowly to its end it would last for many minutes.
    wait_until(lambda: has_let_go(opened["download"], phone.address[1]), what="the end of the download")
    let_go_s = time.monotonic()
    stop.set()
    for thread in threads:
        thread.join()
    ended["download"] = let_go_s, read_to_its_end(opened["download"])[1]
    for thread in waiting:
        thread.join()
    for name in opened:
        assert ended[name][0] - revoked_s < WITHIN_S, name
    for name in ("longpoll", "upload"):
        assert status_of(ended[name][1]) == 401, (name, ended[name][1][:300])
        assert b"token_revoked" in ended[name][1]
    assert not ended["download"][1].endswith(b"0\r\n\r\n")
    assert len(ended["download"][1]) < 10_000_000
    assert is_open(still), "another phone's stream is none of this"
    told = phone.ask("GET", "/api/devices/me")
    assert (status_of(told), b'"wipe":true' in told, b'"rescue_until":"' in told) == (401, True, True)


def open_everything(phone: Phone, data: bytes) -> dict[str, socket.socket]:
    """Whatever of a phone may last; the upload's bytes are still to come."""
    tus = "tus-resumable: 1.0.0"
    created = phone.ask(
        "POST", "/api/uploads", tus, f"upload-length: {len(data)}", f"upload-metadata: {metadata(new_id('photo'), data)}"
    )
    location = created.split(b"location: ")[1].split(b"\r\n")[0].decode()
    lines = (tus, "upload-offset: 0", f"content-length: {len(data)}", "content-type: application/offset+octet-stream")
    return {
        "longpoll": phone.open(
            phone.head("GET", f"/db/{GRID_DB}/_changes?feed=longpoll&since=now&timeout=30000", "connection: close")
        ),
        "poke": phone.open(phone.head("GET", "/api/poke", "connection: close")),
        "download": phone.open(phone.head("GET", f"/db/{GRID_DB}/_changes?include_docs=true")),
        "upload": phone.open(phone.head("PATCH", location, *lines)),
    }


def is_open(connection: socket.socket) -> bool:
    """True when the other side has not ended it; what it said until now is read away."""
    listen(connection, 0.5)
    connection.setblocking(False)
    try:
        return connection.recv(1) != b""
    except BlockingIOError:
        return True


def drip(connection: socket.socket, data: bytes, stop: threading.Event) -> None:
    """Sends ten kilobytes a second."""
    with contextlib.suppress(OSError):
        for start in range(0, len(data), 1000):
            connection.sendall(data[start : start + 1000])
            if stop.wait(0.1):
                return


def sip(connection: socket.socket, stop: threading.Event) -> None:
    """Takes an answer so slowly that the server waits for it."""
    with contextlib.suppress(OSError):
        while not stop.wait(0.1) and connection.recv(1000):
            pass


@pytest.mark.faults
@pytest.mark.long
def test_while_the_store_is_away_open_streams_are_left_alone(broker_url: str, tmp_path: Path) -> None:
    """Nobody knows then whether a token is good; a stream that carries nothing does no harm."""
    with contextlib.ExitStack() as stack:
        store = contextlib.ExitStack()
        store_url = store.enter_context(running_store(tmp_path / "store"))
        couch = Couch(store_url)
        accounts.save_all(couch, [accounts.make("worker1", ["worker"], {}, "a-test-password", grids=[GRID_A])])
        address = stack.enter_context(serving(store_url, broker_url, tmp_path))
        phone = Phone(couch, address, stack)
        connection = phone.open(phone.head("GET", "/api/poke"))
        assert b"databases" in listen(connection, 3)
        store.close()
        time.sleep(3.5)
        answer = phone.ask("GET", f"/db/{GRID_DB}")
        assert status_of(answer) == 503
        assert b"retry-after" in answer
        assert is_open(connection)
