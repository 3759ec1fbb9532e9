"""What is mostly waste is compacted, what is not is left alone, and beat asks for it."""

import json
from pathlib import Path

import redis

from server.queues import CARE_TASK, CATCH_UP
from sync.couch import Couch
from tests.conftest import wait_until
from tests.worker.conftest import running_worker
from worker.care import compact_wasteful, is_wasteful


def sizes(couch: Couch, name: str) -> dict[str, int]:
    return dict((couch.info([name])[name] or {})["sizes"])


def test_a_database_that_is_mostly_waste_gives_its_space_back_and_others_are_left(empty_store: Couch) -> None:
    for name in ("much", "little"):
        database = empty_store.database(name, create=True)
        rows = database.bulk([{"_id": f"d{n}", "text": "x" * 3000} for n in range(600)])
        if name == "much":
            for _ in range(4):
                docs = [{"_id": row["id"], "_rev": row["rev"], "text": "y" * 3000} for row in rows]
                rows = database.bulk(docs)
    before = sizes(empty_store, "much")
    assert is_wasteful(empty_store.info(["much"])["much"] or {})
    assert compact_wasteful(empty_store) == ["much"]
    wait_until(lambda: sizes(empty_store, "much")["file"] < before["file"] / 2, what="the file to shrink")
    assert empty_store.database("much").get("d599")["text"] == "y" * 3000
    assert compact_wasteful(empty_store) == []


def test_small_or_busy_or_unknown_databases_are_no_waste() -> None:
    assert not is_wasteful({"sizes": {"file": 900_000, "active": 1}})
    assert not is_wasteful({"sizes": {"file": 9_000_000, "active": 5_000_000}})
    assert not is_wasteful({"sizes": {"file": 9_000_000, "active": 1}, "compact_running": True})
    assert not is_wasteful({})
    assert is_wasteful({"sizes": {"file": 9_000_000, "active": 4_000_000}})


def test_beat_asks_for_it_when_it_starts(environment: dict[str, str], queue: "redis.Redis", tmp_path: Path) -> None:
    with running_worker(environment, tmp_path / "beat.log", "beat"):
        wait_until(lambda: queue.llen(CATCH_UP), what="a message in the queue")
    (message,) = queue.lrange(CATCH_UP, 0, -1)  # type: ignore[misc]
    assert json.loads(message)["headers"]["task"] == CARE_TASK
