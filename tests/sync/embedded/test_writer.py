"""Group commit: many writes in one transaction, answered together, without spoiling one another."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from sync.embedded import connections as connections_module
from sync.embedded.catalogue import _WRITER_THREADS, Catalogue
from sync.embedded.database import Database
from sync.embedded.documents import read_draft
from sync.embedded.refusals import Refusal, StorageFull
from sync.embedded.updates import edit
from sync.embedded.writer import Job, Transaction

WAIT_S = 60


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    made = Catalogue(tmp_path, announced.append)
    made.create("a")
    made.create("b")
    announced.clear()
    yield made
    made.close()


announced: list[str] = []


def put(id_: str, **fields: object) -> Job:
    """The job of writing one document."""

    def job(transaction: Transaction) -> object:
        (result,) = edit(transaction, [read_draft({"_id": id_, **fields}, is_replicated=False)])
        return result

    return job


class Gate:
    """A write that stays in the middle of its transaction until it is let go."""

    def __init__(self) -> None:
        self.is_inside = threading.Event()
        self._may_go = threading.Event()

    def __call__(self, transaction: Transaction) -> str:
        put("slow")(transaction)
        self.is_inside.set()
        assert self._may_go.wait(WAIT_S)
        return "done"

    def open(self) -> None:
        self._may_go.set()


def test_readers_and_other_databases_go_on_during_a_long_write(catalogue: Catalogue) -> None:
    database, other = catalogue.get("a"), catalogue.get("b")
    database.write(put("before")).result(WAIT_S)
    gate = Gate()
    slow = database.write(gate)
    assert gate.is_inside.wait(WAIT_S)
    readers = [threading.Thread(target=lambda: found.append(ids(database))) for _ in range(4)]
    found: list[list[str]] = []
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(WAIT_S)
    assert found == [["before"]] * 4, "readers see the last commit, not the write going on"
    assert other.write(put("elsewhere")).result(WAIT_S).startswith("1-")
    assert not slow.done()
    gate.open()
    assert slow.result(WAIT_S) == "done"
    assert ids(database) == ["before", "slow"]


def test_writes_that_wait_together_are_committed_together(catalogue: Catalogue) -> None:
    database = catalogue.get("a")
    gate = Gate()
    futures = [database.write(gate)]
    assert gate.is_inside.wait(WAIT_S)
    futures += [database.write(put(f"d{number:02}")) for number in range(40)]
    gate.open()
    for future in futures:
        future.result(WAIT_S)
    assert len(ids(database)) == 41
    assert len(announced) == 2, "one commit for the slow write, one for all that waited"


def test_a_database_has_its_turn_although_more_others_are_always_busy_than_there_are_writers(catalogue: Catalogue) -> None:
    is_done = threading.Event()

    def keep_busy(database: Database, transaction: Transaction) -> None:
        if not is_done.is_set():  # before it is done the next one waits: this database's queue is never empty
            database.write(partial(keep_busy, database))

    for number in range(2 * _WRITER_THREADS):
        catalogue.create(f"busy{number}")
        database = catalogue.get(f"busy{number}")
        database.write(partial(keep_busy, database))
    try:
        assert catalogue.get("a").write(put("one")).result(WAIT_S).startswith("1-")
    finally:
        is_done.set()


def test_a_refused_or_failing_write_spoils_nothing_around_it(catalogue: Catalogue) -> None:
    database = catalogue.get("a")
    gate = Gate()
    database.write(gate)
    assert gate.is_inside.wait(WAIT_S)

    def fail(transaction: Transaction) -> None:
        put("half")(transaction)
        raise ValueError("after writing")

    def refuse(transaction: Transaction) -> None:
        put("half2")(transaction)
        raise Refusal(412, "missing_stub", "after writing")

    good = [database.write(put("one")), database.write(put("two"))]
    failing, refused = database.write(fail), database.write(refuse)
    last = database.write(put("three"))
    gate.open()
    assert [future.result(WAIT_S)[:2] for future in [*good, last]] == ["1-"] * 3
    with pytest.raises(ValueError, match="after writing"):
        failing.result(WAIT_S)
    with pytest.raises(Refusal):
        refused.result(WAIT_S)
    assert ids(database) == ["one", "slow", "three", "two"]
    assert database.figures().live == 4


def test_a_full_disk_refuses_writes_wholly_and_the_node_goes_on(catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch) -> None:
    database = catalogue.get("a")
    database.write(put("first")).result(WAIT_S)
    with monkeypatch.context() as patch:
        limit_pages(patch, 40)
        catalogue.connections.close()  # open ones have no limit yet
        with pytest.raises(StorageFull) as refusal:
            database.write(put("big", text="x" * 400_000)).result(WAIT_S)
        assert refusal.value.status == 503
        assert ids(database) == ["first"]
        assert database.write(put("small")).result(WAIT_S).startswith("1-")
    catalogue.connections.close()
    assert database.write(put("big", text="x" * 400_000)).result(WAIT_S).startswith("1-")
    assert ids(database) == ["big", "first", "small"]
    assert database.figures()[:3] == (3, 3, 0)


def test_a_deleted_database_refuses_what_waits_and_a_new_one_is_another(catalogue: Catalogue) -> None:
    old = catalogue.get("a")
    gate = Gate()
    slow = old.write(gate)
    assert gate.is_inside.wait(WAIT_S)
    waiting = old.write(put("late"))
    catalogue.delete("a")
    catalogue.create("a")
    gate.open()
    slow.exception(WAIT_S)
    with pytest.raises(Refusal):
        waiting.result(WAIT_S)
    with pytest.raises(Refusal):
        ids(old)
    new = catalogue.get("a")
    assert new.epoch != old.epoch
    assert ids(new) == []
    new.write(put("fresh")).result(WAIT_S)
    assert ids(new) == ["fresh"]


def test_a_write_that_meets_the_deletion_of_its_database_is_refused(catalogue: Catalogue) -> None:
    database = catalogue.get("a")
    catalogue.delete("a")
    late: Future[object] = Future()
    database._writer._commit_batch([(put("late"), late)])  # as the writer does that took it up just before
    with pytest.raises(Refusal) as refusal:
        late.result(WAIT_S)
    assert refusal.value.status == 404


def ids(database: Database) -> list[str]:
    """The ids of a database in order."""
    return database.read(lambda connection: [id_ for (id_,) in connection.execute("SELECT id FROM doc ORDER BY id")])


def limit_pages(patch: pytest.MonkeyPatch, pages: int) -> None:
    """SQLite then says that the disk is full, in its own words, when a file would grow larger."""
    open_file = connections_module.open_file

    def open_small(path: Path) -> sqlite3.Connection:
        connection = open_file(path)
        connection.execute(f"PRAGMA max_page_count={pages}")
        return connection

    patch.setattr(connections_module, "open_file", open_small)
