"""What a phone logged of opened fields is in the access log once, for those who may read it."""

from datetime import timedelta
from typing import Any

import pytest

from server.audit import entries, searching
from server.cases import intake
from server.domain import permissions, times
from sync.couch import Couch
from sync.databases import audit_db, log_db
from tests.conftest import GRID_A
from tests.records import AT, new_id

LOG, NOW = log_db("0123456789abcdef"), AT + timedelta(days=2)


@pytest.fixture(autouse=True)
def empty(couch: Couch) -> None:
    for name in (LOG, audit_db("202611")):
        couch.delete(name)
    couch.create(LOG, replicated=True)


def access(**fields: Any) -> dict[str, Any]:
    head = {"_id": new_id("access"), "type": "access", "v": 1, "grid": GRID_A, "author": "worker1", "device": "d1"}
    said = {"of": new_id("household"), "fields": ["contact_phone", "needs"], "purpose": "visit"}
    return head | {"captured_at": times.to_text(AT), "clock_offset_ms": 60_000} | said | fields


def read(couch: Couch) -> list[dict[str, Any]]:
    return entries.read(couch, "202611")


def test_a_reading_is_one_entry_whatever_intake_goes_through(couch: Couch) -> None:
    doc = access()
    couch.database(LOG).put(doc)
    for _ in range(2):
        couch.database(LOG).local_put(intake.CHECKPOINT, {"seq": 0})
        intake.run(couch, LOG, NOW)
    [entry] = read(couch)
    assert (entry["by"], entry["action"], entry["subject"]) == ("worker1", "household.unmask", doc["of"])
    assert (entry["why"], entry["township"]) == ("走访联系", GRID_A[:9])
    assert entry["facts"]["fields"] == ["contact_phone", "needs"]
    assert entry["at"] == times.to_text(AT - timedelta(minutes=1)), "by the phone's corrected clock"


def test_the_township_finds_it_and_another_does_not(couch: Couch) -> None:
    couch.database(LOG).put(access())
    intake.run(couch, LOG, NOW)
    triage = {"name": "t", "roles": ["triage"], "townships": [GRID_A[:9]]}
    [scope] = permissions.audit_scopes(triage)
    wanted = searching.Wanted(action="household.unmask")
    assert len(searching.page(couch, "202611", scope, wanted).entries) == 1
    assert searching.page(couch, "202611", "640105999", wanted).entries == []


@pytest.mark.parametrize("captured_at", ["2030-01-01T00:00:00.000Z", "1999-01-01T00:00:00.000Z"])
def test_a_clock_that_cannot_be_right_is_logged_as_of_now(couch: Couch, captured_at: str) -> None:
    couch.database(LOG).put(access(captured_at=captured_at, clock_offset_ms=None))
    intake.run(couch, LOG, NOW)
    assert [entry["at"] for entry in read(couch)] == [times.to_text(NOW)]
