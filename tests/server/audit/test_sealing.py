"""The chain of seals: it holds what was logged, whoever runs it twice, and it names what somebody changed afterwards."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server import audit
from server.audit import sealing, verifying
from server.audit.entries import digest
from sync import feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import PEOPLE, audit_db

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
MONTH = "202611"


@pytest.fixture(autouse=True)
def empty(couch: Couch) -> Iterator[None]:
    for name in couch.all_databases():
        if name.startswith("audit-") or name == PEOPLE:
            couch.delete(name)
    yield


def note(couch: Couch, minutes: int, **about: Any) -> str:
    return audit.note(couch, by="triage1", action="case.open", subject="case:1", at=AT + timedelta(minutes=minutes), **about)


def seal(couch: Couch, minutes: int) -> int:
    return sealing.Sealing().run(couch, AT + timedelta(minutes=minutes))


@pytest.fixture
def log(couch: Couch) -> Database:
    """Three seals of two entries each."""
    for n in range(3):
        note(couch, 10 * n)
        note(couch, 10 * n + 1)
        assert seal(couch, 10 * n + 2) == 2
    return couch.database(audit_db(MONTH))


def found(couch: Couch, **about: Any) -> list[tuple[str, str]]:
    return [tuple(one) for one in verifying.verify(couch, MONTH, **about).findings]


def entries_of(database: Database) -> list[dict[str, Any]]:
    return database.range("entry:", "entry:\ufff0", 100)


def test_an_untouched_log_is_sound_and_says_how_much_it_holds(couch: Couch, log: Database) -> None:
    note(couch, 30)
    report = verifying.verify(couch, MONTH)
    assert (report.seals, report.entries, report.unsealed, report.late, report.findings) == (3, 6, 1, [], [])
    assert report.head == log.get("seal:00000003")["sha256"]


def test_sealing_again_or_from_the_beginning_seals_nothing_twice(couch: Couch, log: Database) -> None:
    assert seal(couch, 40) == 0
    log.local_put(sealing.CHECKPOINT, {"seq": 0})
    assert seal(couch, 41) == 0
    assert found(couch) == []


def test_a_sealer_killed_before_its_checkpoint_seals_nothing_twice(
    couch: Couch, log: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    note(couch, 30)
    with monkeypatch.context() as broken:
        broken.setattr(feed, "finish", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            seal(couch, 31)
    assert seal(couch, 32) == 0
    assert verifying.verify(couch, MONTH).entries == 7


def test_a_late_entry_is_in_the_next_seal_and_said_to_be_late(couch: Couch, log: Database) -> None:
    late = note(couch, 5)
    assert seal(couch, 120) == 1
    report = verifying.verify(couch, MONTH)
    assert (report.findings, report.late) == ([], [late])


def test_a_changed_entry_is_named_even_when_its_own_hash_was_put_right(couch: Couch, log: Database) -> None:
    entry = entries_of(log)[2]
    forged = entry | {"by": "somebody"}
    log.put(forged | {"sha256": digest(forged)})
    assert found(couch) == [("entry_changed", entry["_id"])]


def test_a_removed_entry_is_named(couch: Couch, log: Database) -> None:
    entry = entries_of(log)[3]
    log.put({"_id": entry["_id"], "_rev": entry["_rev"], "_deleted": True})
    assert found(couch) == [("entry_removed", entry["_id"])]
    assert seal(couch, 50) == 0


def test_an_entry_removed_before_it_was_sealed_is_named_too(couch: Couch, log: Database) -> None:
    id = note(couch, 30)
    log.put({"_id": id, "_rev": log.get(id)["_rev"], "_deleted": True})
    assert seal(couch, 31) == 1
    assert found(couch) == [("entry_removed", id)]


def test_an_entry_put_in_is_named_until_it_is_sealed_and_late_then(couch: Couch, log: Database) -> None:
    note(couch, 200)
    seal(couch, 201)
    forged = note(couch, 15, why="never happened")
    assert found(couch) == [("entry_put_in", forged)]
    seal(couch, 202)
    assert verifying.verify(couch, MONTH).late == [forged]


def test_a_changed_order_or_content_of_a_seal_breaks_it(couch: Couch, log: Database) -> None:
    second = log.get("seal:00000002")
    log.put(second | {"entries": second["entries"][::-1]})
    assert found(couch) == [("seal_changed", "seal:00000002")]


def test_a_seal_made_anew_breaks_the_chain_behind_it(couch: Couch, log: Database) -> None:
    second = log.get("seal:00000002")
    forged = {**second, "entries": second["entries"][:1]}
    log.put(forged | {"sha256": digest(forged)})
    codes = dict(found(couch))
    assert codes["chain_broken"] == "seal:00000003"
    assert codes["seal_changed"] == "seal:00000002"


def test_a_seal_taken_out_is_named(couch: Couch, log: Database) -> None:
    second = log.get("seal:00000002")
    log.put({"_id": second["_id"], "_rev": second["_rev"], "_deleted": True})
    assert ("seal_missing", "seal:00000002") in found(couch)


def test_a_log_that_was_cut_off_is_shown_by_the_head_noted_elsewhere(couch: Couch, log: Database) -> None:
    third = log.get("seal:00000003")
    for doc in (third, *(log.get(id) for id, _ in third["entries"])):
        log.put({"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True})
    assert ("cut_off", "seal:00000003") in found(couch)
    couch.database(PEOPLE).local_put(sealing.HEADS, {"heads": {}})
    assert found(couch) == []
    assert found(couch, expected_head=third["sha256"]) == [("head_missing", third["sha256"])]


def test_months_hang_together(couch: Couch, log: Database) -> None:
    head = log.get("seal:00000003")["sha256"]
    later = AT + timedelta(days=10)
    audit.note(couch, by="triage1", action="case.open", subject="case:1", at=later)
    sealing.Sealing().run(couch, later)
    assert couch.database(audit_db("202612")).get("seal:00000001")["prev"] == head
    note(couch, 7)
    seal(couch, 60)
    assert verifying.verify(couch, "202612").findings == []
    couch.delete(audit_db(MONTH))
    assert [tuple(one) for one in verifying.verify(couch, "202612").findings] == [("chain_broken", "seal:00000001")]
    assert ("cut_off", "seal:00000004") in found(couch)


def test_a_look_is_one_entry_in_ten_minutes_and_another_afterwards(couch: Couch) -> None:
    for minutes in (1, 5, 9, 11):
        now = AT + timedelta(minutes=minutes)
        audit.note_seen(couch, by="triage1", action="case.open", subject="case:7", township="640105002", now=now)
    audit.note_seen(couch, by="triage2", action="case.open", subject="case:7", now=AT)
    seen = sorted((entry["by"], entry["at"][11:16]) for entry in audit.read(couch, MONTH))
    assert seen == [("triage1", "08:01"), ("triage1", "08:11"), ("triage2", "08:00")]
