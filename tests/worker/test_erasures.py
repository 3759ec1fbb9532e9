"""Erasures by a real worker: begun by a nudge, taken up again after kill -9, never half done at the end."""

from pathlib import Path

from server.erasure import marks, store
from server.nudges import Nudges
from sync.couch import Couch
from tests.conftest import GRID_A, wait_until
from tests.records import note, with_rev
from tests.server.erasure import world as worlds
from tests.server.erasure.world import THIS, WORD
from tests.worker.conftest import running_worker


def closed(couch: Couch) -> int:
    """How many documents of the quarter are tombstones."""
    info = couch.info([THIS])[THIS]
    return int(info["doc_del_count"]) if info else 0


def test_an_erasure_whose_worker_is_killed_again_and_again_ends_whole(
    couch: Couch, nudges: Nudges, environment: dict[str, str], tmp_path: Path
) -> None:
    marks.use(environment["XUNGE_SECRET"])
    world = worlds.make(couch)
    for _ in range(20):
        notes = [with_rev(note(world.visits[0], text=f"{WORD} {n}")) for n in range(200)]
        assert couch.database(THIS).bulk(notes, new_edits=False) == []
    id = worlds.ask(couch, world.household, world.household)
    for _ in range(3):
        before = closed(couch)
        with running_worker(environment, tmp_path / "log", "intake") as worker:
            nudges.nudge_erasures()
            wait_until(lambda before=before: closed(couch) > before or is_done(couch, id), 60, "some of it")
            worker.kill()
    with running_worker(environment, tmp_path / "log", "intake") as worker:
        nudges.nudge_erasures()
        wait_until(lambda: is_done(couch, id), 90, "all of it")
    assert worlds.told(couch) == []
    doc = store.find(couch, id)
    assert doc is not None
    assert (doc["counts"]["note"], doc["counts"]["household"], doc["grid"]) == (4002, 1, GRID_A)
    assert not worker.said("Traceback"), worker.log.read_text()[-6000:]
    assert WORD not in worker.log.read_text(errors="replace")
    assert (tmp_path / "data" / "erasures.jsonl").exists()


def is_done(couch: Couch, id: str) -> bool:
    doc = store.find(couch, id)
    return doc is not None and doc["state"] == "done"
