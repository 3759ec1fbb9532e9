"""What a bad function can do: lose its own rows, and nothing else."""

import asyncio

import pytest

from sync.embedded import views
from sync.embedded.refusals import Refusal
from sync.embedded.views import index
from sync.embedded.views.pool import MAPPER_COUNT, FunctionsBroken, Pool, shared_pool
from tests.conftest import wait_until
from tests.sync.embedded.views.conftest import Shelf

GOOD = "function (doc) { emit(doc._id, 1); }"
DOCS = [b'{"_id":"a"}', b'{"_id":"b"}']


@pytest.mark.parametrize(
    ("bad", "is_over_limit"),
    [
        ("function (doc) { if (doc._id === 'a') while (true); }", True),
        ("function (doc) { if (doc._id === 'a') { var all = []; while (true) all.push(new Array(100000).fill(1)); } }", True),
        ("function (doc) { if (doc._id === 'a') (function again() { again(); })(); }", False),
        ("function (doc) { emit(1, 1); if (doc._id === 'a') throw null; }", False),
        ("function (doc) { if (doc._id === 'a') { var x = []; for (var i = 0; i < 5000; i++) x = [x]; emit(x, 1); } }", False),
    ],
    ids=["endless", "huge", "deep", "throwing", "unusable key"],
)
def test_a_bad_map_loses_only_its_own_rows_of_that_document(pool: Pool, bad: str, is_over_limit: bool) -> None:
    mapped = pool.map([GOOD, bad], {}, DOCS)
    assert [[row[0] for row in rows if row[0] == 0] for rows in mapped.rows] == [[0], [0]]
    assert [row for row in mapped.rows[0] if row[0] == 1] == []
    assert [(each.function, each.document) for each in mapped.failures] == [(1, 0)]
    assert mapped.failures[0].is_over_limit == is_over_limit or "memory" in mapped.failures[0].reason


def test_a_process_that_does_not_answer_is_killed_and_its_work_shared_out() -> None:
    pool = Pool(answer_limit_s=1.2)  # less than the mapper takes to find an endless loop by its own limits
    mapped = pool.map([GOOD, "function (doc) { if (doc._id === 'a') while (true); }"], {}, DOCS)
    pool.close()
    assert [len(rows) for rows in mapped.rows] == [1, 1]
    assert [(each.function, each.document) for each in mapped.failures] == [(1, 0)]


def test_a_process_killed_from_outside_costs_no_rows(pool: Pool) -> None:
    pool.map([GOOD], {}, DOCS)
    (mapper,) = [each for each in pool._slots.queue if each is not None]
    mapper._process.kill()
    mapped = pool.map([GOOD], {}, DOCS[:1])
    assert [len(rows) for rows in mapped.rows] == [1]
    assert mapped.failures == []


def test_functions_see_no_files_and_no_network(pool: Pool) -> None:
    names = "['require', 'process', 'std', 'os', 'fetch', 'print'].map(function (n) { return typeof globalThis[n]; })"
    ((row,),) = pool.map([f"function () {{ emit({names}, null); }}"], {}, DOCS[:1]).rows
    assert row[2] == b'["function","undefined","undefined","undefined","undefined","undefined"]'


def test_what_is_no_function_is_said_to_be_broken(pool: Pool) -> None:
    with pytest.raises(FunctionsBroken, match="function"):
        pool.map(["5"], {}, DOCS)


def test_a_function_over_its_limits_too_often_is_refused_instead_of_answering_wrongly(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "MOST_STOPS", 3)
    shelf.design["views"]["huge"] = {"map": "function (doc) { emit('x'.repeat(536870912), 1); }"}
    shelf.put(*({"_id": f"d{n}", "k": n} for n in range(4)))
    assert shelf.ids() == ["d0", "d1", "d2", "d3"]
    with pytest.raises(Refusal, match="limits"):
        shelf.ask("huge")


def test_an_endless_map_holds_up_neither_other_databases_nor_the_loop(shelf: Shelf) -> None:
    shelf.catalogue.create("y")
    # Two seconds of processor time each; a mapper for the other database may have to be started meanwhile.
    shelf.put(*({"_id": f"d{n}", "k": n} for n in range(3)))
    endless = {"_id": "_design/e", "views": {"v": {"map": "function (doc) { while (true); }"}}}
    slots = shared_pool()._slots

    async def ask_both() -> None:
        slow = asyncio.create_task(views.query(shelf.database, endless, "v", {}))
        while slots.qsize() == MAPPER_COUNT:  # noqa: ASYNC110 - the pool has no event to wait for
            await asyncio.sleep(0.01)
        await views.query(shelf.catalogue.get("y"), shelf.design, "v", {})
        assert not slow.done(), "the other database was answered first"
        assert (await slow)[1]["rows"] == []

    asyncio.run(ask_both())


def test_a_design_document_that_does_not_compile_is_refused_with_the_reason() -> None:
    broken = {"_id": "_design/d", "views": {"v": {"map": "function (doc) { emit(doc.k"}}}
    assert "'v' view failed: SyntaxError" in str(views.check_design(broken))
    assert views.check_design({"_id": "_design/d", "views": {"v": {"map": GOOD, "reduce": "_nope"}}}) is not None
    assert views.check_design({"_id": "_design/d", "views": {"v": {"map": "(doc) => emit(doc._id);"}}}) is None


def test_checking_a_design_document_runs_nothing() -> None:
    sly = "(function () { while (true); })()"
    assert views.check_design({"_id": "_design/d", "views": {"v": {"map": sly}}}) is None


def test_a_slow_index_ends_with_the_loop_that_wanted_it(shelf: Shelf) -> None:
    shelf.define("function () { for (var end = Date.now() + 400; Date.now() < end; ); }")
    shelf.put(*({"_id": f"d{n}"} for n in range(1000)))  # minutes of work
    slots = shared_pool()._slots

    async def ask_and_leave() -> None:
        asking = asyncio.create_task(views.query(shelf.database, shelf.design, "v", {}))
        while slots.qsize() == MAPPER_COUNT:  # noqa: ASYNC110 - the pool has no event to wait for
            await asyncio.sleep(0.02)
        assert not asking.done()

    asyncio.run(ask_and_leave())
    wait_until(lambda: slots.qsize() == MAPPER_COUNT, what="both mappers to be free again")
