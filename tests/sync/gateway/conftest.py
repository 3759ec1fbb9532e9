"""A gateway in front of a real store, with the real policy, and phones enrolled for the fixed people."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from server.domain import ids, times
from server.people import accounts, devices
from server.people.policy import DevicePolicy
from server.replication import create_replication
from server.settings import Settings
from sync import databases
from sync.couch import Couch
from tests.conftest import GRID_A, wait_until

PASSWORD = "a-test-password"
GRID_DB = databases.grid_db(GRID_A, databases.quarter_at(datetime.now(UTC)))


class Phone:
    """An enrolled device: requests to `/db` with its token."""

    def __init__(self, base: str, device_id: str, token: str, user: str) -> None:
        self.base, self.device_id, self.token, self.user = base, device_id, token, user
        self.session = requests.Session()
        self.session.headers["authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        """A request below `/db`, exactly as written: the path is not tidied up."""
        prepared = self.session.prepare_request(requests.Request(method, self.base + "/", **options))
        query = prepared.url.partition("?")[2] if prepared.url else ""
        prepared.url = self.base + path + ("?" + query if query else "")
        return self.session.send(prepared, timeout=60, allow_redirects=False)

    def push(self, docs: list[Any], database: str = GRID_DB) -> list[dict[str, Any]]:
        """Push documents as the outbox does; the answer's entries."""
        answer = self.ask("POST", f"/{database}/_bulk_docs", json={"docs": docs, "new_edits": False})
        assert answer.status_code == 201, answer.text
        return list(answer.json())

    def report(self, **fields: Any) -> dict[str, Any]:
        """A sound report by this phone's person."""
        return make_report(self.user, self.device_id, **fields)


_counter = iter(range(1, 10**9))


def make_report(user: str, device: str, **fields: Any) -> dict[str, Any]:
    """A report that the gate accepts; `fields` replace what a test wants otherwise (None of `_id` or `_rev` is made up)."""
    number = next(_counter)
    now = datetime.now(UTC)
    return {
        "_id": "report:" + ids.uuid7(now, number.to_bytes(10, "big")),
        "_rev": f"1-{number:032x}",
        "type": "report",
        "v": 1,
        "grid": GRID_A,
        "author": user,
        "device": device,
        "captured_at": times.to_text(now),
        "clock_offset_ms": 120,
        "category": "rubbish",
        "text": f"楼道堆放杂物 {number}",
        "urgency": "normal",
        "place": None,
        "photos": [],
        "source": "patrol",
        **fields,
    }


@contextmanager
def serving(app: Any) -> Iterator[str]:
    """An ASGI app on a real uvicorn, in a thread; its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started, what="the server")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


@pytest.fixture(scope="module")
def nudged() -> list[str]:
    """The databases the gateway told of, in order."""
    return []


@pytest.fixture(scope="module")
def telling() -> Iterator[threading.Event]:
    """While it is cleared, whom the gateway tells takes its time."""
    found = threading.Event()
    found.set()
    yield found
    found.set()


@pytest.fixture(scope="module")
def gate(own_store: str, couch: Couch, nudged: list[str], telling: threading.Event) -> Iterator[str]:
    """The address of a gateway with the real policy before the module's own store."""

    async def stored(database: str) -> None:
        nudged.append(database)
        while not telling.is_set():  # noqa: ASYNC110 - the test, in another thread, lets go
            await asyncio.sleep(0.01)

    replication = create_replication(Settings(couchdb_url=own_store), DevicePolicy(couch), stored)
    app = Starlette(routes=[Mount("/db", replication)], lifespan=lambda _: replication.running())
    with serving(app) as url:
        yield url + "/db"


@pytest.fixture(scope="module")
def enrolled(couch: Couch, gate: str) -> Callable[[dict[str, Any]], Phone]:
    """Saves a person and gives them a phone."""

    def enrol(person: dict[str, Any]) -> Phone:
        held = {field: person[field] for field in accounts.HELD}
        account = accounts.make(person["name"], person["roles"], person["display"], PASSWORD, **held)
        accounts.save_all(couch, [account])
        device, token = devices.enrol(couch, account, "测试手机")
        return Phone(gate, device["_id"].partition(":")[2], token, person["name"])

    return enrol


@pytest.fixture
def worker1(enrolled: Callable[[dict[str, Any]], Phone], people: dict[str, Any]) -> Phone:
    """worker1's phone."""
    return enrolled(people["worker1"])


@pytest.fixture
def police1(enrolled: Callable[[dict[str, Any]], Phone], people: dict[str, Any]) -> Phone:
    """police1's phone."""
    return enrolled(people["police1"])
