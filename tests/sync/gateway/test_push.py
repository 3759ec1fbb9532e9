"""What a phone pushes: stored with a receipt, or refused one by one with a reason and kept in quarantine."""

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from server.domain.ids import is_record_id
from sync import databases
from sync.couch import Couch
from tests.conftest import GRID_A, GRID_B, GRID_ELSEWHERE, wait_until
from tests.sync.gateway.conftest import GRID_DB, Phone

OVERSIZED = "长" * 100_000
# What is pushed there is told of by the time another test of this module pushes there again.
RARE_DB = databases.grid_db(GRID_B, GRID_DB[-6:])


def quarantined(couch: Couch) -> list[dict[str, Any]]:
    return couch.database(databases.QUARANTINE, create=True).range("refused:", "refused;", 1000)


def test_a_pushed_report_is_stored_with_the_revision_the_phone_gave_it(worker1: Phone, couch: Couch) -> None:
    report = worker1.report()
    assert worker1.push([report]) == [{"ok": True, "id": report["_id"], "rev": report["_rev"]}]
    assert couch.database(GRID_DB).get(report["_id"]) == report


def test_a_push_writes_one_receipt_that_names_what_it_stored(worker1: Phone, couch: Couch) -> None:
    docs = [worker1.report(), worker1.report(), worker1.report(author="somebody")]
    worker1.push(docs)
    receipts = couch.database(GRID_DB).range("receipt:", "receipt;", 1000)
    mine = [receipt for receipt in receipts if docs[0]["_id"] in receipt["ids"]]
    assert len(mine) == 1
    assert mine[0]["ids"] == [docs[0]["_id"], docs[1]["_id"]]
    assert is_record_id(mine[0]["_id"], "receipt")
    assert (mine[0]["device"], mine[0]["author"], mine[0]["grid"]) == (worker1.device_id, "server", GRID_A)
    assert mine[0]["received_at"].endswith("Z")


def test_the_same_revision_pushed_again_succeeds_and_changes_nothing(worker1: Phone, couch: Couch) -> None:
    report = worker1.report()
    worker1.push([report])
    assert worker1.push([report])[0]["ok"] is True
    assert couch.database(GRID_DB).get(report["_id"], conflicts=True) == report


def test_the_same_document_twice_in_a_batch_is_answered_twice(worker1: Phone) -> None:
    report = worker1.report()
    assert [entry.get("ok") for entry in worker1.push([report, report])] == [True, True]


def test_the_first_push_makes_the_database(worker1: Phone, couch: Couch) -> None:
    name = databases.grid_db("640105002001002", GRID_DB[-6:])
    couch.delete(name)
    assert worker1.push([worker1.report(grid="640105002001002")], name)[0]["ok"] is True
    assert name in couch.all_databases()


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("author_mismatch", {"author": "worker2"}),
    ("unknown_type", {"type": "gossip"}),
    ("server_only_type", {"type": "case"}),
    ("id_type_mismatch", {"_id": "note:0198f2a0-1111-7111-8111-111111111111"}),
    ("too_large", {"text": OVERSIZED}),
    ("deletion", {"_deleted": True}),
    ("attachments", {"_attachments": {}}),
    ("immutable_revision", {"_rev": "2-" + "a" * 32}),
    ("immutable_revision", {"_revisions": {"start": 1, "ids": ["a" * 32, "b" * 32]}}),
    ("immutable_revision", {"_rev": "1-zz"}),
    ("reserved_field", {"_id": "_design/report"}),
    ("reserved_field", {"_secret": 1}),
    ("grid_mismatch", {"grid": GRID_ELSEWHERE}),
    ("schema", {"urgency": "huge"}),
    ("schema", {"stowaway": 1}),
    ("schema", {"captured_at": "2026-02-30T00:00:00.000Z"}),
    ("schema", {"captured_at": "0001-01-01T00:00:00.000Z", "clock_offset_ms": 10**9}),
]


@pytest.mark.parametrize(("reason", "fields"), REFUSED, ids=[f"{reason}-{next(iter(fields))}" for reason, fields in REFUSED])
def test_a_refused_document_says_why_and_is_in_quarantine(
    reason: str, fields: dict[str, Any], worker1: Phone, couch: Couch
) -> None:
    good, bad = worker1.report(), worker1.report(**fields)
    entries = worker1.push([bad, good])
    assert entries[0]["error"] == "forbidden"
    assert (entries[0]["id"], entries[0]["rev"], entries[0]["reason"]) == (bad["_id"], bad["_rev"], reason)
    assert entries[0]["quarantined"] is True
    assert entries[1]["ok"] is True
    kept = [entry for entry in quarantined(couch) if entry["device"] == worker1.device_id]
    assert [entry["reason"] for entry in kept] == [reason]
    assert kept[0]["user"] == "worker1"
    if reason == "too_large":
        assert "document" not in kept[0]
        assert kept[0]["size_bytes"] > 256 * 1024
    else:
        assert kept[0]["document"] == bad


@pytest.mark.parametrize("value", [None, 3, "text", [], {}, {"_id": 5}, {"_id": "x"}, {"_id": "report:\u0000"}])
def test_what_is_no_record_at_all_is_refused_and_kept(value: Any, worker1: Phone, couch: Couch) -> None:
    entry = worker1.push([value])[0]
    assert entry["error"] == "forbidden"
    assert [kept["document"] for kept in quarantined(couch) if kept["device"] == worker1.device_id] == [value]


def test_half_a_surrogate_pair_spoils_its_own_document_only(worker1: Phone, couch: Couch) -> None:
    good, bad = worker1.report(), worker1.report(text="\ud83d")
    entries = worker1.push([good, bad])
    assert entries[0]["ok"] is True
    assert (entries[1]["reason"], entries[1]["quarantined"]) == ("schema", True)
    kept = [entry for entry in quarantined(couch) if entry["device"] == worker1.device_id]
    assert "\\ud83d" in kept[0]["text"]


@pytest.mark.parametrize("fields", [{"answers": {"灯": "\ud83d"}}, {"answers": {"\ud83d": 1}}, {"_id": "visit:\ud83d"}])
def test_what_cannot_be_written_as_json_is_kept_as_text(fields: dict[str, Any], worker1: Phone, couch: Couch) -> None:
    report = worker1.report()
    visit = {name: report[name] for name in ("_rev", "v", "grid", "author", "device", "captured_at", "clock_offset_ms")}
    visit |= {"_id": report["_id"].replace("report", "visit"), "type": "visit", "household": None, "address": "3-2-501"}
    visit |= {"kind": "routine", "findings": ""}
    database = databases.home_quarter_db(GRID_A, GRID_DB[-6:])
    bad, visit = visit | fields, visit | {"_id": report["_id"].replace("report", "visit")[:-1] + "f"}
    entries = worker1.push([bad, visit], database)
    writable_id = None if "_id" in fields else bad["_id"]
    assert (entries[0]["id"], entries[0]["reason"], entries[0]["quarantined"]) == (writable_id, "schema", True)
    assert entries[1]["ok"] is True
    kept = [entry for entry in quarantined(couch) if entry["device"] == worker1.device_id]
    assert "\\ud83d" in kept[0]["text"]


def test_a_stamp_from_the_future_is_refused_and_left_to_the_phone(worker1: Phone, couch: Couch) -> None:
    report = worker1.report()
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    household = {name: report[name] for name in ("_rev", "v", "grid", "author", "device", "captured_at", "clock_offset_ms")}
    household |= {"_id": report["_id"].replace("report", "household"), "type": "household", "address": "3-2-501"}
    household["basis"] = {"purpose": "走访服务", "given_at": report["captured_at"], "how": "consent_spoken"}
    reasons = []
    for ahead_ms in (0, 9 * 60_000, 11 * 60_000):
        stamps = {"address": f"{now_ms + ahead_ms:015d}-0000-{worker1.device_id}"}
        reasons += worker1.push([household | {"stamps": stamps}], databases.home_db(GRID_A))
    reasons += worker1.push([household | {"stamps": {"address": "tomorrow"}}], databases.home_db(GRID_A))
    assert [entry.get("reason", "ok") for entry in reasons] == ["ok", "ok", "stamp_ahead", "schema"]
    assert [entry.get("quarantined") for entry in reasons] == [None, None, False, True]
    assert len([entry for entry in quarantined(couch) if entry["device"] == worker1.device_id]) == 1


def test_another_grids_database_refuses_each_document_and_keeps_it(worker1: Phone, couch: Couch) -> None:
    name = databases.grid_db(GRID_ELSEWHERE, GRID_DB[-6:])
    entries = worker1.push([worker1.report(grid=GRID_ELSEWHERE)], name)
    assert (entries[0]["reason"], entries[0]["quarantined"]) == ("not_grid_holder", True)
    assert name not in couch.all_databases()


def test_police_cannot_push_a_household_and_workers_no_police_visit(worker1: Phone, police1: Phone) -> None:
    assert police1.push([police1.report()], databases.home_db(GRID_A))[0]["reason"] == "type_not_allowed"
    beat = databases.beat_db(GRID_A, GRID_DB[-6:])
    assert worker1.push([worker1.report()], beat)[0]["reason"] == "type_not_allowed"


def test_refusing_the_same_document_twice_keeps_it_once(worker1: Phone, couch: Couch) -> None:
    bad = worker1.report(author="worker2")
    assert worker1.push([bad])[0]["quarantined"] is True
    assert worker1.push([bad, bad])[0]["quarantined"] is True
    assert len([entry for entry in quarantined(couch) if entry["device"] == worker1.device_id]) == 1


def test_a_device_that_filled_its_quarantine_keeps_the_rest_itself(worker1: Phone, couch: Couch) -> None:
    entries = [entry for _ in range(6) for entry in worker1.push([worker1.report(author="x") for _ in range(100)])]
    assert [entry["quarantined"] for entry in entries] == [True] * 500 + [False] * 100
    assert entries[-1]["reason"] == "quota"
    assert len([entry for entry in quarantined(couch) if entry["device"] == worker1.device_id]) == 500


def test_a_second_first_revision_is_stored_for_intake_to_judge(worker1: Phone, couch: Couch) -> None:
    report = worker1.report()
    other = report | {"_rev": "1-" + "e" * 32, "text": "another text"}
    worker1.push([report])
    assert worker1.push([other])[0]["ok"] is True
    assert len(couch.database(GRID_DB).get(report["_id"], conflicts=True)["_conflicts"]) == 1


def test_the_server_is_nudged_after_a_push_that_stored_something(worker1: Phone, nudged: list[str]) -> None:
    before = nudged.count(RARE_DB)
    worker1.push([worker1.report(grid=GRID_B, author="worker2")], RARE_DB)
    assert nudged.count(RARE_DB) == before
    worker1.push([worker1.report(grid=GRID_B)], RARE_DB)
    wait_until(lambda: nudged.count(RARE_DB) > before, what="the nudge")
    assert nudged.count(RARE_DB) == before + 1


def test_many_pushes_at_once_are_two_nudges_and_the_last_one_is_never_missed(
    worker1: Phone, nudged: list[str], telling: threading.Event
) -> None:
    """The first is told of at once; all that come while it is told are one more telling, which begins when that ends."""
    before = nudged.count(RARE_DB)
    telling.clear()
    worker1.push([worker1.report(grid=GRID_B)], RARE_DB)
    wait_until(lambda: nudged.count(RARE_DB) > before, what="the nudge for the first push")
    for _ in range(20):
        worker1.push([worker1.report(grid=GRID_B)], RARE_DB)
    assert nudged.count(RARE_DB) == before + 1
    telling.set()
    wait_until(lambda: nudged.count(RARE_DB) == before + 2, what="the nudge for the last push")


def test_a_track_gets_no_receipt(worker1: Phone, couch: Couch) -> None:
    name = databases.track_db("worker1", databases.month_at(datetime.now(UTC)))
    report = worker1.report()
    track = {key: report[key] for key in ("_rev", "v", "grid", "author", "device", "captured_at", "clock_offset_ms")}
    track |= {"_id": report["_id"].replace("report", "track"), "type": "track", "points": [[0, 38.5, 106.1, 5]]}
    track["patrol"] = report["_id"].replace("report", "patrol")
    assert worker1.push([track], name)[0]["ok"] is True
    assert couch.database(name).range("receipt:", "receipt;", 10) == []


def test_a_record_too_large_is_refused_though_all_else_about_it_is_sound(worker1: Phone, couch: Couch) -> None:
    name = databases.home_quarter_db(GRID_A, GRID_DB[-6:])
    common = {
        key: value
        for key, value in worker1.report().items()
        if key not in ("category", "text", "urgency", "place", "photos", "source")
    }
    visits = [
        {
            **common,
            "_id": worker1.report()["_id"].replace("report", "visit"),
            "type": "visit",
            "household": None,
            "address": "3-1-201",
        }
        | {"kind": "routine", "findings": "", "answers": {"note": "长" * length}}
        for length in (10, 90_000)
    ]
    small, large = worker1.push(visits, name)
    assert small.get("ok"), small
    assert (large["reason"], large["quarantined"]) == ("too_large", True)
