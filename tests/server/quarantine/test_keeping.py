"""Putting things into quarantine: who decides about them, how much a device may leave, what becomes of what was decided."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from server import quarantine
from server.domain.errors import InvalidInput
from server.people import accounts
from server.quarantine import Refused, aging, allowances, dismissing, keeping, listing
from server.quarantine.allowances import Allowance
from sync import databases
from sync.couch import Couch
from sync.databases import grid_db
from tests.conftest import GRID_A, GRID_B, GRID_ELSEWHERE
from tests.records import report, with_rev
from tests.server.quarantine.conftest import GRID_DB, NOW, Desk, Document, Refuse, entries


def keep(couch: Couch, *docs: Any, **how: Any) -> list[bool]:
    database, user = how.pop("database", GRID_DB), how.pop("user", "worker1")
    refused = [Refused(doc, orjson.dumps(doc), "schema", {}) for doc in docs]
    return quarantine.keep_all(couch, database, "d1", user, refused, **how)


def docs(number: int) -> list[Document]:
    return [with_rev(report()) for _ in range(number)]


@pytest.mark.parametrize(
    ("user", "database", "townships"),
    [
        ("worker1", grid_db(GRID_B, "2026q4"), [GRID_B[:9]]),
        ("worker1", GRID_DB, [GRID_A[:9]]),
        ("worker1", grid_db(GRID_ELSEWHERE, "2026q4"), [GRID_B[:9]]),
        ("worker1", "nonsense", [GRID_B[:9]]),
        ("nobody", GRID_DB, [GRID_A[:9]]),
        ("nobody", "nonsense", []),
    ],
)
def test_the_townships_of_the_sender_and_of_the_grid_decide(
    stored: Couch, user: str, database: str, townships: list[str]
) -> None:
    keep(stored, {"_id": "x"}, database=database, user=user)
    [entry] = entries(stored)
    assert entry["townships"] == townships


def test_a_worker_who_moved_to_another_township_is_seen_by_both(stored: Couch) -> None:
    accounts.move(stored, "worker1", [GRID_ELSEWHERE], NOW)
    keep(stored, *docs(1))
    assert entries(stored)[0]["townships"] == sorted([GRID_A[:9], GRID_ELSEWHERE[:9]])


def test_a_device_has_room_for_so_many_and_so_much(stored: Couch) -> None:
    made = docs(4)
    assert keep(stored, *made, most=Allowance(3, 10**6)) == [True, True, True, False]
    assert keep(stored, *made[:3], most=Allowance(3, 10**6)) == [True] * 3
    assert keep(stored, *docs(1), most=Allowance(10, 2000)) == [False]
    assert len(entries(stored)) == 3


def test_what_was_decided_takes_no_room_a_minute_later(stored: Couch, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    most = Allowance(2, 10**6)
    keep(stored, *docs(2), most=most)
    desk.dismiss(entries(stored)[0]["_id"])
    assert keep(stored, *docs(1), most=most) == [False]
    monkeypatch.setattr(allowances, "REST", timedelta(0))
    assert keep(stored, *docs(2), most=most) == [True, False]


def test_pushes_at_the_same_time_stay_within_the_room(stored: Couch) -> None:
    import threading

    most, kept = Allowance(10, 10**6), []
    threads = [threading.Thread(target=lambda: kept.extend(keep(stored, *docs(4), most=most))) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (kept.count(True), len(entries(stored))) == (10, 10)


def test_the_counter_of_the_first_version_still_counts(stored: Couch) -> None:
    quarantine.keep(stored, database=GRID_DB, device="d1", user="worker1", doc={"_id": "x"}, reason="schema", fields={})
    old = {"_id": allowances.counter_id("d1"), "type": "quota", "v": 1, "used": 7}
    stored.database(databases.QUARANTINE).put(old)
    assert allowances.usage(old, "pushed") == (7, 0)
    assert keep(stored, *docs(3), most=Allowance(2, 10**6)) == [True, False, False]


def test_entries_of_the_first_version_get_their_new_fields(stored: Couch, desk: Desk) -> None:
    doc = with_rev(report())
    old = {"_id": "refused:1", "type": "refused", "v": 1, "database": GRID_DB, "device": "d1", "user": "worker1"}
    old |= {"reason": "schema", "fields": {}, "refused_at": "2026-11-20T08:00:00.000Z", "size_bytes": 9, "sha256": "a"}
    stored.create(databases.QUARANTINE, replicated=False)
    stored.database(databases.QUARANTINE).put(old | {"state": "waiting", "document": doc})
    aging.Aging().run(stored, desk.nudges, NOW)
    [found] = listing.page(stored, GRID_A[:9], "waiting").entries
    assert (found["about"]["id"], found["is_file"]) == (doc["_id"], False)
    assert desk.adopt("1")["state"] == "adopted"


def test_contents_go_ninety_days_after_the_decision_and_the_decision_stays(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    first, second, third = refuse(with_rev(report())), refuse(with_rev(report())), refuse(with_rev(report()))
    desk.adopt(first)
    desk.dismiss(second, "与本网格无关")
    later = NOW + aging.CONTENTS_KEPT
    assert aging.empty(stored, later - timedelta(seconds=1)) == 0
    assert aging.empty(stored, later) == 2
    assert aging.empty(stored, later) == 0
    emptied = desk.find(second)
    assert ("document" in emptied, emptied["decision"]["reason"]) == (False, "与本网格无关")
    assert "document" in desk.find(third)
    with pytest.raises(InvalidInput) as caught:
        dismissing.reopen(stored, desk.clerk, second, later)
    assert caught.value.fields == {"document": "not_kept"}


def test_what_was_taken_back_keeps_its_contents(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    id = refuse(with_rev(report()))
    desk.dismiss(id)
    dismissing.reopen(stored, desk.clerk, id, NOW)
    assert aging.empty(stored, NOW + timedelta(days=1000)) == 0
    assert "document" in desk.find(id)


def test_what_waits_is_never_dropped(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    id = refuse(with_rev(report()))
    aging.Aging().run(stored, desk.nudges, NOW + timedelta(days=1000))
    assert "document" in desk.find(id)


def test_keeping_needs_no_database_to_be_there(stored: Couch) -> None:
    stored.delete(databases.QUARANTINE)
    assert keep(stored, *docs(1)) == [True]
    assert keeping.sender_of(stored, GRID_DB, "d1", "worker1").person is not None
