"""Where somebody walked is gone after 30 days: from its database, from quarantine, whatever the phone's clock said."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from server import quarantine, tracks
from server.domain import ids
from server.people import accounts
from server.quarantine import Refused, aging
from sync import databases
from sync.couch import Couch
from tests.conftest import GRID_A
from tests.records import report, with_rev

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
NAME = databases.track_db("worker1", "202611")
SECRET_PLACE = 38.61234


def track(at: datetime, salt: int = 0, **fields: Any) -> dict[str, Any]:
    uuid = ids.uuid7(at, bytes([salt]) * 10)
    head = {
        name: value
        for name, value in report(at=at).items()
        if name in {"v", "grid", "author", "device", "clock_offset_ms", "captured_at"}
    }
    points = [[0, SECRET_PLACE, 106.1, 5]]
    return with_rev(head | {"_id": f"track:{uuid}", "type": "track", "patrol": f"patrol:{uuid}", "points": points} | fields)


@pytest.fixture
def keep(couch: Couch) -> Callable[..., list[str]]:
    """Stores tracks in a database of the author's; their ids."""
    for name in couch.all_databases():
        if not name.startswith("_"):
            couch.delete(name)

    def store(*docs: dict[str, Any], name: str = NAME) -> list[str]:
        couch.create(name, replicated=True)
        couch.database(name).bulk(docs, new_edits=False)
        return [doc["_id"] for doc in docs]

    return store


def test_a_track_is_gone_after_thirty_days_and_a_younger_one_stays(couch: Couch, keep: Callable[..., list[str]]) -> None:
    begun = NOW - timedelta(days=26)
    [old, young] = keep(track(begun), track(NOW - timedelta(hours=2)))
    assert tracks.erase_old(couch, begun + timedelta(days=29, hours=23)) == 0
    assert tracks.erase_old(couch, begun + timedelta(days=30, minutes=1)) == 1
    database = couch.database(NAME)
    assert database.find(old) is None and database.find(young) is not None
    assert database.leaves([(old, track(begun)["_rev"])]) == [], "not even by its revision"
    assert tracks.erase_old(couch, begun + timedelta(days=30, minutes=2)) == 0


def test_two_first_versions_of_a_track_go_together(couch: Couch, keep: Callable[..., list[str]]) -> None:
    begun = NOW - timedelta(days=27)
    one, other = track(begun), track(begun, points=[[5, 38.7, 106.2, 5]])
    keep(one, other)
    tracks.erase_old(couch, begun + timedelta(days=31))
    assert couch.database(NAME).leaves([(doc["_id"], doc["_rev"]) for doc in (one, other)]) == []


def test_many_tracks_go_in_batches(couch: Couch, keep: Callable[..., list[str]]) -> None:
    begun = NOW - timedelta(days=27)
    keep(*(track(begun + timedelta(seconds=n), n) for n in range(230)))
    assert tracks.erase_old(couch, begun + timedelta(days=31)) == 230


def test_a_track_from_a_clock_far_ahead_goes_with_its_month(couch: Couch, keep: Callable[..., list[str]]) -> None:
    keep(track(NOW + timedelta(days=4000)))
    assert tracks.erase_old(couch, datetime(2026, 12, 30, 15, 0, tzinfo=UTC)) == 0
    assert tracks.erase_old(couch, datetime(2026, 12, 30, 16, 0, tzinfo=UTC)) == 1  # midnight in China, 30 days after November
    assert NAME not in couch.all_databases()


def test_no_other_database_is_touched(couch: Couch, keep: Callable[..., list[str]]) -> None:
    other = databases.grid_db(GRID_A, "2026q1")
    keep(with_rev(report(at=NOW - timedelta(days=300))), name=other)
    assert tracks.erase_old(couch, NOW) == 0
    assert other in couch.all_databases()


def test_a_refused_track_loses_its_contents_in_time_though_nobody_decided(couch: Couch, keep: Callable[..., list[str]]) -> None:
    keep()
    accounts.save_all(couch, [accounts.make("worker1", ["worker"], {}, "a-test-password", grids=[GRID_A])])
    for doc, name in ((track(NOW), NAME), (with_rev(report(at=NOW)), databases.grid_db(GRID_A, "2020q1"))):
        refused = Refused(doc, orjson.dumps(doc), "not_grid_holder", {})
        assert quarantine.keep_all(couch, name, "0123456789abcdef", "worker1", [refused]) == [True]
    entries = couch.database(databases.QUARANTINE).range("refused:", "refused:\ufff0", 10)
    arrived = datetime.now(UTC)
    assert aging.empty_tracks(couch, arrived + timedelta(days=29)) == 0
    assert aging.empty_tracks(couch, arrived + timedelta(days=30, minutes=1)) == 1
    assert aging.empty_tracks(couch, arrived + timedelta(days=30, minutes=2)) == 0
    by_type = {doc["about"]["type"]: couch.database(databases.QUARANTINE).get(doc["_id"]) for doc in entries}
    assert str(SECRET_PLACE) not in str(by_type["track"])
    assert (by_type["track"]["state"], by_type["track"]["decision"]["by"]) == ("dismissed", "server")
    assert by_type["report"]["state"] == "waiting" and by_type["report"]["document"]
