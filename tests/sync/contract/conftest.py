"""A fresh database on whichever store the run has, and a plain client for it.

With XUNGE_TEST_COUCHDB_URL that is the CouchDB named there, else an embedded node. Names are random and the databases are
deleted afterwards, so that nothing else on that server is touched.
"""

import base64
import json
import secrets
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

STALE_DESIGN = "Design document was updated or deleted"
SETTLE_S = 5.0
IDLE_S = 20.0


class Reply(NamedTuple):
    """What the store said: status, JSON body (bytes when it is none), headers in lower case."""

    status: int
    body: Any
    headers: dict[str, str]


class Client:
    """One connection; asks in JSON."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._link = make(parts.hostname or "", parts.port, timeout=30)
        self._used_s = 0.0
        self._prefix = parts.path.rstrip("/")
        login = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
        self._headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode(), "Accept": "application/json"}

    def ask(self, method: str, path: str, body: Any = None, raw: bytes | None = None, **headers: str) -> Reply:
        """One request; header names are written with underscores. Waits while CouchDB's cache of design documents lags."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            given.setdefault("Content-Type", "application/json")
            raw = json.dumps(body).encode()
        give_up_at = time.monotonic() + SETTLE_S
        while True:
            answer = self._answer(method, self._prefix + path, raw, self._headers | given)
            data = answer.read()
            if STALE_DESIGN.encode() not in data or time.monotonic() > give_up_at:
                break
            time.sleep(0.1)
        known = {name.lower(): value for name, value in answer.getheaders()}
        is_json = known.get("content-type", "").startswith("application/json") and data
        return Reply(answer.status, json.loads(data) if is_json else data, known)

    def _answer(self, method: str, path: str, raw: bytes | None, headers: dict[str, str]) -> HTTPResponse:
        """A connection that lay idle for long is ended by the other side, which is only seen by using it."""
        if time.monotonic() - self._used_s > IDLE_S:
            self._link.close()
        self._used_s = time.monotonic()
        self._link.request(method, path, raw, headers)
        return self._link.getresponse()

    def close(self) -> None:
        self._link.close()


class Db:
    """One database: `ask` takes paths below it, the rest are shorthands."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name

    def ask(self, method: str, path: str = "", body: Any = None, raw: bytes | None = None, **headers: str) -> Reply:
        return self.client.ask(method, f"/{self.name}{path}", body, raw, **headers)

    def get(self, path: str) -> Any:
        reply = self.ask("GET", path)
        assert reply.status == 200, reply
        return reply.body

    def post(self, path: str, body: Any) -> Any:
        reply = self.ask("POST", path, body)
        assert reply.status in (200, 201, 202), reply
        return reply.body

    def put(self, id_: str, **members: Any) -> str:
        """Writes a document and answers its revision."""
        reply = self.ask("PUT", f"/{id_}", members)
        assert reply.status == 201, reply
        return str(reply.body["rev"])

    def push(self, *documents: dict[str, Any]) -> Any:
        """Replicated revisions; answers what the store lists as failed."""
        return self.post("/_bulk_docs", {"docs": documents, "new_edits": False})

    def find(self, selector: Any, **options: Any) -> list[str]:
        """Ids of what a query finds, in its order."""
        body = {"selector": selector, "fields": ["_id"], "limit": 1000, **options}
        return [document["_id"] for document in self.post("/_find", body)["docs"]]


def until(is_so: Callable[[], object]) -> None:
    """Asks again until it is so: for what CouchDB does a moment later."""
    give_up_at = time.monotonic() + SETTLE_S
    while not is_so():
        assert time.monotonic() < give_up_at, "it did not come about"
        time.sleep(0.05)


@pytest.fixture(scope="session")
def client(store_url: str) -> Iterator[Client]:
    client = Client(store_url)
    yield client
    client.close()


@pytest.fixture
def make_db(client: Client) -> Iterator[Callable[[], Db]]:
    """Makes fresh databases with one shard, so that their feeds have one order."""
    made: list[Db] = []

    def make() -> Db:
        database = Db(client, f"contract_{secrets.token_hex(6)}")
        assert database.ask("PUT", "?q=1").status in (201, 202)
        made.append(database)
        return database

    yield make
    for database in made:
        database.ask("DELETE")


@pytest.fixture
def db(make_db: Callable[[], Db]) -> Db:
    return make_db()
