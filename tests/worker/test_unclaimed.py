"""Photos without a record wait 90 days; none goes whose record is there, waits in quarantine, or may be archived."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from media import store
from media.inspect import Facts
from server import quarantine
from sync.couch import Couch
from sync.databases import QUARANTINE, grid_db, media_db
from tests.conftest import GRID_A
from tests.records import AT, new_id, photo, with_rev
from worker import unclaimed
from worker.unclaimed import Unclaimed, sweep

GRID_DB, MEDIA_DB = grid_db(GRID_A, "2026q4"), media_db(GRID_A[:9])
IN_TIME, TOO_LATE = AT + timedelta(days=89), AT + timedelta(days=91)
SHA256 = "a" * 64
Keep = Callable[..., str]


@pytest.fixture
def keep(empty_store: Couch) -> Keep:
    """Keeps a file that came without a record; the photo's id."""
    media = empty_store.database(MEDIA_DB, create=True)
    empty_store.create(GRID_DB, replicated=True)

    def one(database: str = GRID_DB, is_claimed: bool = False) -> str:
        facts = Facts(40, 30, "image/jpeg", None, None, 1)
        arrival = store.Arrival(new_id("photo"), "sent", database, "d1", "worker1", SHA256, "image/jpeg", facts, AT, is_claimed)
        store.save_upload(media, arrival, b"bytes")
        return arrival.photo

    return one


def is_kept(couch: Couch, photo_id: str) -> bool:
    return couch.database(MEDIA_DB).find(photo_id) is not None


def refuse(couch: Couch, record: dict[str, Any]) -> None:
    """The gate puts a record aside."""
    quarantine.keep(couch, database=GRID_DB, device="d1", user="worker1", doc=record, reason="schema", fields={})


def test_a_photo_nobody_claims_is_removed_after_ninety_days(
    empty_store: Couch, keep: Keep, caplog: pytest.LogCaptureFixture
) -> None:
    photos = [keep() for _ in range(3)]
    claimed = keep(is_claimed=True)
    assert sweep(empty_store, IN_TIME) == 0
    assert sweep(empty_store, TOO_LATE) == 3
    assert not any(is_kept(empty_store, one) for one in photos)
    assert is_kept(empty_store, claimed)
    assert photos[0] in caplog.text
    assert sweep(empty_store, TOO_LATE) == 0


def test_many_are_gone_through_in_small_steps(empty_store: Couch, keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unclaimed, "BATCH", 2)
    photos = [keep() for _ in range(5)]
    empty_store.database(GRID_DB).bulk([with_rev(photo({"sent": SHA256}, photos[1]))], new_edits=False)
    assert sweep(empty_store, TOO_LATE) == 4


def test_one_whose_record_is_there_is_claimed_instead(empty_store: Couch, keep: Keep) -> None:
    one = keep()
    empty_store.database(GRID_DB).bulk([with_rev(photo({"sent": SHA256}, one))], new_edits=False)
    assert sweep(empty_store, TOO_LATE) == 0
    assert empty_store.database(MEDIA_DB).get(one)["unclaimed_since"] is None


def test_one_whose_record_waits_in_quarantine_is_never_removed(empty_store: Couch, keep: Keep) -> None:
    one, other = keep(), keep()
    refuse(empty_store, with_rev(photo({"sent": SHA256}, one)))
    assert sweep(empty_store, TOO_LATE + timedelta(days=300)) == 1
    assert (is_kept(empty_store, one), is_kept(empty_store, other)) == (True, False)


def test_one_whose_record_was_dismissed_goes_with_its_time(empty_store: Couch, keep: Keep) -> None:
    one = keep()
    refuse(empty_store, with_rev(photo({"sent": SHA256}, one)))
    database = empty_store.database(QUARANTINE)
    [entry] = database.range("refused:", "refused:\ufff0", 9)
    database.put(entry | {"state": "dismissed"})
    assert sweep(empty_store, TOO_LATE) == 1


def test_a_database_that_never_came_to_be_holds_no_record_but_one_put_away_may(empty_store: Couch, keep: Keep) -> None:
    never, archived = keep(grid_db(GRID_A, "2027q1")), keep(grid_db(GRID_A, "2024q1"))
    assert sweep(empty_store, TOO_LATE) == 1
    assert (is_kept(empty_store, never), is_kept(empty_store, archived)) == (False, True)


def test_it_looks_when_a_worker_starts_and_then_rarely(empty_store: Couch, keep: Keep) -> None:
    keep()
    looking = Unclaimed()
    assert looking.run(empty_store, TOO_LATE) == 1
    keep()
    assert looking.run(empty_store, TOO_LATE) == 0
