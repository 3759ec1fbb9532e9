"""An answered write outlives the process: nothing acknowledged is lost, nothing refused is half there."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPException
from pathlib import Path

import pytest

from sync.embedded.connections import open_file
from tests.sync.embedded.running_node import AUTHORIZATION, RunningNode

BATCH = 50
ENOUGH = 30


def make_batch(writer: int, number: int) -> dict[str, object]:
    digest = f"{writer:016x}{number:016x}"
    docs = [{"_id": f"report:{writer}-{number}-{at}", "_rev": f"1-{digest}", "text": "路灯不亮" * 20} for at in range(BATCH)]
    return {"docs": docs, "new_edits": False}


def push_until_killed(node: RunningNode, writer: int, acknowledged: list[str], enough: threading.Event) -> None:
    with closing(node.connect()) as connection:
        for number in range(10_000):
            batch = make_batch(writer, number)
            try:
                status, answer = node.ask("POST", "/a/_bulk_docs", batch, connection)
            except (OSError, HTTPException):
                return
            assert (status, answer) == (201, [])
            acknowledged += [document["_id"] for document in batch["docs"]]  # type: ignore[attr-defined]
            if number == ENOUGH:
                enough.set()


@pytest.mark.faults
def test_every_acknowledged_document_is_there_after_kill_9(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    node = start_node()
    assert node.ask("PUT", "/a")[0] == 201
    acknowledged: list[str] = []
    enough = threading.Event()
    writers = [threading.Thread(target=push_until_killed, args=(node, writer, acknowledged, enough)) for writer in range(3)]
    for thread in writers:
        thread.start()
    assert enough.wait(120)
    node.kill()
    for thread in writers:
        thread.join(30)

    again = start_node()
    status, answer = again.ask("POST", "/a/_all_docs", {"keys": acknowledged})
    assert status == 200
    assert len(acknowledged) >= ENOUGH * BATCH
    assert [row["key"] for row in answer["rows"] if "error" in row] == []
    _, figures = again.ask("GET", "/a")
    assert figures["doc_count"] % BATCH == 0, "a batch is stored whole or not at all"
    again.stop()
    (file,) = (tmp_path / "data").glob("*.sqlite")
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT count(*) FROM doc").fetchone() == (figures["doc_count"],)


def test_commits_wait_for_the_disk(node: RunningNode, tmp_path: Path) -> None:
    node.ask("PUT", "/a")
    (file,) = (tmp_path / "data").glob("*.sqlite")
    with closing(open_file(file)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_restart_finds_databases_of_any_name_and_clears_what_a_crash_left(
    start_node: Callable[..., RunningNode], tmp_path: Path
) -> None:
    first = start_node()
    for name in ("grid-640105002001001-2026q4", "a%2Fb%2Fc", "x$()%2B_-"):
        assert first.ask("PUT", f"/{name}")[0] == 201
        assert first.ask("PUT", f"/{name}/d", {"名": name})[0] == 201
    first.kill()
    leftovers = [tmp_path / "data" / name for name in ("half~0123456789ab.sqlite.new", "gone~0123456789ab.sqlite-wal")]
    for path in leftovers:
        path.write_bytes(b"half")
    second = start_node()
    assert second.ask("GET", "/_all_dbs")[1] == ["a/b/c", "grid-640105002001001-2026q4", "x$()+_-"]
    assert second.ask("GET", "/a%2Fb%2Fc/d")[1]["名"] == "a%2Fb%2Fc"
    assert not any(path.exists() for path in leftovers)


def test_it_stops_when_told_although_phones_are_waiting(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    node = start_node()
    node.ask("PUT", "/a")
    with closing(node.connect()) as connection:
        path = "/a/_changes?feed=continuous&heartbeat=1000"
        connection.request("GET", path, headers={"Authorization": AUTHORIZATION})
        with connection.getresponse() as answer:
            assert answer.status == 200
            node.stop()
            assert b"last_seq" in answer.read(), "the feed ends as feeds end"
    assert list((tmp_path / "data").glob("*-wal")) == [], "all files are closed in order"


def test_two_nodes_never_serve_one_folder(start_node: Callable[..., RunningNode]) -> None:
    first = start_node()
    with pytest.raises(AssertionError, match="in use by another node"):
        start_node()
    first.kill()
    assert start_node().ask("GET", "/_up")[0] == 200


def test_only_the_owner_may_read_the_files(node: RunningNode, tmp_path: Path) -> None:
    node.ask("PUT", "/a")
    node.ask("PUT", "/a/d", {})
    files = [path for path in (tmp_path / "data").iterdir() if path.name != ".lock"]
    assert len(files) == 3
    assert {path.stat().st_mode & 0o077 for path in [tmp_path / "data", *files]} == {0}
