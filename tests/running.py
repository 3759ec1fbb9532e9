"""A whole running system for tests: `xunge run` as a user starts it, on a data folder and a port of its own."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import requests

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[1]
PASSWORD = "xunge-demo"
COMMANDS = {
    "store": "server.cli store",
    "broker": "valkey-server",
    "server": "server.cli serve",
    "worker": "-m worker",
    "beat": "worker.app beat",
}
# Every process of a system, helpers of helpers included, by a part of its command line; the first that fits names it.
FAMILY = {
    "run": "server.cli run",
    "seed": "server.cli seed",
    "intake": "-Q intake",
    "photos": "-Q photos",
    **COMMANDS,
}


def until(question: Callable[[], object], what: str, timeout_s: float = 60.0, pause_s: float = 0.05) -> object:
    """Asks until the answer is true and returns it; a connection that fails counts as no. Fails with `what` after the time."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            answer = question()
        except requests.RequestException:
            answer = None
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {timeout_s:.0f} s: {what}"
        time.sleep(pause_s)


class RunningSystem:
    """Starts, stops, kills and asks one system. The data folder outlives a stop, as it does for a user."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.data = data
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self.log = data.parent / f"{data.name}.log"

    @classmethod
    def on_given_store(cls, data: Path) -> "RunningSystem":
        """One on the store that `XUNGE_COUCHDB_URL` names, as benches measure; without it on its own."""
        given = os.environ.get("XUNGE_COUCHDB_URL")
        return cls(data, **({"XUNGE_COUCHDB_URL": given} if given else {}))

    def start(self) -> "RunningSystem":
        """Starts everything and waits until it is healthy."""
        self.launch()
        try:
            until(self.is_healthy, f"healthy system, see its log:\n{self.tail()}", timeout_s=240)
        except AssertionError:
            raise AssertionError(self.tail()) from None
        return self

    def launch(self) -> None:
        """Starts everything and waits for nothing."""
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("XUNGE_")},
            "XUNGE_DATA": str(self.data),
            "XUNGE_PORT": str(self.port),
            "XUNGE_DEMO": "1",
            **self._environment,
        }
        argv = [sys.executable, "-m", "server.cli", "run"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(argv, cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT)

    def tail(self, lines: int = 60) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""

    def is_healthy(self) -> bool:
        """True when database, broker and worker answer."""
        assert self._process is None or self._process.poll() is None, self.tail()
        return requests.get(f"{self.url}/healthz", timeout=5).status_code == 200

    def stop(self) -> float:
        """Stops as Ctrl-C does; how many seconds it took. Fails when anything is left after the ten it may take."""
        if self._process is None:
            return 0.0
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=15)
        self._process = None
        return time.monotonic() - began

    def children(self) -> dict[str, int]:
        """The pids of the child processes by name, as they are at this moment."""
        assert self._process is not None
        found = {}
        for folder in Path("/proc").iterdir():
            try:
                if not folder.name.isdigit() or _parent(folder) != self._process.pid:
                    continue
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            except OSError:
                continue
            matching = [name for name, part in COMMANDS.items() if part in command]
            if matching:
                found[matching[-1]] = int(folder.name)
        return found

    def kill(self, name: str) -> int:
        """`kill -9` of one child (a worker goes with its pool); the pid it had."""
        pid = int(str(until(lambda: self.children().get(name), f"a running {name}")))
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            return pid
        return pid

    def family(self) -> dict[str, list[int]]:
        """The pids of all processes that run on this data folder, by name; `photo` is one that makes sizes for `photos`."""
        found: dict[str, list[int]] = {}
        commands = {int(folder.name): _command(folder) for folder in Path("/proc").iterdir() if self._is_ours(folder)}
        for pid, command in commands.items():
            name = next((name for name, part in FAMILY.items() if part in command), "other")
            if name == "photos" and FAMILY["photos"] in commands.get(_parent_of(pid), ""):
                name = "photo"
            found.setdefault(name, []).append(pid)
        return found

    def kill_one(self, name: str) -> int:
        """`kill -9` of exactly one process of the family, whatever it is at; the pid it had."""
        pid = int(str(until(lambda: next(iter(self.family().get(name, [])), None), f"a running {name}", 60)))
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        if name == "run" and self._process is not None:
            self._process.wait()
            self._process = None
        return pid

    def store_url(self) -> str:
        """Where its store is, with credentials: for an audit that trusts nobody between."""
        return str(json.loads((self.data / "run.json").read_text())["XUNGE_COUCHDB_URL"])

    def broker_url(self) -> str:
        """Where its broker is."""
        return str(json.loads((self.data / "run.json").read_text())["XUNGE_BROKER_URL"])

    def _is_ours(self, folder: Path) -> bool:
        if not folder.name.isdigit():
            return False
        try:
            told = (folder / "environ").read_bytes().split(b"\0")
            # The broker writes its title over its environment; it works in its own folder, though.
            return f"XUNGE_DATA={self.data}".encode() in told or (folder / "cwd").readlink().is_relative_to(self.data)
        except OSError:
            return False

    def desk(self, username: str = "triage1") -> requests.Session:
        """A signed-in session of a member of staff."""
        session = requests.Session()
        answer = session.post(f"{self.url}/api/session", json={"username": username, "password": PASSWORD}, timeout=60)
        assert answer.status_code == 204, answer.text
        return session

    def cases(self, desk: requests.Session, **filters: str) -> list[dict[str, object]]:
        """Every case of 北京西路街道, page by page."""
        found: list[dict[str, object]] = []
        cursor: str | None = ""
        while cursor is not None:
            query = {"township": "640105002", "limit": "100", **filters, **({"cursor": cursor} if cursor else {})}
            page = desk.get(f"{self.url}/api/cases", params=query, timeout=30).json()
            found += page["cases"]
            cursor = page["next"]
        return found


def _command(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _parent_of(pid: int) -> int:
    try:
        return _parent(Path("/proc") / str(pid))
    except OSError:
        return 0


def _parent(folder: Path) -> int:
    stat = (folder / "stat").read_text()
    return int(stat[stat.rindex(")") + 2 :].split()[1])
