"""Compaction: the file shrinks while others read and write, nothing that is needed goes, and a crash amid it costs nothing."""

import base64
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPException
from pathlib import Path

import pytest

from sync.embedded import schema
from sync.embedded.catalogue import Catalogue
from sync.embedded.compaction import compact
from sync.embedded.database import Database
from sync.embedded.documents import IncomingAttachment, read_draft
from sync.embedded.trees import Tree
from sync.embedded.updates import edit
from tests.conftest import wait_until
from tests.sync.embedded.running_node import RunningNode

WAIT_S = 60
DOCUMENTS, EDITS = 100, 6


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    catalogue = Catalogue(tmp_path, lambda name: None)
    catalogue.create("a")
    yield catalogue.get("a")
    catalogue.close()


def put(database: Database, id_: str, attachments: dict[str, bytes | None] | None = None, **fields: object) -> str:
    draft = read_draft({"_id": id_, **fields}, is_replicated=False)
    draft.attachments = [IncomingAttachment(name, "image/jpeg", data) for name, data in (attachments or {}).items()]
    (revision,) = database.write(lambda transaction: edit(transaction, [draft])).result(WAIT_S)
    assert isinstance(revision, str), revision
    return revision


def count(database: Database, table: str) -> int:
    return int(database.read(lambda connection: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]))


def fill(database: Database) -> dict[str, str]:
    """Documents with several revisions each; id → the last one."""
    newest: dict[str, str] = {}
    for number in range(DOCUMENTS):
        for version in range(EDITS):
            kept = {"_rev": newest[f"d{number}"]} if version else {}
            newest[f"d{number}"] = put(database, f"d{number}", text="x" * 2000, version=version, **kept)
    return newest


def test_old_bodies_go_and_the_file_shrinks_to_what_is_left(database: Database) -> None:
    newest = fill(database)
    database.tidy()
    file_bytes, active_bytes = database.sizes()
    assert active_bytes < file_bytes / 3, "most of it is known to be waste beforehand"
    compact(database)
    assert count(database, "body") == DOCUMENTS
    assert database.path.stat().st_size < file_bytes / 3
    assert {id_: doc["_rev"] for id_, doc in database.get_winners(newest).items() if doc} == newest
    after_bytes, active_bytes = database.sizes()
    assert after_bytes == active_bytes, "nothing is waste any more"


def test_a_large_file_is_shrunk_without_being_written_anew(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.embedded.compaction.MOST_BYTES_REBUILT", 0)
    monkeypatch.setattr(database, "rebuild", lambda: pytest.fail("written anew"))
    newest = fill(database)
    database.tidy()
    size_bytes = database.path.stat().st_size
    compact(database)
    assert database.path.stat().st_size < size_bytes / 2
    assert {id_: doc["_rev"] for id_, doc in database.get_winners(newest).items() if doc} == newest


def test_attachments_that_nothing_names_go_and_those_still_named_stay(database: Database) -> None:
    first = put(database, "a", {"old": b"o" * 90_000, "kept": b"k" * 90_000})
    put(database, "a", {"kept": None, "new": b"n" * 90_000}, _rev=first)
    database.tidy()
    file_bytes, active_bytes = database.sizes()
    assert 90_000 < file_bytes - active_bytes < 100_000
    compact(database)
    assert count(database, "blob") == 2
    assert database.path.stat().st_size < file_bytes - 80_000


def test_histories_are_stemmed_to_a_lowered_limit_without_a_further_edit(database: Database) -> None:
    newest = fill(database)
    database.write(lambda t: t.connection.execute("INSERT INTO setting VALUES('revs_limit', '2')") and None).result(WAIT_S)
    seq = database.update_seq()
    compact(database)
    trees = database.read(lambda connection: [text for (text,) in connection.execute("SELECT tree FROM doc")])
    assert {len(Tree.decode(text).nodes) for text in trees} == {2}
    assert {id_: doc["_rev"] for id_, doc in database.get_winners(newest).items() if doc} == newest
    assert database.update_seq() == seq, "no reader of changes is woken for it"


def test_writes_made_during_compaction_are_kept_and_wait_only_for_a_step(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = fill(database)
    monkeypatch.setattr("sync.embedded.compaction.MOST_BYTES_REBUILT", 0)
    monkeypatch.setattr("sync.embedded.compaction.DOCUMENTS_A_STEP", 5)
    monkeypatch.setattr("sync.embedded.compaction.PAGES_A_STEP", 4)
    is_done, has_written = threading.Event(), threading.Event()
    written: dict[str, str] = {}

    def write_on() -> None:
        number = 0
        while not is_done.is_set():
            written[f"n{number}"] = put(database, f"n{number}", text="new")
            at = f"d{number % DOCUMENTS}"
            newest[at] = put(database, at, _rev=newest[at], text="changed")
            number += 1
            has_written.set()

    writer = threading.Thread(target=write_on)
    writer.start()
    steps = 0

    def note_step() -> bool:
        nonlocal steps
        steps += 1
        has_written.clear()
        assert has_written.wait(WAIT_S), "the writer goes on between any two steps"
        return False

    try:
        compact(database, note_step)
    finally:
        is_done.set()
        writer.join(WAIT_S)
    # How many depends on the writer: what it changes is left to the next time, and what it needs is not given back.
    assert steps > 5
    expected = newest | written
    assert {id_: doc["_rev"] for id_, doc in database.get_winners(expected).items() if doc} == expected


def test_a_reader_of_an_old_state_is_neither_disturbed_nor_in_the_way(database: Database) -> None:
    fill(database)
    inside, may_end = threading.Event(), threading.Event()

    def look(connection: sqlite3.Connection) -> int:
        before = connection.execute("SELECT count(*) FROM body").fetchone()[0]
        inside.set()
        assert may_end.wait(WAIT_S)
        assert connection.execute("SELECT count(*) FROM body").fetchone()[0] == before
        return int(before)

    found: list[int] = []
    reader = threading.Thread(target=lambda: found.append(database.read(look)))
    reader.start()
    assert inside.wait(WAIT_S)
    compaction = threading.Thread(target=compact, args=(database,))
    compaction.start()
    while count(database, f"body WHERE key <= {DOCUMENTS * EDITS}") > DOCUMENTS:
        put(database, "other", **({"_rev": doc["_rev"]} if (doc := database.get_winner("other")) else {}))
    may_end.set()
    compaction.join(WAIT_S)
    reader.join(WAIT_S)
    assert not compaction.is_alive()
    assert found == [DOCUMENTS * EDITS]


def test_a_file_of_the_version_before_is_upgraded_read_and_shrunk(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path, lambda name: None)
    catalogue.create("a")
    newest = fill(catalogue.get("a"))
    path = catalogue.get("a").path
    catalogue.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA auto_vacuum=NONE")
        connection.execute("VACUUM")
        connection.executescript(
            "ALTER TABLE body DROP COLUMN sum; ALTER TABLE figure DROP COLUMN waste; PRAGMA user_version = 1"
        )
    catalogue = Catalogue(tmp_path, lambda name: None)
    database = catalogue.get("a")
    size_bytes = path.stat().st_size
    newest["d0"] = put(database, "d0", _rev=newest["d0"])
    compact(database)
    assert path.stat().st_size < size_bytes / 3
    assert {id_: doc["_rev"] for id_, doc in database.get_winners(newest).items() if doc} == newest
    catalogue.close()


def test_a_file_of_a_later_version_is_refused_in_words(tmp_path: Path, start_node: Callable[..., RunningNode]) -> None:
    node = start_node()
    node.ask("PUT", "/a")
    node.stop()
    (path,) = (tmp_path / "data").glob("*.sqlite")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    with pytest.raises(AssertionError, match="later version"):
        start_node()


def test_compacting_over_the_protocol_tells_sizes_before_and_after(node: RunningNode) -> None:
    node.ask("PUT", "/a")
    photo = base64.b64encode(b"p" * 300_000).decode()
    revision = node.ask("PUT", "/a/d", {"_attachments": {"p": {"content_type": "image/jpeg", "data": photo}}})[1]["rev"]
    assert node.ask("PUT", "/a/d", {"_rev": revision})[0] == 201
    assert node.ask("POST", "/a/_compact", {}) == (202, {"ok": True})
    _, info = node.ask("GET", "/a")
    assert info["compact_running"] is False
    assert info["sizes"]["file"] < 100_000
    assert info["sizes"]["active"] == info["sizes"]["file"]


@pytest.mark.faults
def test_kill_9_amid_compactions_loses_nothing(start_node: Callable[..., RunningNode]) -> None:
    held: dict[str, str] = {}
    for _ in range(4):
        node = start_node()
        node.ask("PUT", "/a")
        failed = threading.Event()
        writer = threading.Thread(target=edit_until_killed, args=(node, held, failed))
        writer.start()
        wait_until(lambda failed=failed: held or failed.is_set(), what="the writer's first batch")
        with closing(node.connect()) as connection:
            for _ in range(5):
                assert node.ask("POST", "/a/_compact", {}, connection)[0] == 202
        node.kill()
        writer.join(WAIT_S)
        assert not failed.is_set()
    last = start_node()
    rows = {row["key"]: row for row in last.ask("POST", "/a/_all_docs", {"keys": list(held)})[1]["rows"]}
    assert len(held) >= 50
    assert [
        id_ for id_, revision in held.items() if int(rows[id_]["value"]["rev"].split("-")[0]) < int(revision.split("-")[0])
    ] == []


def edit_until_killed(node: RunningNode, held: dict[str, str], failed: threading.Event) -> None:
    """Edits fifty documents over and over; `held` is what was acknowledged last."""
    with closing(node.connect()) as connection:
        for _ in range(10_000):
            try:
                rows = node.ask("POST", "/a/_all_docs", {"keys": [f"d{n}" for n in range(50)]}, connection)[1]["rows"]
                docs = [
                    {"_id": row["key"], "text": "x" * 3000} | ({"_rev": row["value"]["rev"]} if "value" in row else {})
                    for row in rows
                ]
                status, answer = node.ask("POST", "/a/_bulk_docs", {"docs": docs}, connection)
            except (OSError, HTTPException):
                return
            if status != 201:
                failed.set()
                return
            held.update({row["id"]: row["rev"] for row in answer})
