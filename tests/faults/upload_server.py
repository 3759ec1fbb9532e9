"""The real web server alone, as `xunge serve` starts it, for tests of uploads: killed, restarted, on a disk of any size.

Store and broker are the test's. `Phone` of `tests/media/upload_site.py` speaks to it, request by request.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from tests.conftest import ROOT, wait_until
from tests.media.upload_site import Phone
from tests.ports import free_port
from tests.server.web.site import PASSWORD

# Another mount namespace: the small disk is the server's alone, and is gone with it.
ON_SMALL_DISK = 'mount -t tmpfs -o size="$0" none "$1" && shift && exec "$@"'


class UploadServer:
    """One server process. `disk_bytes` puts its data on a disk of that size."""

    def __init__(self, store: str, broker: str, data: Path, disk_bytes: int | None = None) -> None:
        self.data, self._disk_bytes = data, disk_bytes
        data.mkdir(exist_ok=True)
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        own = {"COUCHDB_URL": store, "BROKER_URL": broker, "DATA": str(data), "PORT": str(self._port), "SECRET": "test"}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("XUNGE_")}
        self._environment = inherited | {f"XUNGE_{name}": value for name, value in own.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it answers."""
        command = [sys.executable, "-m", "server.cli", "serve"]
        if self._disk_bytes:
            command = ["unshare", "-rm", "sh", "-c", ON_SMALL_DISK, str(self._disk_bytes), str(self.data), *command]
        with (self.data.parent / "server.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log)
        wait_until(self._answers, timeout_s=120, what="the server")

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.data.parent / "server.log").read_text()
        try:
            return requests.options(f"{self.url}/api/uploads", timeout=5).status_code == 204
        except requests.RequestException:
            return False

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """`kill -9`, and once more on the same port and folder."""
        self.kill()
        self.start()

    @property
    def disk(self) -> Path:
        """The data folder as the server sees it."""
        assert self._process is not None
        return Path(f"/proc/{self._process.pid}/root{self.data}")

    def received(self) -> int:
        """Bytes of unfinished uploads on its disk."""
        return sum(path.stat().st_size for path in (self.data / "uploads").rglob("*.part"))

    def phone(self, name: str) -> Phone:
        """A newly enrolled device."""
        body = {"username": name, "password": PASSWORD, "name": "测试机"}
        enrolled = requests.post(f"{self.url}/api/devices", json=body, timeout=60)
        assert enrolled.status_code == 201, enrolled.text
        one = Phone(self.url, name)
        one.http.headers["Authorization"] = f"Bearer {enrolled.json()['token']}"
        return one


def can_mount() -> bool:
    """May this user make a small disk?"""
    return subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode == 0


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """A process that does nothing until the block ends."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
