"""An index follows its database, and may be lost at any moment."""

import asyncio
import random
from typing import Any

import pytest

from sync.embedded import views
from sync.embedded.documents import read_draft
from sync.embedded.refusals import Refusal
from sync.embedded.rows import ChangedDoc
from sync.embedded.updates import merge, purge
from sync.embedded.views import blocks, files, index
from tests.sync.embedded.views.conftest import BY_KEY, WAIT_S, Shelf


def index_files(shelf: Shelf) -> list[str]:
    return sorted(path.name for path in shelf.folder.glob("*.sqlite"))


def test_rows_follow_edits_and_deletions(shelf: Shelf) -> None:
    shelf.put({"_id": "a", "k": 1}, {"_id": "b", "k": 2})
    assert shelf.ids() == ["a", "b"]
    shelf.put({"_id": "a", "k": 3})
    assert shelf.ids() == ["b", "a"]
    shelf.delete("b")
    assert shelf.ids() == ["a"]
    shelf.put({"_id": "a", "nothing": True})
    assert shelf.ask() == {"total_rows": 0, "offset": 0, "rows": []}


def test_only_what_changed_is_mapped_again(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put(*({"_id": f"d{n}", "k": n} for n in range(30)))
    shelf.ask()
    mapped: list[str] = []
    real = index.Index._documents
    monkeypatch.setattr(
        index.Index, "_documents", lambda self, changes: mapped.extend(c.id for c in changes) or real(self, changes)
    )
    shelf.put({"_id": "d7", "k": 100})
    assert shelf.ids()[-1] == "d7"
    assert mapped == ["d7"]


def test_purged_documents_leave_the_view(shelf: Shelf) -> None:
    revision = "1-" + "a" * 32
    draft = read_draft({"_id": "a", "_rev": revision, "k": 1}, is_replicated=True)
    shelf.database.write(lambda transaction: merge(transaction, [draft])).result(WAIT_S)
    assert shelf.ids() == ["a"]
    shelf.database.write(lambda transaction: purge(transaction, {"a": [revision]})).result(WAIT_S)
    assert shelf.ids() == []


def test_a_map_sees_conflicts_when_it_asks_for_them(shelf: Shelf) -> None:
    shelf.define("function (doc) { if (doc._conflicts) emit(doc._conflicts, doc._rev); }")
    for digit in "ab":
        draft = read_draft({"_id": "a", "_rev": "1-" + digit * 32}, is_replicated=True)
        shelf.database.write(lambda transaction, draft=draft: merge(transaction, [draft])).result(WAIT_S)
    (row,) = shelf.ask()["rows"]
    assert (row["key"], row["value"]) == (["1-" + "a" * 32], "1-" + "b" * 32)


def test_an_edited_design_document_is_indexed_anew_and_the_old_file_goes(shelf: Shelf) -> None:
    shelf.put({"_id": "a", "k": 1, "v": 9})
    assert shelf.ask()["rows"][0]["key"] == 1
    before = index_files(shelf)
    shelf.define("function (doc) { emit(doc.v, null); }")
    assert shelf.ask()["rows"][0]["key"] == 9
    after = index_files(shelf)
    assert len(before) == len(after) == 1
    assert before != after
    shelf.define(BY_KEY)
    assert shelf.ask()["rows"][0]["key"] == 1


def test_another_reduce_needs_no_new_index(shelf: Shelf) -> None:
    shelf.put({"_id": "a", "k": 1, "v": 9})
    shelf.ask()
    before = index_files(shelf)
    shelf.define(BY_KEY, "_sum")
    assert shelf.values() == [[None, 9]]
    assert index_files(shelf) == before


def test_a_lost_or_damaged_index_is_built_again(shelf: Shelf) -> None:
    shelf.put(*({"_id": f"d{n}", "k": n} for n in range(3)))
    shelf.ask()
    (path,) = shelf.folder.glob("*.sqlite")
    path.write_bytes(b"this is no database" * 1000)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    shelf.put({"_id": "d3", "k": 3})
    assert shelf.ids() == ["d0", "d1", "d2", "d3"]
    views.forget(shelf.database.path)
    assert shelf.ids() == ["d0", "d1", "d2", "d3"]


def test_a_deleted_database_takes_its_indexes_along(shelf: Shelf) -> None:
    shelf.put({"_id": "a", "k": 1})
    shelf.ask()
    folder, database = shelf.folder, shelf.database
    shelf.catalogue.delete("x")
    assert not folder.exists()
    with pytest.raises(Refusal) as refusal:
        asyncio.run(views.query(database, shelf.design, "v", {}))
    assert refusal.value.status == 404
    assert not folder.exists()


def test_a_database_deleted_while_it_is_indexed_leaves_nothing_behind(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH_DOCS", 5)
    shelf.put(*({"_id": f"d{n}", "k": n} for n in range(20)))
    folder, database, real = shelf.folder, shelf.database, shelf.database.changes_rows

    def read_then_delete(since: int, limit: int) -> list[ChangedDoc]:
        changes = real(since, limit)
        if since:
            shelf.catalogue.delete("x")
        return changes

    monkeypatch.setattr(database, "changes_rows", read_then_delete)
    with pytest.raises(Refusal) as refusal:
        asyncio.run(views.query(database, shelf.design, "v", {}))
    assert refusal.value.status == 404
    assert not folder.exists()


def test_indexes_of_design_documents_that_are_gone_can_be_dropped(shelf: Shelf) -> None:
    shelf.put({"_id": "a", "k": 1})
    shelf.ask()
    views.forget_unused(shelf.database.path, ["_design/d"])
    assert len(index_files(shelf)) == 1
    views.forget_unused(shelf.database.path, ["_design/other"])
    assert index_files(shelf) == []


def test_update_false_answers_at_once_and_lazy_catches_up_afterwards(shelf: Shelf) -> None:
    shelf.put({"_id": "a", "k": 1})
    assert shelf.ids(update="false") == []
    shelf.ask()
    shelf.put({"_id": "b", "k": 2})
    assert shelf.ids(update="false") == ["a"]

    async def ask_lazily() -> int:
        status, _ = await views.query(shelf.database, shelf.design, "v", {"update": "lazy"})
        for _ in range(200):
            _, answer = await views.query(shelf.database, shelf.design, "v", {"update": "false"})
            if answer["total_rows"] == 2:
                break
            await asyncio.sleep(0.02)
        assert status == 200
        return int(answer["total_rows"])

    assert asyncio.run(ask_lazily()) == 2


def test_many_who_ask_at_once_wait_for_one_indexer(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put(*({"_id": f"d{n}", "k": n} for n in range(50)))
    runs: list[int] = []
    real = index.Index.catch_up
    monkeypatch.setattr(index.Index, "catch_up", lambda self, target: runs.append(target) or real(self, target))

    async def ask_often() -> list[tuple[int, dict[str, Any]]]:
        return await asyncio.gather(*(views.query(shelf.database, shelf.design, "v", {}) for _ in range(12)))

    assert {answer["total_rows"] for _, answer in asyncio.run(ask_often())} == {50}
    assert len(runs) == 1


def test_one_who_goes_away_does_not_stop_the_indexer(shelf: Shelf) -> None:
    shelf.put(*({"_id": f"d{n}", "k": n} for n in range(50)))

    async def leave_and_come_back() -> int:
        first = asyncio.create_task(views.query(shelf.database, shelf.design, "v", {}))
        await asyncio.sleep(0.001)
        first.cancel()
        _, answer = await views.query(shelf.database, shelf.design, "v", {})
        return int(answer["total_rows"])

    assert asyncio.run(leave_and_come_back()) == 50


def test_sums_over_stretches_agree_with_the_rows_after_many_edits(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "USUAL_ROWS", 8)
    monkeypatch.setattr(blocks, "MOST_ROWS", 16)
    shelf.define("function (doc) { for (var i = 0; i < doc.n; i++) emit(doc.k, doc.v + i); }", "_stats")
    chance = random.Random(7)
    docs: dict[str, dict[str, Any]] = {}
    for _ in range(12):
        for id_ in {f"d{chance.randrange(120):03}" for _ in range(40)}:
            if id_ in docs and chance.random() < 0.4:
                shelf.delete(id_)
                del docs[id_]
            else:
                docs[id_] = {"_id": id_, "k": chance.randrange(20), "v": chance.randrange(100), "n": chance.randrange(4)}
                shelf.put(docs[id_])
        low, high = sorted((chance.randrange(20), chance.randrange(20)))
        values = [doc["v"] + i for doc in docs.values() if low <= doc["k"] <= high for i in range(doc["n"])]
        (row,) = shelf.ask(startkey=str(low), endkey=str(high))["rows"] or [{"value": None}]
        assert row["value"] == describe(values)
        before = sum(doc["n"] for doc in docs.values() if doc["k"] < low)
        assert shelf.ask(startkey=str(low), reduce="false")["offset"] == before


def test_stretches_stay_short_however_rows_arrive(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "USUAL_ROWS", 8)
    monkeypatch.setattr(blocks, "MOST_ROWS", 16)
    shelf.put({"_id": "first", "k": -1})
    for start in range(0, 100, 10):
        shelf.put(*({"_id": f"d{n}", "k": n} for n in range(start, start + 10)))
        shelf.ask()
    (path,) = shelf.folder.glob("*.sqlite")
    with files.connections.lend(path) as connection:
        counts = [count for (count,) in connection.execute("SELECT count FROM block_0")]
    assert sum(counts) == 101
    assert max(counts) <= 16


def describe(values: list[int]) -> dict[str, int] | None:
    if not values:
        return None
    squares = sum(value * value for value in values)
    return {"sum": sum(values), "count": len(values), "min": min(values), "max": max(values), "sumsqr": squares}


def test_a_first_build_of_several_batches_is_whole(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "BATCH_DOCS", 40)
    monkeypatch.setattr(index, "_PART_DOCS", 7)
    monkeypatch.setattr(index, "_COMMIT_BATCHES", 2)
    shelf.put(*({"_id": f"d{n:03}", "k": n % 13} for n in range(333)))
    answer = shelf.ask()
    assert answer["total_rows"] == 333
    assert [(row["key"], row["id"]) for row in answer["rows"]] == sorted((n % 13, f"d{n:03}") for n in range(333))
