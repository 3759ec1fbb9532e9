"""`xunge run` as a whole: outside stores used as they are, a second start refused, a taken port named, a quick end."""

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.phones import SimulatedPhone
from tests.running import ROOT, RunningSystem, until


def run(data: Path, port: int) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XUNGE_DATA": str(data), "XUNGE_PORT": str(port)}
    argv = [sys.executable, "-m", "server.cli", "run"]
    return subprocess.run(argv, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_a_given_store_and_broker_are_used_and_none_is_started(own_store: str, broker_url: str, tmp_path: Path) -> None:
    system = RunningSystem(tmp_path / "var", XUNGE_COUCHDB_URL=own_store, XUNGE_BROKER_URL=broker_url).start()
    try:
        assert set(system.children()) == {"server", "worker", "beat"}
        again = run(system.data, system.port)
        assert again.returncode == 1
        assert "already running" in again.stderr
        phone = SimulatedPhone(system.url, "worker1").enrol()
        phone.push(phone.make_report())
        desk = system.desk()
        until(lambda: len(system.cases(desk)) == 1, "the report is a case")
    finally:
        took_s = system.stop()
    assert took_s < 10
    assert not (system.data / "couch").exists()


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run(tmp_path / "var", port)
    assert refused.returncode == 1
    assert f"port {port} is taken" in refused.stdout
