"""Erasures by a real worker: begun by a nudge, taken up again after kill -9, never half done at the end."""

from pathlib import Path
from typing import Any

import pytest

from server.erasure import asking, marks, store
from server.households import files
from server.nudges import Nudges
from sync.couch import Couch
from sync.databases import home_db
from sync.errors import Unreachable
from tests.conftest import GRID_A, GRID_ELSEWHERE, person, wait_until
from tests.records import new_id, note, with_rev
from tests.server.domain.test_merge import version
from tests.server.erasure import world as worlds
from tests.server.erasure.world import THIS, WORD
from tests.worker.conftest import running_worker
from worker import erasures


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
            wait_until(lambda before=before: closed(couch) > before or is_done(couch, id), 120, "some of it")
            worker.kill()
    with running_worker(environment, tmp_path / "log", "intake") as worker:
        nudges.nudge_erasures()
        wait_until(lambda: is_done(couch, id), 150, "all of it")
    assert worlds.told(couch) == []
    doc = store.find(couch, id)
    assert doc is not None
    assert (doc["counts"]["note"], doc["counts"]["household"], doc["grid"]) == (4002, 1, GRID_A)
    assert not worker.said("Traceback"), worker.log.read_text()[-6000:]
    assert WORD not in worker.log.read_text(errors="replace")
    assert (tmp_path / "data" / "erasures.jsonl").exists()


class Stumbling(Couch):
    """A store that does not answer for one grid: nothing of its township can be done."""

    def send(self, method: str, path: Any, **rest: Any) -> Any:
        parts = list(path)
        if parts[0].startswith(f"home-{GRID_A}"):
            raise Unreachable("503")
        return super().send(method, parts, **rest)


def test_an_erasure_that_fails_holds_up_no_other(couch: Couch, own_store: str, nudges: Nudges, tmp_path: Path) -> None:
    marks.use("test")
    world = worlds.make(couch)
    first = worlds.ask(couch, world.household, world.household)
    clerk = person("community2", "community", "", "", communities=[GRID_ELSEWHERE[:12]])
    couch.create(home_db(GRID_ELSEWHERE), replicated=True)
    other = version(_id=new_id("household"), grid=GRID_ELSEWHERE, address="同心北街 9 号")
    couch.database(home_db(GRID_ELSEWHERE)).put(other)
    file = files.read(couch, GRID_ELSEWHERE, other["_id"])
    key = "01936b00-0000-7000-8000-000000000002"
    second = asking.ask(couch, clerk, file, asking.Asked(other["_id"], "unlawful", "", other["address"], key), worlds.NOW)
    with pytest.raises(Unreachable):
        erasures.run(Stumbling(own_store), nudges, tmp_path, worlds.NOW)
    assert (is_done(couch, first), is_done(couch, second)) == (False, True)
    assert couch.database(home_db(GRID_ELSEWHERE)).find(other["_id"]) is None
    assert erasures.look(couch, nudges, worlds.NOW), "the next sweep asks for it"
    assert erasures.run(couch, nudges, tmp_path, worlds.NOW) == 1
    assert is_done(couch, first)
    assert not erasures.look(couch, nudges, worlds.NOW)


def is_done(couch: Couch, id: str) -> bool:
    doc = store.find(couch, id)
    return doc is not None and doc["state"] == "done"
