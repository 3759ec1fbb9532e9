"""Reports become cases exactly once, whoever runs intake how often, and whatever is killed in between."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from server.cases import copies, intake, store
from sync import feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import beat_db, grid_db
from tests.conftest import GRID_A
from tests.records import AT, note, receipt, report, with_rev
from tests.server.cases.conftest import CASES_DB, GRID_DB, Push

NOW = AT + timedelta(minutes=5)


def cases_in(couch: Couch) -> list[dict[str, Any]]:
    return couch.database(CASES_DB).range("case:", "case:\ufff0", 5000)


def events_in(couch: Couch) -> list[dict[str, Any]]:
    return couch.database(CASES_DB).range("event:", "event:\ufff0", 5000)


def test_a_report_becomes_a_case_and_its_phone_is_told(couch: Couch, grid: Database, push: Push) -> None:
    [pushed] = push(report())
    outcome = intake.run(couch, GRID_DB, NOW)
    [case] = cases_in(couch)
    assert (case["reports"], case["state"], case["received_at"]) == ([pushed["_id"]], "reported", "2026-11-23T08:00:01.000Z")
    assert grid.get(case["_id"])["case_no"] == case["case_no"]
    assert outcome.changed == {GRID_DB, CASES_DB}
    assert not outcome.more


def test_second_intake_makes_no_second_case(couch: Couch, grid: Database, push: Push) -> None:
    push(report(), report())
    intake.run(couch, GRID_DB, NOW)
    grid.local_put(intake.CHECKPOINT, {"seq": 0})
    before = (couch.info([CASES_DB]), len(cases_in(couch)))
    intake.run(couch, GRID_DB, NOW + timedelta(days=1))
    assert (couch.info([CASES_DB]), len(cases_in(couch))) == before


def test_what_is_not_new_is_not_read_again(couch: Couch, push: Push) -> None:
    push(report())
    intake.run(couch, GRID_DB, NOW)
    push(report())
    assert intake.run(couch, GRID_DB, NOW).cases == 1


@pytest.mark.parametrize("killed_before", ["copies.write", "feed.finish"])
def test_intake_killed_in_between_is_finished_by_the_next(
    couch: Couch, grid: Database, push: Push, monkeypatch: pytest.MonkeyPatch, killed_before: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    push(report())
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr({"copies.write": copies, "feed.finish": feed}[killed_before], killed_before.split(".")[1], die)
        intake.run(couch, GRID_DB, NOW)
    intake.run(couch, GRID_DB, NOW + timedelta(minutes=1))
    [case] = cases_in(couch)
    assert len(events_in(couch)) == 1
    assert grid.get(case["_id"])["state"] == "reported"


def test_intake_killed_between_events_and_cases_is_finished_by_the_next(couch: Couch, push: Push) -> None:
    push(report(), receipted=False)
    intake.run(couch, GRID_DB, NOW)
    [case] = cases_in(couch)
    database = couch.database(CASES_DB)
    database.bulk([{"_id": case["_id"], "_rev": case["_rev"], "_deleted": True}])
    couch.database(GRID_DB).local_put(intake.CHECKPOINT, {"seq": 0})
    intake.run(couch, GRID_DB, NOW + timedelta(days=1))
    assert [{**one, "_rev": ""} for one in cases_in(couch)] == [{**case, "_rev": ""}]


def test_two_concurrent_intakes_make_one_case_of_each_report(couch: Couch, grid: Database, push: Push) -> None:
    push(*[report() for _ in range(120)])
    failed: list[BaseException] = []

    def run() -> None:
        try:
            while intake.run(couch, GRID_DB, NOW, batch=17).more:
                pass
        except BaseException as error:  # noqa: BLE001 - a thread's error must reach the test
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(cases_in(couch)) == len(events_in(couch)) == 120
    assert len(grid.range("case:", "case:\ufff0", 500)) == 120


def test_a_week_of_records_is_taken_in_bounded_runs(couch: Couch, push: Push) -> None:
    push(*[report() for _ in range(30)])
    outcome = intake.run(couch, GRID_DB, NOW, batch=10)
    assert outcome.more
    assert outcome.cases == 10


def test_received_time_comes_from_a_receipt_in_the_next_page_and_else_is_now(couch: Couch, push: Push) -> None:
    push(report())
    intake.run(couch, GRID_DB, NOW, batch=1)
    push(report(), receipted=False)
    intake.run(couch, GRID_DB, NOW)
    received = sorted(case["received_at"] for case in cases_in(couch))
    assert received == ["2026-11-23T08:00:01.000Z", "2026-11-23T08:05:00.000Z"]


@pytest.mark.parametrize("batch", [1, 2, 3, 100])
def test_where_a_page_ends_among_what_was_pushed_together_neither_time_nor_note_is_lost(
    couch: Couch, grid: Database, batch: int
) -> None:
    """The store keeps a push in the order of ids: what is said of a report and its receipt come before it."""
    pushed = [report(), report()]
    said = note(pushed[0]["_id"], text="还有一处")
    told = receipt([pushed[0]["_id"], pushed[1]["_id"], said["_id"]], AT + timedelta(seconds=1))
    assert grid.bulk([with_rev(doc) for doc in (*pushed, said, told)], new_edits=False) == []
    while intake.run(couch, GRID_DB, NOW, batch=batch).more:
        pass
    assert [case["received_at"] for case in cases_in(couch)] == ["2026-11-23T08:00:01.000Z"] * 2
    assert sorted((event["move"], event.get("text")) for event in events_in(couch)) == [
        ("note", "还有一处"),
        ("report", None),
        ("report", None),
    ]
    assert "quarantine" not in couch.all_databases()


def test_a_second_first_revision_is_quarantined_and_the_processed_one_stays(couch: Couch, grid: Database, push: Push) -> None:
    [first] = push(report(text="第一"), digest="1" * 32)
    intake.run(couch, GRID_DB, NOW)
    push(first | {"text": "第二"}, digest="f" * 32)
    intake.run(couch, GRID_DB, NOW)
    [entry] = couch.database("quarantine").range("refused:", "refused:\ufff0", 10)
    assert (entry["document"]["text"], entry["reason"]) == ("第二", "immutable_revision")
    assert grid.get(first["_id"], conflicts=True) == first | {"_rev": "1-" + "1" * 32}
    assert [case["text"] for case in cases_in(couch)] == ["第一"]
    intake.run(couch, GRID_DB, NOW)
    assert len(couch.database("quarantine").range("refused:", "refused:\ufff0", 10)) == 1


def test_two_first_revisions_at_once_make_one_case(couch: Couch, grid: Database, push: Push) -> None:
    [first] = push(report(text="第一"), digest="1" * 32)
    push(first | {"text": "第二"}, digest="f" * 32)
    intake.run(couch, GRID_DB, NOW)
    [case] = cases_in(couch)
    assert grid.get(first["_id"], conflicts=True)["text"] == case["text"]
    assert "_conflicts" not in grid.get(first["_id"], conflicts=True)


def test_duplicates_of_other_records_are_settled_too(couch: Couch, push: Push, grid: Database) -> None:
    name = beat_db(GRID_A, "2026q4")
    couch.create(name, replicated=True)
    [one] = push(note(report()["_id"]), digest="1" * 32)
    push(one | {"text": "改"}, digest="f" * 32)
    intake.run(couch, GRID_DB, NOW)
    assert "_conflicts" not in grid.get(one["_id"], conflicts=True)
    assert intake.run(couch, name, NOW) == intake.NOTHING


def test_an_unsound_report_is_put_aside_and_holds_up_no_other(couch: Couch, push: Push) -> None:
    push(report(urgency="terrible"), report(grid="640105003001001"), report())
    intake.run(couch, GRID_DB, NOW)
    assert len(cases_in(couch)) == 1
    assert len(couch.database("quarantine").range("refused:", "refused:\ufff0", 10)) == 2


def test_copies_reach_the_present_quarter_too(couch: Couch, push: Push) -> None:
    push(report())
    intake.run(couch, GRID_DB, NOW.replace(year=2027, month=1))
    [case] = cases_in(couch)
    assert couch.database(grid_db(GRID_A, "2027q1")).get(case["_id"])["state"] == "reported"
    assert case["database"] == GRID_DB


def test_an_archived_quarter_is_never_made_again(couch: Couch, push: Push) -> None:
    push(report())
    intake.run(couch, GRID_DB, NOW)
    couch.delete(GRID_DB)
    assert copies.write(couch, cases_in(couch), NOW.replace(year=2027, month=1)) == {grid_db(GRID_A, "2027q1")}
    assert GRID_DB not in couch.all_databases()


def test_an_older_copy_never_replaces_a_newer_one(couch: Couch, grid: Database, push: Push) -> None:
    push(report())
    intake.run(couch, GRID_DB, NOW)
    [case] = cases_in(couch)
    newer = case | {"events": 2, "state": "accepted", "updated_at": "2026-11-24T08:00:00.000Z"}
    assert copies.write(couch, [newer], NOW) == {GRID_DB}
    assert copies.write(couch, [case], NOW) == set()
    assert grid.get(case["_id"])["state"] == "accepted"


def test_other_databases_are_left_alone(couch: Couch) -> None:
    assert intake.run(couch, "people", NOW) == intake.NOTHING
    assert intake.run(couch, "no-name-of-ours", NOW) == intake.NOTHING
    assert store.load(couch.database("cases-000000000"), "case:x") is None
