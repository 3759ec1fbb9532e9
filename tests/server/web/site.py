"""A real server for web tests: uvicorn in a thread, on a store of its own and the shared broker, with the fixed people in it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from server.app import create_app
from server.cases import callers, store
from server.domain import times, workflow
from server.people import accounts
from server.settings import Settings
from sync.couch import Couch
from sync.databases import grid_db, quarter_at
from tests.conftest import COMMUNITY, GRID_A, GRID_B, wait_until
from tests.records import report, with_rev

PASSWORD = "correct horse"
TOWNSHIP = GRID_A[:9]
LIST = f"/township/{TOWNSHIP}"
HTML = {"Accept": "text/html"}
HTMX = {"HX-Request": "true", "Accept": "text/html"}


@dataclass
class Site:
    """Where the server answers, and the store behind it."""

    url: str
    couch: Couch

    @contextmanager
    def visit(self, name: str | None = None) -> Iterator[httpx.Client]:
        """A browser of one's own, signed in when a name is given."""
        with httpx.Client(base_url=self.url, timeout=60) as client:
            if name is not None:
                assert client.post("/api/session", json={"username": name, "password": PASSWORD}).status_code == 204
            yield client

    def enrol(self, name: str) -> dict[str, Any]:
        """A phone: the answer of its enrolment."""
        with self.visit() as client:
            answer = client.post("/api/devices", json={"username": name, "password": PASSWORD, "name": "测试机"})
        assert answer.status_code == 201, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def make_case(
        self,
        received_at: datetime | None = None,
        waited: timedelta = timedelta(0),
        caller: callers.Caller | None = None,
        **fields: Any,
    ) -> dict[str, Any]:
        """A case as intake makes it from a report, received now unless told otherwise; with a `caller`, one they called about."""
        at = received_at or datetime.now(UTC)
        doc = with_rev(report(at=at - waited, **fields))
        database = grid_db(doc["grid"], quarter_at(at))
        event = workflow.reported_event(doc, database, times.to_text(at), doc["photos"], extra={"has_caller": caller is not None})
        if caller:
            callers.keep(self.couch, doc["grid"][:9], event["case"], caller, source="call", now=at)
        loaded = store.create(self.couch, doc["grid"][:9], [event], at)[event["case"]]
        return self.couch.database(f"cases-{doc['grid'][:9]}").get(loaded.case["_id"])


def bearer(token: str) -> dict[str, str]:
    """The header a phone sends."""
    return {"Authorization": f"Bearer {token}"}


def shown_cases(html: str) -> list[str]:
    """The ids of the rows in a list's page, in order."""
    return re.findall(r'data-href="/cases/(case:[0-9a-f-]+)"', html)


def make_people(couch: Couch) -> None:
    """worker1, worker2 and police1 with phones; triage1, community1 and a triage of another township at desks."""

    def one(name: str, role: str, zh: str, **held: list[str]) -> dict[str, Any]:
        return accounts.make(name, [role], {"zh-CN": zh, "en": name.title()}, PASSWORD, **held)

    people = [
        one("worker1", "worker", "马晓燕", grids=[GRID_A, GRID_B]),
        one("worker2", "worker", "王建军", grids=[GRID_B]),
        one("police1", "police", "李强", grids=[GRID_A]),
        one("triage1", "triage", "赵敏", townships=[TOWNSHIP]),
        one("triage2", "triage", "钱进", townships=["640105003"]),
        one("community1", "community", "孙洁", communities=[COMMUNITY]),
        one("district1", "district", "周涛"),
    ]
    accounts.save_all(couch, people)


def make_built(folder: Path) -> Path:
    """A front end as the build leaves it, as far as the server minds."""
    for name, text in {
        "m/index.html": "<!doctype html><title>start</title>",
        "m/sw.js": "// worker",
        "desk/desk.js": "// desk",
        "desk/desk.css": "/* desk */",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@contextmanager
def running_site(store_url: str, broker_url: str, folder: Path, built: Path | None = None) -> Iterator[Site]:
    """The server on a free port, until the block ends; with a front end that was built, where one is given."""
    settings = Settings(couchdb_url=store_url, broker_url=broker_url, data=folder / "data", secret="only for tests")
    app = create_app(settings, built or make_built(folder / "built"))
    config = uvicorn.Config(app, port=0, log_level="warning", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, what="the server")
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield Site(f"http://127.0.0.1:{port}", Couch(store_url))
    finally:
        server.should_exit = True
        thread.join(10)
