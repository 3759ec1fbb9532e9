"""A worker as it really runs: Celery processes on a broker and a store of their own, with everything they print kept."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from server.nudges import Nudges
from sync.couch import Couch
from tests.conftest import ADMIN, ROOT, running_broker, stop, wait_for_line, wait_until

Running = Callable[..., "Worker"]


class Worker:
    """One started worker."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process, self.log = process, log

    def kill(self) -> None:
        """`kill -9` of the whole session, at whatever it is."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def said(self, text: str) -> bool:
        """True when it printed this."""
        return text in self.log.read_text(errors="replace")


@contextmanager
def running_worker(environment: dict[str, str], log: Path, *arguments: str) -> Iterator[Worker]:
    """`python -m worker …` until the end of the block."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker", *arguments],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        yield Worker(process, log)
    finally:
        process.terminate()
        stop(process)


@contextmanager
def store_at(port: int, data: Path) -> Iterator[str]:
    """An embedded store on a port of the test's choosing, so that it may come back where it was; its URL."""
    command = [sys.executable, "-m", "sync.embedded", "--data", str(data), "--port", str(port), "--admin", ADMIN]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            wait_for_line(process, "ready ")
            yield f"http://{ADMIN}@127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[str]:
    """A broker of this test's own, so that it may be emptied and killed."""
    with running_broker(tmp_path) as url:
        yield url


@pytest.fixture
def queue(own_broker: str) -> Iterator["redis.Redis"]:
    """The broker as Redis sees it."""
    client = redis.Redis.from_url(own_broker)
    yield client
    client.close()


@pytest.fixture
def nudges(own_broker: str) -> Iterator[Nudges]:
    """Nudges through the test's own broker."""
    made = Nudges(own_broker)
    yield made
    made.close()


@pytest.fixture
def environment(own_store: str, own_broker: str, tmp_path: Path) -> dict[str, str]:
    """What a worker of this test is told."""
    return {
        "XUNGE_COUCHDB_URL": own_store,
        "XUNGE_BROKER_URL": own_broker,
        "XUNGE_DATA": str(tmp_path / "data"),
        "XUNGE_SECRET": "test",
    }


@pytest.fixture
def empty_store(couch: Couch) -> Couch:
    """The module's store without any database of ours."""
    for name in couch.all_databases():
        if not name.startswith("_"):
            couch.delete(name)
    return couch


__all__ = ["Worker", "running_worker", "wait_until"]
