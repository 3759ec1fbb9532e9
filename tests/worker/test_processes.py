"""Real workers on a real broker and store: nudged, killed with -9, started late, held up by photos."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from media import store as media_store
from media.inspect import Facts
from server.nudges import Nudges
from server.queues import PHOTOS
from sync.couch import Couch
from sync.databases import cases_db, grid_db, media_db
from tests.conftest import GRID_A, free_port, running_broker, wait_until
from tests.media.photographs import camera_jpeg
from tests.records import AT, new_id, report, with_rev
from tests.worker.conftest import running_worker, store_at

# So many photos that wait are a rush (`worker/tasks.py`).
RUSH = 4

DB, CASES, MEDIA = grid_db(GRID_A, "2026q4"), cases_db(GRID_A[:9]), media_db(GRID_A[:9])


def push(couch: Couch, *docs: dict[str, Any]) -> None:
    couch.create(DB, replicated=True)
    assert couch.database(DB).bulk([with_rev(doc) for doc in docs], new_edits=False) == []


def cases_in(couch: Couch) -> int:
    """How many cases there are; none without their database."""
    if couch.info([CASES])[CASES] is None:
        return 0
    return len(couch.database(CASES).range("case:", "case:\ufff0", 9999))


def upload(couch: Couch, data: bytes) -> str:
    photo = new_id("photo")
    facts = Facts(10, 10, "image/jpeg", None, None, 1)
    arrival = media_store.Arrival(photo, "sent", DB, "d1", "worker1", "0" * 64, "image/jpeg", facts, AT)
    media_store.save_upload(couch.database(MEDIA, create=True), arrival, data)
    return photo


def test_a_nudged_record_is_a_case_without_any_sweep(
    empty_store: Couch, nudges: Nudges, environment: dict[str, str], tmp_path: Path
) -> None:
    """Beat, which would send the sweep, does not run here. How soon it is a case is measured by `tests/bench/intake.py`."""
    push(empty_store)
    with running_worker(environment, tmp_path / "log", "intake") as worker:
        wait_until(nudges.is_worker_alive, what="the worker")
        # Its own start sweeps once; the record comes after that.
        wait_until(lambda: "xunge.sweep" in done_in(worker.log), what="the sweep of its start")
        push(empty_store, report())
        nudges.nudge(DB)
        wait_until(lambda: cases_in(empty_store) == 1, what="the case")
        assert done_in(worker.log).count("xunge.sweep") == 1


def test_a_worker_killed_in_the_middle_makes_exactly_one_case_of_each_report(
    empty_store: Couch, nudges: Nudges, environment: dict[str, str], tmp_path: Path
) -> None:
    pushed = 0
    for n in range(3):
        push(empty_store, *[report() for _ in range(1500)])
        pushed += 1500
        # A log of its own: a helper that outlives its killed parent for a moment complains there of a broken pipe.
        with running_worker(environment, tmp_path / f"killed-{n}") as worker:
            before = cases_in(empty_store)
            wait_until(lambda before=before: cases_in(empty_store) > before, what="some cases")
            worker.kill()
    with running_worker(environment, tmp_path / "log") as worker:
        wait_until(lambda: cases_in(empty_store) == pushed, 150, "all cases")
        wait_until(lambda: len(empty_store.database(DB).range("case:", "case:\ufff0", 9999)) == pushed, what="all copies")
    assert cases_in(empty_store) == pushed
    assert not worker.said("Traceback"), worker.log.read_text()[-6000:]


def test_a_photo_gets_its_sizes_and_a_hostile_one_is_marked(
    empty_store: Couch, nudges: Nudges, environment: dict[str, str], tmp_path: Path
) -> None:
    good = upload(empty_store, camera_jpeg(tmp_path / "a.jpg", width=800, height=600).read_bytes())
    bad = upload(empty_store, b"\xff\xd8\xff\xe0 no picture")
    with running_worker(environment, tmp_path / "log"):
        nudges.nudge_photo(MEDIA, good)
        nudges.nudge_photo(MEDIA, bad)
        database = empty_store.database(MEDIA)
        wait_until(lambda: database.get(good)["derived"], what="the sizes")
        wait_until(lambda: database.get(bad)["problem"], what="the problem")
    assert media_store.open(database, good, "thumb") is not None


def test_the_search_for_duplicates_waits_while_photos_wait_for_their_sizes(
    empty_store: Couch, nudges: Nudges, environment: dict[str, str], tmp_path: Path
) -> None:
    data = camera_jpeg(tmp_path / "a.jpg", width=800, height=600).read_bytes()
    photos = [upload(empty_store, data) for _ in range(12)]
    nudges.nudge_twins(GRID_A[:9])
    for photo in photos:
        nudges.nudge_photo(MEDIA, photo)
    with running_worker(environment, tmp_path / "log", "photos") as worker:
        wait_until(lambda: all(empty_store.database(MEDIA).get(photo)["derived"] for photo in photos), what="the sizes")
        wait_until(lambda: "xunge.twins" in done_in(worker.log), what="the search")
        # It goes when fewer wait than a rush; one more may have left the queue by then and be in the worker's hand.
        assert done_in(worker.log).index("xunge.twins") >= len(photos) - RUSH


def done_in(log: Path) -> list[str]:
    """The tasks that succeeded, in their order."""
    return re.findall(r"Task ([a-z.]+)\[[^]]+\] succeeded", log.read_text(errors="replace"))


@pytest.mark.faults
def test_a_backlog_of_photos_does_not_hold_up_a_case(
    empty_store: Couch, nudges: Nudges, environment: dict[str, str], tmp_path: Path
) -> None:
    """However fast photos are done, more of them come until the case is there."""
    push(empty_store)
    data = camera_jpeg(tmp_path / "a.jpg").read_bytes()

    def one_more() -> str:
        photo = upload(empty_store, data)
        nudges.nudge_photo(MEDIA, photo)
        return photo

    def is_case_there() -> bool:
        while nudges.waiting(PHOTOS) < 2 * RUSH:
            one_more()
        return cases_in(empty_store) == 1

    with running_worker(environment, tmp_path / "log"):
        wait_until(nudges.is_worker_alive, what="the worker")
        first = one_more()
        wait_until(lambda: empty_store.database(MEDIA).get(first)["derived"], what="the first photo")
        assert not is_case_there()
        push(empty_store, report())
        nudges.nudge(DB)
        wait_until(is_case_there, what="the case")


@pytest.mark.faults
def test_a_worker_outlives_its_broker(empty_store: Couch, own_store: str, tmp_path: Path) -> None:
    push(empty_store)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        first = stack.enter_context(ExitStack())
        url = first.enter_context(running_broker(tmp_path))
        patch.setattr("tests.conftest.free_port", lambda: int(url.rpartition(":")[2].partition("/")[0]))
        environment = {"XUNGE_COUCHDB_URL": own_store, "XUNGE_BROKER_URL": url, "XUNGE_DATA": str(tmp_path), "XUNGE_SECRET": "x"}
        workers = [stack.enter_context(running_worker(environment, tmp_path / "log"))]
        nudges = Nudges(url)
        stack.callback(nudges.close)

        def is_back() -> bool:
            # One that had a task in hand ends, since it can tell nobody that it is done; `xunge run` starts it again.
            if workers[-1].process.poll() is not None:
                workers.append(stack.enter_context(running_worker(environment, tmp_path / "log")))
            return nudges.is_worker_alive()

        wait_until(nudges.is_worker_alive, what="the worker")
        first.close()
        push(empty_store, report())
        assert not nudges.nudge(DB)
        stack.enter_context(running_broker(tmp_path))
        wait_until(is_back, 120, "the worker's return")
        # For a moment after it failed it leaves the broker alone, whoever is back by then.
        wait_until(lambda: nudges.nudge(DB), what="a nudge that goes out")
        wait_until(lambda: cases_in(empty_store) == 1, what="the case")


@pytest.mark.faults
def test_a_worker_outlives_its_store(tmp_path: Path, own_broker: str, nudges: Nudges) -> None:
    port = free_port()
    with store_at(port, tmp_path / "store") as url:
        couch = Couch(url)
        push(couch, report())
    environment = {"XUNGE_COUCHDB_URL": url, "XUNGE_BROKER_URL": own_broker, "XUNGE_DATA": str(tmp_path), "XUNGE_SECRET": "x"}
    with running_worker(environment, tmp_path / "log", "intake") as worker:
        wait_until(nudges.is_worker_alive, what="the worker")
        nudges.nudge(DB)
        wait_until(lambda: worker.said("again in 1 s"), what="the first try")
        with store_at(port, tmp_path / "store"):
            wait_until(lambda: cases_in(couch) == 1, what="the case")
