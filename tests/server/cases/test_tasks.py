"""Tasks go down to the grid's phones and their answers come back as moves, once each, whatever is killed and however often."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.cases import intake, moves, store, tasks
from server.domain import ids
from server.nudges import Nudges
from sync import feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import grid_db
from tests.conftest import GRID_A, GRID_B, person
from tests.records import AT, new_id, note, report, taskreply
from tests.server.cases.conftest import CASES_DB, GRID_DB, Push

NOW = AT + timedelta(minutes=10)
NEXT_QUARTER = datetime(2026, 12, 31, 16, 0, 1, tzinfo=UTC)
TRIAGE = person("triage1", "triage", "赵敏", "Zhao Min", townships=[GRID_A[:9]])
DEPT = person("dept1", "department", "", "", units=["unit:utilities"])
Move = Callable[..., store.Loaded]


@pytest.fixture
def case_id(couch: Couch, push: Push) -> str:
    [pushed] = push(report())
    intake.run(couch, GRID_DB, NOW)
    couch.create("ref", replicated=True)
    couch.database("ref").bulk(
        [{"_id": "unit:utilities", "type": "unit", "level": "township"}, {"_id": f"township:{GRID_A[:9]}"}]
    )
    return ids.case_id(pushed["_id"])


@pytest.fixture
def move(couch: Couch, no_broker: Nudges, case_id: str) -> Move:
    def make(name: str, who: dict[str, Any] = TRIAGE, now: datetime = NOW, **fields: Any) -> store.Loaded:
        key = secrets.token_hex(8)
        return moves.move(couch, no_broker, who, case_id, name, fields, if_match=None, key=key, now=now)

    return make


@pytest.fixture
def verifying(move: Move) -> str:
    """A case that its unit has answered and that a worker is asked to verify: the task's id."""
    move("accept")
    move("dispatch", unit="unit:utilities", reason="井盖归市政")
    move("answer", DEPT, result="已补装")
    return str(move("ask_verification", text="请到现场看井盖").case["tasks"][0]["id"])


def task_in(couch: Couch, id: str, database: str = GRID_DB) -> dict[str, Any] | None:
    return couch.database(database).find(id) if database in couch.all_databases() else None


def carry(couch: Couch, now: datetime = NOW) -> frozenset[str]:
    return intake.run(couch, CASES_DB, now).changed


def case_of(couch: Couch, case_id: str) -> dict[str, Any]:
    return couch.database(CASES_DB).get(case_id)


def test_a_verification_lies_in_the_grids_database_with_what_a_worker_on_the_spot_needs(
    couch: Couch, verifying: str, case_id: str
) -> None:
    assert carry(couch) >= {GRID_DB}
    task = task_in(couch, verifying)
    assert task is not None
    assert (task["type"], task["kind"], task["state"], task["text"]) == ("task", "verify", "open", "请到现场看井盖")
    assert task["case"]["case_no"] == case_of(couch, case_id)["case_no"]
    assert task["case"]["place"]["address"] == "同心北街"
    assert task["due_at"] == "2026-11-25T10:00:00.000Z"
    assert "author" not in task


def test_what_did_not_change_is_not_written_again(couch: Couch, verifying: str, move: Move) -> None:
    carry(couch)
    before = task_in(couch, verifying)
    move("remark", text="内部备注")
    carry(couch)
    assert task_in(couch, verifying) == before


def test_a_carrier_killed_before_the_task_was_written_is_finished_by_the_next(
    couch: Couch, verifying: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tasks, "write", die)
        carry(couch)
    assert task_in(couch, verifying) is None
    carry(couch)
    assert task_in(couch, verifying) is not None


def test_what_a_worker_finds_is_the_verification_and_lets_the_township_close(
    couch: Couch, push: Push, verifying: str, case_id: str, move: Move
) -> None:
    carry(couch)
    photo = new_id("photo")
    push(taskreply(verifying, text="井盖已盖好", photos=[photo]))
    outcome = intake.run(couch, GRID_DB, NOW)
    assert outcome.due == {CASES_DB}
    case = case_of(couch, case_id)
    assert case["verification"]["outcome"] == "solved"
    assert case["verification"]["party"] == "user:worker1"
    assert case["tasks"][0]["answer"]["photos"] == [photo]
    carry(couch)
    task = task_in(couch, verifying)
    assert task is not None
    assert task["state"] == "answered"
    assert move("close", result="核查属实").case["state"] == "closed"


def test_not_done_is_a_verification_that_found_it_unsolved(couch: Couch, push: Push, verifying: str, case_id: str) -> None:
    carry(couch)
    push(taskreply(verifying, outcome="not_done", text="还是坏的"))
    intake.run(couch, GRID_DB, NOW)
    assert case_of(couch, case_id)["verification"]["outcome"] == "not_solved"


def test_the_same_reply_taken_in_again_moves_nothing(
    couch: Couch, grid: Database, push: Push, verifying: str, case_id: str
) -> None:
    carry(couch)
    push(taskreply(verifying))
    intake.run(couch, GRID_DB, NOW)
    before = case_of(couch, case_id)
    grid.local_put(intake.CHECKPOINT, {"seq": 0})
    intake.run(couch, GRID_DB, NOW + timedelta(days=1))
    assert case_of(couch, case_id) == before


def test_an_intake_killed_after_the_move_makes_no_second_one(
    couch: Couch, push: Push, verifying: str, case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    carry(couch)
    push(taskreply(verifying))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(feed, "finish", die)
        intake.run(couch, GRID_DB, NOW)
    intake.run(couch, GRID_DB, NOW)
    events = store.events_of(couch.database(CASES_DB), case_id)
    assert [event["move"] for event in events].count("reply") == 1


def test_of_two_workers_who_answer_the_first_counts_and_both_are_kept(
    couch: Couch, push: Push, verifying: str, case_id: str
) -> None:
    carry(couch)
    push(taskreply(verifying, author="worker1", outcome="done"))
    push(taskreply(verifying, author="worker2", outcome="not_done", at=AT + timedelta(seconds=5)))
    intake.run(couch, GRID_DB, NOW)
    case = case_of(couch, case_id)
    assert case["verification"]["outcome"] == "solved"
    events = store.events_of(couch.database(CASES_DB), case_id)
    assert [event["by"] for event in events if event["move"] == "reply"] == ["worker1", "worker2"]
    assert case["refused"] == []


def test_what_one_declines_another_may_still_answer(couch: Couch, push: Push, verifying: str, case_id: str) -> None:
    carry(couch)
    push(taskreply(verifying, author="worker2", outcome="declined", text="在外学习"))
    intake.run(couch, GRID_DB, NOW)
    assert case_of(couch, case_id)["tasks"][0]["state"] == "declined"
    push(taskreply(verifying, author="worker1", at=AT + timedelta(seconds=5)))
    intake.run(couch, GRID_DB, NOW)
    case = case_of(couch, case_id)
    assert (case["tasks"][0]["state"], case["verification"]["outcome"]) == ("answered", "solved")


def test_a_task_is_withdrawn_when_its_case_is_decided_without_it(couch: Couch, verifying: str, move: Move) -> None:
    carry(couch)
    move("rework", reason="照片不清")
    carry(couch)
    task = task_in(couch, verifying)
    assert task is not None
    assert task["state"] == "withdrawn"


def test_a_task_goes_to_the_grid_that_is_named(couch: Couch, move: Move) -> None:
    move("send_task", kind="look_again", text="看看隔壁", grid=GRID_B, days=1)
    carry(couch)
    [task] = couch.database(grid_db(GRID_B, "2026q4")).range("task:", "task:\ufff0", 9)
    assert (task["grid"], task["due_at"]) == (GRID_B, "2026-11-24T10:00:00.000Z")


def test_an_open_task_goes_over_into_the_new_quarter_and_is_answered_there(
    couch: Couch, push: Push, verifying: str, case_id: str
) -> None:
    carry(couch)
    new = grid_db(GRID_A, "2027q1")
    assert tasks.write(couch, [case_of(couch, case_id)], NEXT_QUARTER) == {new}
    assert task_in(couch, verifying, new) is not None
    push(taskreply(verifying))
    intake.run(couch, GRID_DB, NEXT_QUARTER)
    carry(couch, NEXT_QUARTER)
    assert [(task_in(couch, verifying, name) or {})["state"] for name in (GRID_DB, new)] == ["answered", "answered"]


def test_a_reply_to_no_task_is_put_aside_for_a_clerk(couch: Couch, push: Push) -> None:
    push(taskreply(new_id("task")))
    intake.run(couch, GRID_DB, NOW)
    [entry] = [row["doc"] for row in couch.database("quarantine").changes(None, 9).results if row["doc"].get("about")]
    assert entry["about"]["type"] == "taskreply"


def test_notes_and_their_photos_are_on_the_timeline_whoever_of_the_grid_wrote_them(
    couch: Couch, grid: Database, push: Push, case_id: str
) -> None:
    photo = new_id("photo")
    push(note(case_id.replace("case:", "report:"), text="", photos=[photo], author="worker2"))
    intake.run(couch, GRID_DB, NOW)
    carry(couch)
    assert grid.get(case_id)["history"][-1]["photos"] == [photo]


def test_its_reporter_withdraws_and_nobody_else(couch: Couch, push: Push, case_id: str) -> None:
    push(note(case_id, text="不用了", intent="withdraw", author="worker2"))
    intake.run(couch, GRID_DB, NOW)
    assert case_of(couch, case_id)["state"] == "reported"
    push(note(case_id, text="报错了地方", intent="withdraw", at=AT + timedelta(seconds=5)))
    intake.run(couch, GRID_DB, NOW)
    case = case_of(couch, case_id)
    assert (case["state"], case["history"][-1]["reason"]) == ("withdrawn", "报错了地方")


def test_a_returned_report_comes_again_with_what_it_lacked(couch: Couch, push: Push, move: Move, case_id: str) -> None:
    move("return", reason="照片看不清")
    photo = new_id("photo")
    push(note(case_id, text="重拍了", photos=[photo], intent="resubmit"))
    intake.run(couch, GRID_DB, NOW)
    case = case_of(couch, case_id)
    assert (case["state"], case["photos"], case["resubmitted"]) == ("reported", [photo], 1)


def test_withdrawing_too_late_is_still_read(couch: Couch, push: Push, move: Move, case_id: str) -> None:
    move("accept")
    push(note(case_id, text="不用了", intent="withdraw"))
    intake.run(couch, GRID_DB, NOW)
    case = case_of(couch, case_id)
    assert (case["state"], case["last_event"]["move"], case["last_event"]["text"]) == ("accepted", "note", "不用了")


def test_a_note_on_a_report_of_the_last_quarter_waits_for_no_other_intake(couch: Couch, grid: Database, push: Push) -> None:
    old = grid_db(GRID_A, "2026q3")
    couch.create(old, replicated=True)
    first = report()
    couch.database(old).bulk([first | {"_rev": "1-" + "b" * 32}], new_edits=False)
    push(note(first["_id"], text="还在"))
    intake.run(couch, GRID_DB, NOW)
    assert case_of(couch, ids.case_id(first["_id"]))["last_event"]["text"] == "还在"


def test_a_very_long_note_holds_up_nothing(couch: Couch, push: Push, case_id: str) -> None:
    push(note(case_id, text="长" * 4000))
    intake.run(couch, GRID_DB, NOW)
    assert len(case_of(couch, case_id)["last_event"]["text"]) == 1000
