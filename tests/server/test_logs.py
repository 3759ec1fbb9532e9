"""The log of a server process: the level holds for every line, and every line is JSON."""

import asyncio
import http.client
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from starlette.types import Message, Receive, Scope, Send

from server import logs
from server.web.access_log import AccessLog
from tests.conftest import ROOT, free_port, stop, wait_until


def ask(port: int, path: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def lines_logged(tmp_path: Path, level: str) -> list[dict[str, object]]:
    """What a real server writes about one replication request that goes well, one that does not, and one for a page."""
    port, output = free_port(), tmp_path / level
    environment = os.environ | {
        "XUNGE_LOG_LEVEL": level,
        "XUNGE_DATA": str(tmp_path),
        "XUNGE_COUCHDB_URL": f"http://a:b@127.0.0.1:{free_port()}",
        "XUNGE_BROKER_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    command = [sys.executable, "-m", "uvicorn", "server.app:create_app", "--factory", "--port", str(port), "--no-access-log"]
    with (
        output.open("wb") as file,
        subprocess.Popen(
            [*command, "--log-level", "warning"], cwd=ROOT, env=environment, stdout=file, stderr=subprocess.DEVNULL
        ) as process,
    ):
        try:
            wait_until(lambda: ask(port, "/"), 120, "the server")
            assert ask(port, "/db/") == 401
        finally:
            process.terminate()
            stop(process)
    return [json.loads(line) for line in output.read_text().splitlines()]


def paths(lines: list[dict[str, object]]) -> set[object]:
    return {line["path"] for line in lines if line["event"] == "request"}


def test_every_line_is_json_with_level_and_time_and_refused_replication_is_logged(tmp_path: Path) -> None:
    lines = lines_logged(tmp_path, "INFO")
    assert paths(lines) == {"/", "/db/"}
    assert all({"event", "level", "at"} <= line.keys() for line in lines)


def test_level_holds_for_access_lines(tmp_path: Path) -> None:
    lines = lines_logged(tmp_path, "WARNING")
    assert paths(lines) == set()
    assert {line["level"] for line in lines} <= {"warning", "error"}


@pytest.mark.parametrize(("path", "status", "level"), [("/db/grid-1/_bulk_docs", 201, "debug"), ("/api/cases", 200, "info")])
def test_replication_that_goes_well_is_only_logged_for_debugging(path: str, status: int, level: str) -> None:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})

    async def drop(message: Message) -> None: ...

    async def nothing() -> Message:
        return {"type": "http.request"}

    scope = {"type": "http", "method": "POST", "path": path, "headers": []}
    with structlog.testing.capture_logs() as captured:
        asyncio.run(AccessLog(answer)(scope, nothing, drop))
    assert [(line["path"], line["log_level"]) for line in captured] == [(path, level)]


def test_unknown_level_is_named() -> None:
    with pytest.raises(ValueError, match="XUNGE_LOG_LEVEL"):
        logs.configure("LOUD")
