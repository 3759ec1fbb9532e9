"""The counted blocks of ids always agree with counting."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.embedded import ranks
from sync.embedded.connections import Connections
from sync.embedded.database import Database
from sync.embedded.documents import Draft
from sync.embedded.schema import build_empty_file, place_file
from sync.embedded.updates import merge, purge

EMPTY_FILE = build_empty_file()
IDS = st.text("abz中", min_size=1, max_size=3)
STEPS = st.lists(st.tuples(st.sampled_from(["put", "delete", "purge"]), st.lists(IDS, max_size=12)), max_size=12)


@pytest.fixture(scope="module")
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as made:
        yield made


@settings(max_examples=40, deadline=None)
@given(steps=STEPS, asked=st.lists(IDS | st.just(""), min_size=1, max_size=5))
def test_counting_by_blocks_is_counting(
    tmp_path_factory: pytest.TempPathFactory, pool: ThreadPoolExecutor, steps: list[tuple[str, list[str]]], asked: list[str]
) -> None:
    path = tmp_path_factory.mktemp("ranks") / "a~0.sqlite"
    place_file(path, EMPTY_FILE)
    connections = Connections()
    database = Database("a", path, connections, pool, lambda name: None)
    most, ranks._MOST_LIVE = ranks._MOST_LIVE, 4  # small blocks, so that they are cut often
    try:
        model = run_steps(database, steps)
        for id_ in asked:
            assert database.read(lambda connection, id_=id_: ranks.count_below(connection, id_)) == sum(
                each.encode() < id_.encode() for each, is_live in model.items() if is_live
            )
        assert database.figures().live == sum(model.values())
        assert database.figures().dead == len(model) - sum(model.values())
    finally:
        ranks._MOST_LIVE = most
        connections.close()


def run_steps(database: Database, steps: list[tuple[str, list[str]]]) -> dict[str, bool]:
    """Does the steps; answers id → is live of the documents there are."""
    revisions: dict[str, list[str]] = {}
    model: dict[str, bool] = {}
    for step, ids in steps:
        if step == "purge":
            wanted = {id_: revisions[id_][:1] for id_ in ids if id_ in model}
            database.write(lambda transaction, wanted=wanted: purge(transaction, wanted)).result(10)
            for id_ in wanted:
                del model[id_], revisions[id_]
            continue
        drafts = []
        for id_ in dict.fromkeys(ids):
            history = revisions.setdefault(id_, [])
            history.insert(0, f"{len(history) + 1}-{'a' * 32}")
            drafts.append(Draft(id_, None, history.copy(), step == "delete", b"{}"))
            model[id_] = step == "put"
        database.write(lambda transaction, drafts=drafts: merge(transaction, drafts)).result(10)
    return model
