"""A node of one's own as a real process, with a plain client, for tests that kill it, starve it or look at its files."""

import base64
import json
import subprocess
import sys
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
AUTHORIZATION = "Basic " + base64.b64encode(b"admin:secret").decode()


class RunningNode:
    """A node process; `kill` is `kill -9`."""

    def __init__(
        self,
        data: Path,
        open_files: int | None = None,
        wrapper: tuple[str, ...] = (),
        module: tuple[str, ...] = ("sync.embedded",),
    ) -> None:
        if open_files is not None:
            wrapper = ("sh", "-c", f'ulimit -n {open_files} && exec "$@"', "sh", *wrapper)
        command = [*wrapper, sys.executable, "-m", *module, "--data", str(data), "--port", "0"]

        self.process = subprocess.Popen(
            [*command, "--admin", "admin:secret"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise AssertionError(self.process.communicate()[1])
        self.address = line.split("//")[1].strip()

    def connect(self, timeout_s: float = 150) -> HTTPConnection:
        """A connection of the caller's own."""
        return HTTPConnection(self.address, timeout=timeout_s)

    def ask(
        self, method: str, path: str, body: Any = None, connection: HTTPConnection | None = None, **more: str
    ) -> tuple[int, Any]:
        """Status and parsed JSON of one request; `more` are further headers."""
        link = connection or self.connect()
        headers = {"Authorization": AUTHORIZATION, "Content-Type": "application/json", **more}
        try:
            link.request(method, path, None if body is None else json.dumps(body), headers)
            answer = link.getresponse()
            text = answer.read()
        finally:
            if connection is None:
                link.close()
        return answer.status, json.loads(text) if text else None

    def kill(self) -> None:
        """Ends it without any warning."""
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        """Ends it as a supervisor does."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.communicate(timeout=15)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
