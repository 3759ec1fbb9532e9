"""The sweep finds what a nudge missed, and asks little about what is dealt with."""

import base64
import json
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

import pytest
import redis
import requests

from media import store as media_store
from media.inspect import Facts
from server.cases import copies, intake, store
from server.nudges import Nudges
from sync.couch import Couch
from sync.databases import grid_db, home_db, homes_db, media_db
from tests.conftest import GRID_A, GRID_B
from tests.records import AT, new_id, report, with_rev
from tests.server.domain.test_merge import version
from worker.intake import take_in
from worker.sweep import PHOTOS_WAITING_ENOUGH, WAITING_ENOUGH, Sweep

NOW = AT + timedelta(minutes=1)
A, B = grid_db(GRID_A, "2026q4"), grid_db(GRID_B, "2026q4")


@pytest.fixture
def grids(empty_store: Couch) -> Couch:
    """Two grids' databases with a report each."""
    for name, code in ((A, GRID_A), (B, GRID_B)):
        empty_store.create(name, replicated=True)
        empty_store.database(name).bulk([with_rev(report(code))], new_edits=False)
    return empty_store


def waiting(queue: "redis.Redis", name: str = "catch-up") -> list[Any]:
    """The arguments of the tasks in a queue, in order of sending."""
    messages = [json.loads(message) for message in reversed(queue.lrange(name, 0, -1))]  # type: ignore[arg-type]
    return [json.loads(base64.b64decode(message["body"]))[0] for message in messages]


def take_in_as_seen(couch: Couch, nudges: Nudges, name: str) -> None:
    """Take in, and again for a sweep that saw the database so: CouchDB's `_dbs_info` words sequences otherwise than its feeds."""
    take_in(couch, nudges, name)
    take_in(couch, nudges, name, str((couch.info_of(name) or {})["update_seq"]))


def test_it_nudges_what_moved_since_its_checkpoint(grids: Couch, nudges: Nudges, queue: "redis.Redis") -> None:
    take_in_as_seen(grids, nudges, A)
    Sweep().run(grids, nudges)
    assert {arguments[0] for arguments in waiting(queue)} >= {B}
    assert A not in {arguments[0] for arguments in waiting(queue)}


def test_while_many_tasks_wait_what_moved_is_left_to_them_until_the_next_sweep(
    grids: Couch, nudges: Nudges, queue: "redis.Redis"
) -> None:
    sweep = Sweep()
    assert sweep.run(grids, nudges) == 2
    queue.delete("catch-up")
    for number in range(WAITING_ENOUGH):
        nudges.nudge(f"another-{number}")
    assert sweep.run(grids, nudges) == 0
    assert sweep.run(grids, nudges) == 2
    assert {arguments[0] for arguments in waiting(queue)} == {A, B}


class Counted(Couch):
    """A store that keeps what was asked of it about one database."""

    asked: list[str]

    def send(self, method: str, path: Iterable[str], **more: Any) -> requests.Response:
        segments = list(path)
        if segments[0] == A:
            self.asked.append(f"{method} {segments[1]}")
        return super().send(method, segments, **more)


def test_a_database_this_process_took_in_is_asked_nothing_though_its_copies_moved_it(
    grids: Couch, own_store: str, nudges: Nudges, queue: "redis.Redis"
) -> None:
    sweep, counted = Sweep(), Counted(own_store)
    take_in(grids, nudges, A, note=sweep.note)
    page = grids.database(A).changes(None, 9)
    assert [row["id"][:5] for row in page.results] == ["repor", "case:"]
    if (grids.info_of(A) or {})["update_seq"] != page.last_seq:
        pytest.skip("this store words one sequence in two ways, so the sweep has to ask")
    counted.asked = []
    sweep.run(counted, nudges)
    assert counted.asked == []
    grids.database(A).bulk([with_rev(report(GRID_A))], new_edits=False)
    sweep.run(counted, nudges)
    assert A in {arguments[0] for arguments in waiting(queue)}


def test_a_report_that_comes_while_copies_are_written_is_not_passed_over(
    grids: Couch, nudges: Nudges, queue: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    late, write = with_rev(report(GRID_A)), copies.write

    def write_and_push(*args: Any, **more: Any) -> set[str]:
        changed = write(*args, **more)
        grids.database(A).bulk([late], new_edits=False)
        return changed

    monkeypatch.setattr(copies, "write", write_and_push)
    assert intake.run(grids, A, NOW).cases == 1
    monkeypatch.undo()
    assert intake.run(grids, A, NOW).cases == 1


class Opaque(Couch):
    """A store whose `_dbs_info` never words a sequence as its changes feed does, as a CouchDB cluster may."""

    def info(self, names: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        return {name: row and row | {"update_seq": f"opaque-{row['update_seq']}"} for name, row in super().info(names).items()}


def test_what_it_nudged_and_was_taken_in_is_settled_even_where_sequences_never_look_alike(
    grids: Couch, own_store: str, nudges: Nudges, queue: "redis.Redis"
) -> None:
    grids = Opaque(own_store)
    sweep = Sweep()
    for _ in range(3):
        sweep.run(grids, nudges)
        for name, seen in waiting(queue):
            take_in(grids, nudges, name, seen)
        queue.delete("catch-up")
    assert sweep.run(grids, nudges) == 0
    assert waiting(queue) == []


def test_a_lost_nudge_is_sent_again_though_its_mark_is_there(grids: Couch, nudges: Nudges, queue: "redis.Redis") -> None:
    assert nudges.nudge(A)
    queue.delete("intake")
    assert nudges.nudge(A)
    assert waiting(queue) == []
    Sweep().run(grids, nudges)
    assert A in {arguments[0] for arguments in waiting(queue)}


def test_photos_without_sizes_are_nudged_until_they_have_them(empty_store: Couch, nudges: Nudges, queue: "redis.Redis") -> None:
    name, photo = media_db(GRID_A[:9]), new_id("photo")
    database = empty_store.database(name, create=True)
    facts = Facts(10, 10, "image/jpeg", None, None, 1)
    arrival = media_store.Arrival(photo, "sent", A, "d1", "worker1", "0" * 64, "image/jpeg", facts, NOW)
    media_store.save_upload(database, arrival, b"bytes")
    sweep = Sweep()
    assert sweep.run(empty_store, nudges) == 1
    assert sweep.run(empty_store, nudges) == 1
    assert waiting(queue, "photos") == [[name, photo]] * 2
    media_store.save_problem(database, photo, "not_an_image")
    assert sweep.run(empty_store, nudges) == 0


def test_databases_that_are_not_ours_are_left_alone(empty_store: Couch, nudges: Nudges, queue: "redis.Redis") -> None:
    for name in ("people", "ref", "something-else"):
        empty_store.create(name, replicated=False)
    assert Sweep().run(empty_store, nudges) == 0
    assert intake.run(empty_store, "ref", NOW) == intake.NOTHING


def test_a_township_gets_the_views_of_this_version(empty_store: Couch, nudges: Nudges) -> None:
    database = store.ensure(empty_store, GRID_A[:9])
    old = database.get("_design/cases")
    database.put(old | {"views": {"facets": old["views"]["facets"]}})
    Sweep().run(empty_store, nudges)
    assert database.get("_design/cases")["views"] == old["views"]


@pytest.fixture
def many_photos(empty_store: Couch) -> None:
    """As many photos without sizes as are work enough."""
    database = empty_store.database(media_db(GRID_A[:9]), create=True)
    facts = Facts(10, 10, "image/jpeg", None, None, 1)
    for _ in range(PHOTOS_WAITING_ENOUGH):
        arrival = media_store.Arrival(new_id("photo"), "sent", A, "d1", "worker1", "0" * 64, "image/jpeg", facts, NOW)
        media_store.save_upload(database, arrival, b"bytes")


@pytest.mark.usefixtures("many_photos")
def test_photos_that_wait_are_asked_for_page_by_page_up_to_a_bound(
    empty_store: Couch, nudges: Nudges, queue: "redis.Redis", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.sweep.PHOTOS_PAGE", 7)
    for most, asked_for in ((2000, PHOTOS_WAITING_ENOUGH), (10, 14)):
        monkeypatch.setattr("worker.sweep.PHOTOS_MOST", most)
        assert Sweep().run(empty_store, nudges) == 1
        found = waiting(queue, "photos")
        assert (len(found), len({photo for _, photo in found})) == (asked_for, asked_for)
        queue.delete("photos")


@pytest.mark.usefixtures("many_photos")
def test_photos_are_not_nudged_again_while_many_tasks_wait(empty_store: Couch, nudges: Nudges, queue: "redis.Redis") -> None:
    sweep = Sweep()
    for _ in range(5):
        assert sweep.run(empty_store, nudges) == 1
    assert len(waiting(queue, "photos")) == PHOTOS_WAITING_ENOUGH
    queue.delete("photos")
    assert sweep.run(empty_store, nudges) == 1
    assert len(waiting(queue, "photos")) == PHOTOS_WAITING_ENOUGH


def test_household_files_are_asked_for_again_when_their_index_is_gone(grids: Couch, nudges: Nudges, queue: "redis.Redis") -> None:
    home, sweep = home_db(GRID_A), Sweep()
    grids.create(home, replicated=True)
    grids.database(home).put(version() | {"_id": new_id("household")})
    take_in_as_seen(grids, nudges, home)
    sweep.run(grids, nudges)
    assert home not in {arguments[0] for arguments in waiting(queue)}
    grids.delete(homes_db(GRID_A[:9]))
    sweep.run(grids, nudges)
    assert home in {arguments[0] for arguments in waiting(queue)}
