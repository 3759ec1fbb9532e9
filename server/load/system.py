"""A whole system for a bench, in a folder of its own, and what its processes take of the machine (Linux, by `/proc`)."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import requests

from server.processes import free_port
from sync.couch import Couch

READY_S = 240.0
PARTS = {
    "store": "server.cli store",
    "broker": "valkey-server",
    "server": "server.cli serve",
    "beat": "worker.app beat",
    "intake": "intake@",
    "photos": "photos@",
}
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class System:
    """A running system: where it answers, its store, and the pid everything of it descends from."""

    def __init__(self, url: str, folder: Path, pid: int) -> None:
        self.url = url
        self.couch = Couch(json.loads((folder / "run.json").read_text())["XUNGE_COUCHDB_URL"], timeout_s=60)
        self.couchdb_url = str(json.loads((folder / "run.json").read_text())["XUNGE_COUCHDB_URL"])
        self._pid = pid
        self.peaks: dict[str, tuple[int, int, float]] = {}

    def sample(self) -> None:
        """Look at all processes once and keep the highest figures; `all` is their sum at one moment."""
        now: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        for pid in _descendants(self._pid):
            with contextlib.suppress(OSError, ValueError):
                taken = _taken(pid)
                for name in (_name(pid), "all"):
                    now[name] = [a + b for a, b in zip(now[name], taken, strict=True)]
        for name, (memory, files, cpu) in sorted(now.items(), key=lambda one: one[0] == "all"):
            before = self.peaks.get(name, (0, 0, 0.0))
            self.peaks[name] = (max(before[0], int(memory)), max(before[1], int(files)), max(before[2], cpu))


@contextlib.contextmanager
def running() -> Iterator[System]:
    """`xunge run` on a temporary folder and a free port, with the store and broker of the environment if it names any."""
    with tempfile.TemporaryDirectory(prefix="xunge-bench-") as name:
        folder, port = Path(name), free_port()
        environment = {**os.environ, "XUNGE_DATA": name, "XUNGE_PORT": str(port), "XUNGE_DEMO": "", "XUNGE_HOST": "127.0.0.1"}
        with (folder / "log").open("wb") as log:
            argv = [sys.executable, "-m", "server.cli", "run"]
            process = subprocess.Popen(argv, env=environment, stdout=log, stderr=subprocess.STDOUT)
            try:
                url = f"http://127.0.0.1:{port}"
                _wait(process, url, folder)
                yield System(url, folder, process.pid)
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(timeout=30)


def _wait(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    deadline_s = time.monotonic() + READY_S
    while time.monotonic() < deadline_s:
        with contextlib.suppress(requests.RequestException):
            if requests.get(f"{url}/healthz", timeout=5).status_code == 200:
                return
        if process.poll() is not None:
            break
        time.sleep(0.2)
    raise RuntimeError("the system did not start:\n" + (folder / "log").read_text(errors="replace")[-2000:])


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                stat = (folder / "stat").read_text()
                children[int(stat[stat.rindex(")") + 2 :].split()[1])].append(int(folder.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children[pid]
    return found


def _name(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return next((name for name, part in PARTS.items() if part in command), "other")


def _taken(pid: int) -> tuple[float, float, float]:
    """Memory in bytes (its share of what is shared), open files, processor seconds of one process."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    memory_kb = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    files = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names of things that vanish
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat[stat.rindex(")") + 2 :].split()
    return memory_kb * 1024.0, float(files), (int(fields[11]) + int(fields[12])) * TICK_S
