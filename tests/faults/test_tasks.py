"""A worker is killed with -9 inside each of its tasks, behind each write: at last all is there that an undisturbed one leaves.

After the kill nobody says again what was asked for: a new worker does only what it does by itself. Then every document of the
store (leaves, tombstones and all) is compared with those of a store in which nobody was killed.
"""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
import redis

from server.audit import verifying
from server.domain import workflow
from server.queues import CALLS_TASK, CARE_TASK, DEADLINES_TASK, ERASE_TASK, INTAKE_TASK, PHOTO_TASK, SWEEP_TASK, TWINS_TASK
from sync.couch import Couch
from sync.databases import NOTICES, month_at
from tests.conftest import ROOT, stop
from tests.faults.stalling import Stalling
from tests.faults.world import TOWNSHIP, World
from tests.worker.test_notices import Hook
from worker import tasks

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
# Hashes over instants, how often something was tried, the order of two moves that came from two databases, an index's own name.
MAY_DIFFER = {"seal": ("sha256", "prev"), "delivery": ("tries",), "event": ("n",), "case": ("last_event",), "life": ("id",)}
STALL_S = 90
Document = dict[str, Any]


class Work(NamedTuple):
    """A task with its arguments (names of the world's things), what is done undisturbed before, and whether it must write."""

    task: str
    arguments: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    writes_least: int = 1


WORKS: dict[str, Work] = {
    "reports, notes and replies": Work(INTAKE_TASK, ("grid",), writes_least=5),
    "moves, merges, tasks down and copies": Work(INTAKE_TASK, ("cases",), writes_least=5),
    "two versions of a household": Work(INTAKE_TASK, ("home",)),
    "notices out of the house": Work(INTAKE_TASK, (NOTICES,), ("moves, merges, tasks down and copies",), 3),
    "sizes of a photo": Work(PHOTO_TASK, ("media", "photo")),
    "possible duplicates": Work(TWINS_TASK, (TOWNSHIP,), ("reports, notes and replies",), 2),
    "sweep with seals and rotation": Work(SWEEP_TASK, writes_least=4),
    "dates and warnings": Work(DEADLINES_TASK, writes_least=4),
    # No source is in the world yet, and nothing to erase: what call-backs and erasures do when killed is tried in `tests/worker`.
    "call-backs to sources": Work(CALLS_TASK, writes_least=0),
    "erasures": Work(ERASE_TASK, writes_least=0),
    "care": Work(CARE_TASK, writes_least=0),
}


class Worker:
    """The processes of `worker_process.py` on a store behind the relay."""

    def __init__(self, relay: Stalling, broker_url: str, folder: Path) -> None:
        told = {"XUNGE_COUCHDB_URL": relay.url, "XUNGE_BROKER_URL": broker_url, "XUNGE_DATA": str(folder), "XUNGE_SECRET": "test"}
        given = {name: value for name, value in os.environ.items() if not name.startswith("XUNGE_")}
        self._log = folder / "worker.log"
        command, pipe = [sys.executable, "-m", "tests.faults.worker_process"], subprocess.PIPE
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=given | told, stdin=pipe, stdout=pipe, stderr=log, text=True)
        assert self._line() == "ready"

    def begin(self, what: str, *arguments: str) -> int:
        """Starts a task; the pid of its process."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([what, *arguments]) + "\n")
        self._process.stdin.flush()
        return int(self._line())

    def end(self) -> int:
        """Waits for the task; its exit code, negative for a signal."""
        return int(self._line())

    def do(self, what: str, *arguments: str) -> None:
        """A task from beginning to end."""
        self.begin(what, *arguments)
        code = self.end()
        assert code == 0, self._log.read_text()[-4000:]

    def close(self) -> None:
        self._process.kill()
        with self._process:
            stop(self._process)

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        assert line, self._log.read_text()[-4000:]
        return line


class Ground:
    """Everything a test of this module works on."""

    def __init__(self, store_url: str, broker_url: str, folder: Path, hook: Hook) -> None:
        self.couch, self.hook, self._store_url = Couch(store_url), hook, store_url
        self.world, self.relay = World(hook.url), Stalling(store_url)
        self._broker = redis.Redis.from_url(broker_url)
        self.worker = Worker(self.relay, broker_url, folder)
        self._undisturbed: dict[str, tuple[list[str], Any]] = {}

    def prepare(self, what: str) -> list[str]:
        """The world as it is before this work begins; the task with its arguments."""
        self.relay.begin()
        self.world.put(self.couch)
        self._broker.flushall()
        self.hook.heard.clear()
        for one in WORKS[what].before:
            self.worker.do(*self.named(one))
        return self.named(what)

    def named(self, what: str) -> list[str]:
        work = WORKS[what]
        return [work.task, *(str(getattr(self.world, name, name)) for name in work.arguments)]

    def undisturbed(self, what: str) -> tuple[list[str], Any]:
        """What the task writes, and what is there when it and everything behind it was done."""
        if what not in self._undisturbed:
            asked = self.prepare(what)
            self.relay.begin()
            self.worker.do(*asked)
            writes = list(self.relay.writes)
            self.worker.do("recover")
            self._undisturbed[what] = writes, self.everything()
        return self._undisturbed[what]

    def killed(self, what: str, behind: int) -> Any:
        """What is there when the worker was killed behind so many writes and another one came."""
        asked = self.prepare(what)
        self.relay.begin(behind)
        pid = self.worker.begin(*asked)
        is_there = self.relay.is_stalled.wait(STALL_S)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        code = self.worker.end()
        assert (is_there, code) == (True, -signal.SIGKILL), (what, behind, self.relay.writes)
        self.relay.begin()
        self.worker.do("recover")
        return self.everything()

    def everything(self) -> dict[str, list[Any]]:
        """All leaves of all databases, without what may differ: instants, revisions the store makes, hashes over instants."""
        found = {}
        with httpx.Client(base_url=self._store_url, timeout=60) as client:
            for name in sorted(name for name in self.couch.all_databases() if not name.startswith("_")):
                rows = client.get(f"/{name}/_changes", params={"style": "all_docs", "include_docs": "true"}).json()["results"]
                ended = {
                    row["id"]
                    for row in rows
                    if row["id"].startswith("case:") and row["doc"].get("state") not in workflow.OPEN_STATES
                }
                mine = (row for row in rows if not row["id"].startswith("_design/") and is_open(row["doc"], ended))
                found[name] = sorted(map(plain, mine), key=str)
        return found

    def close(self) -> None:
        self.worker.close()
        self.relay.close()
        self._broker.close()


def is_open(doc: Document, ended: set[str]) -> bool:
    """False of a proposal of cases of which one has ended: it is there or not, as the search came before or after the end."""
    return doc.get("type") != "proposal" or ended.isdisjoint(doc["cases"])


def plain(row: Document) -> list[Any]:
    """A row of changes: id, whether it is deleted, how many leaves, the content."""
    left_out = {"_rev", "_attachments", *MAY_DIFFER.get(row["doc"].get("type"), ())}
    # A phone's copy (it has no `applied`) is not written again for a move that phones are shown nothing of.
    left_out |= {"events", "updated_at"} if row["doc"].get("type") == "case" and "applied" not in row["doc"] else set()
    doc = {name: value for name, value in row["doc"].items() if name not in left_out}
    doc |= {name: sorted(doc[name], key=str) for name in ("applied", "history") if name in doc}
    content = INSTANT.sub("then", json.dumps(doc, sort_keys=True, ensure_ascii=False))
    return [row["id"], bool(row.get("deleted")), len(row["changes"]), sorted(row["doc"].get("_attachments", ())), content]


@pytest.fixture(scope="module")
def ground(own_store: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    hook = Hook()
    found = Ground(own_store, broker_url, tmp_path_factory.mktemp("worker"), hook)
    yield found
    found.close()
    hook.server.shutdown()
    hook.server.server_close()


def test_every_task_of_the_worker_is_killed_here() -> None:
    ours = {name for name in tasks.app.tasks if name.startswith("xunge.")}
    assert ours == {work.task for work in WORKS.values()}


def check(ground: Ground, what: str, points: Sequence[int]) -> None:
    """Kills at these points, each in a world of its own."""
    _, expected = ground.undisturbed(what)
    for behind in points:
        found = ground.killed(what, behind)
        for name in sorted({*expected, *found}):
            wanted, there = expected.get(name, []), found.get(name, [])
            lost = [row for row in wanted if row not in there]
            more = [row for row in there if row not in wanted]
            assert (lost, more) == ([], []), f"{what}, killed behind write {behind}, {name}"
        audit(ground)


def audit(ground: Ground) -> None:
    """Cases are the folds of their events, the log's seals hang together, no notice went out of the house twice."""
    database = ground.couch.database(ground.world.cases)
    cases = database.range("case:", "case:\ufff0", 1000)
    events = database.range("event:", "event:\ufff0", 1000)
    for case in cases:
        own = [event for event in events if event["case"] == case["_id"]]
        assert workflow.fold(own) == {name: value for name, value in case.items() if name != "_rev"}
    assert not verifying.verify(ground.couch, month_at(ground.world.now)).findings
    numbers = [one["message"].rpartition("编号 ")[2] for one in ground.hook.heard]
    said = {one["message"] for one in ground.hook.heard}
    # One that was sent when its sender died may come again, word for word, by its number the same.
    assert len(set(numbers)) == len(said)
    assert len(numbers) <= len(said) + 1


def writes_of(ground: Ground, what: str) -> list[str]:
    writes, _ = ground.undisturbed(what)
    assert len(writes) >= WORKS[what].writes_least, writes
    return writes


@pytest.mark.faults
@pytest.mark.parametrize("what", WORKS)
def test_a_worker_killed_in_the_middle_of_a_task_loses_and_doubles_nothing(ground: Ground, what: str) -> None:
    writes = writes_of(ground, what)
    check(ground, what, [len(writes) // 2] if writes else [])


@pytest.mark.faults
@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("what", WORKS)
def test_a_worker_killed_behind_any_write_of_a_task_loses_and_doubles_nothing(ground: Ground, what: str) -> None:
    writes = writes_of(ground, what)
    check(ground, what, range(len(writes) + 1) if writes else [])
    print(f"\n{what}: killed {len(writes) + 1 if writes else 0} times, 0 lost, 0 doubled", flush=True)
