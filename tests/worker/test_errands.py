"""Errands of households become cases, once each, with only what handling needs; their later versions become events."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from server import photo_rights
from server.cases import intake, moves, store, tasks
from server.domain import clock, ids, times, workflow
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db, grid_db, home_db, home_quarter_db
from tests.conftest import GRID_A
from tests.records import AT, new_id
from worker import conflicts

NOW = AT + timedelta(minutes=10)
GRID = grid_db(GRID_A, "2026q4")
HOME, QUARTER, CASES = home_db(GRID_A), home_quarter_db(GRID_A, "2026q4"), cases_db(GRID_A[:9])


@pytest.fixture
def home(couch: Couch) -> Iterator[Database]:
    for name in (HOME, QUARTER, CASES, GRID):
        couch.delete(name)
    couch.create(HOME, replicated=True)
    yield couch.database(HOME)


def errand(**fields: Any) -> dict[str, Any]:
    head = {"_id": new_id("errand"), "type": "errand", "v": 1, "grid": GRID_A, "author": "worker1", "device": "d1"}
    materials = [{"key": "m1", "name": "身份证复印件", "state": "missing", "remark": "在女儿家"}]
    said = {"household": new_id("household"), "item": "低保申请", "materials": materials, "state": "open", "stamps": {}}
    return head | {"captured_at": times.to_text(AT), "clock_offset_ms": 0} | said | fields


def put(home: Database, doc: dict[str, Any]) -> dict[str, Any]:
    return doc | {"_rev": home.put(doc)}


def case_of(couch: Couch, doc: dict[str, Any]) -> store.Loaded:
    found = store.load(couch.database(CASES), ids.case_id(doc["_id"]))
    assert found is not None
    return found


def test_an_errand_becomes_one_service_case_that_its_community_holds(couch: Couch, home: Database) -> None:
    doc = put(home, errand())
    outcome = conflicts.run(couch, HOME, NOW)
    case = case_of(couch, doc).case
    assert (outcome.cases, outcome.due) == (1, {CASES})
    assert (case["kind"], case["category"], case["level"], case["source"]) == ("service", "4104", "community", "errand")
    assert case["errand"]["materials"] == [{"key": "m1", "name": "身份证复印件", "state": "missing"}]
    home.local_put(intake.CHECKPOINT, {"seq": 0})
    conflicts.run(couch, HOME, NOW + timedelta(days=1))
    assert case_of(couch, doc).case == case
    assert len(case_of(couch, doc).events) == 1


def test_the_desk_learns_no_household_and_no_remark(couch: Couch, home: Database) -> None:
    doc = put(home, errand())
    conflicts.run(couch, HOME, NOW)
    said = str(case_of(couch, doc))
    assert doc["household"] not in said
    assert "在女儿家" not in said


def test_its_state_comes_back_among_the_household_databases(couch: Couch, home: Database) -> None:
    doc = put(home, errand())
    conflicts.run(couch, HOME, NOW)
    assert couch.database(QUARTER).get(ids.case_id(doc["_id"]))["state"] == "reported"


def test_a_later_version_is_an_event_once(couch: Couch, home: Database) -> None:
    doc = put(home, errand())
    conflicts.run(couch, HOME, NOW)
    there = [doc["materials"][0] | {"state": "there"}]
    put(home, doc | {"materials": there})
    for _ in range(2):
        home.local_put(intake.CHECKPOINT, {"seq": 0})
        conflicts.run(couch, HOME, NOW)
    loaded = case_of(couch, doc)
    assert [event["move"] for event in loaded.events] == ["report", "errand"]
    assert loaded.case["errand"]["materials"][0]["state"] == "there"


def test_what_changed_but_is_not_the_desks_business_is_no_event(couch: Couch, home: Database) -> None:
    doc = put(home, errand())
    conflicts.run(couch, HOME, NOW)
    put(home, doc | {"materials": [doc["materials"][0] | {"remark": "周五拿来"}]})
    conflicts.run(couch, HOME, NOW)
    assert len(case_of(couch, doc).events) == 1


def test_an_errand_taken_back_before_anybody_took_it_up_is_withdrawn(couch: Couch, home: Database) -> None:
    doc = put(home, errand())
    conflicts.run(couch, HOME, NOW)
    put(home, doc | {"state": "withdrawn"})
    conflicts.run(couch, HOME, NOW)
    assert case_of(couch, doc).case["state"] == "withdrawn"


MOVES = {
    "accept": {},
    "return": {"reason": "身份证看不清"},
    "dispatch": {"unit": "unit:civil", "reason": "代办"},
    "ask": {"what": "stop", "reason": "等材料"},
}


def moved(couch: Couch, doc: dict[str, Any], *names: str) -> dict[str, Any]:
    """The errand's case after moves that its holder made."""
    for name in names:
        fields = {"key": f"{name}-0001", "now": NOW, "by": "c", "party": f"community:{GRID_A[:12]}"}
        moves.record(couch, GRID_A[:9], ids.case_id(doc["_id"]), name, MOVES[name], **fields)
    return case_of(couch, doc).case


@pytest.mark.parametrize("before", [("accept",), ("return",), ("accept", "dispatch", "ask")])
def test_an_errand_called_off_withdraws_its_case_however_far_it_is(couch: Couch, home: Database, before: tuple[str, ...]) -> None:
    doc = put(home, errand())
    conflicts.run(couch, HOME, NOW)
    moved(couch, doc, *before)
    put(home, doc | {"state": "withdrawn"})
    conflicts.run(couch, HOME, NOW)
    case = case_of(couch, doc).case
    assert (case["state"], case["turn"], case["request"], case["state_due_at"]) == ("withdrawn", None, None, None)
    whole = case["clocks"]["case"]
    assert whole is None or not clock.is_running(whole), "its time runs no more"


def test_a_case_that_was_decided_on_after_an_older_withdrawal_stays_as_it_is() -> None:
    facts = {"item": "x", "materials": [], "state": "withdrawn", "rev": "2-a"}
    case = {"state": "accepted", "errand": {"rev": "1-a"}, "open_whistles": []}
    assert not workflow.is_called_off(case, facts)
    assert workflow.is_called_off(case | {"state": "reported"}, facts)
    assert workflow.is_called_off(case, facts | {"ends": True})
    assert not workflow.is_called_off(case | {"open_whistles": ["whistle:x"]}, facts | {"ends": True})
    assert not workflow.is_called_off(case | {"state": "closed"}, facts | {"ends": True})
    assert not workflow.is_called_off(case | {"errand": {"rev": "3-a"}}, facts | {"ends": True})


def test_a_returned_errand_is_sent_again_by_whoever_works_in_its_grid(couch: Couch, home: Database) -> None:
    doc = put(home, errand())
    conflicts.run(couch, HOME, NOW)
    assert moved(couch, doc, "return")["turn"] is None
    head = {"type": "note", "v": 1, "grid": GRID_A, "author": "worker2", "device": "d2", "clock_offset_ms": 0}
    said = {"captured_at": times.to_text(NOW), "of": doc["_id"], "text": "重拍了身份证", "intent": "resubmit"}
    photos = [new_id("photo")]
    for name, state in ((GRID, "returned"), (QUARTER, "reported")):
        couch.create(name, replicated=True)
        couch.database(name).put({"_id": new_id("note"), **head, **said, "photos": photos})
        intake.run(couch, name, NOW)
        assert case_of(couch, doc).case["state"] == state, "police, who write into the grid's, have no part in it"
    case = case_of(couch, doc).case
    assert (case["state"], case["turn"], case["photos"]) == ("reported", f"community:{GRID_A[:12]}", photos)


def test_a_task_of_its_case_names_the_household_to_the_grids_workers_alone(couch: Couch, home: Database) -> None:
    doc = put(home, errand())
    conflicts.run(couch, HOME, NOW)
    case = case_of(couch, doc).case
    sent = {"id": new_id("task"), "kind": "visit", "grid": GRID_A, "state": "open", "text": "上门取材料"}
    dated = {"sent_at": times.to_text(NOW), "due_at": times.to_text(NOW), "is_finding": False, "answer": None}
    assert tasks.write(couch, [case | {"tasks": [sent | dated]}], NOW) == {QUARTER}
    assert couch.database(QUARTER).get(sent["id"])["household"] == doc["household"]


def test_a_carrier_killed_before_its_checkpoint_makes_nothing_twice(
    couch: Couch, home: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    doc = put(home, errand())
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(conflicts.feed, "finish", die)
        conflicts.run(couch, HOME, NOW)
    conflicts.run(couch, HOME, NOW)
    assert len(case_of(couch, doc).events) == 1


def test_the_desk_learns_which_pictures_show_the_materials_and_who_signed(couch: Couch, home: Database) -> None:
    [shown, signed] = [new_id("photo"), new_id("photo")]
    materials = [{"key": "m1", "name": "户口簿", "state": "there", "photos": [shown]}]
    doc = put(home, errand(materials=materials, signature=signed))
    conflicts.run(couch, HOME, NOW)
    facts = case_of(couch, doc).case["errand"]
    assert (facts["materials"], facts["signature"]) == (materials, signed)
    couch.create(QUARTER, replicated=True)
    couch.database(QUARTER).put({"_id": shown, "type": "photo", "of": doc["_id"]})
    kept = {"_id": shown, "database": QUARTER, "author": "worker1"}
    holder = {"name": "c", "roles": ["community"], "communities": [GRID_A[:12]]}
    stranger = {"name": "d", "roles": ["community"], "communities": ["640105002002"]}
    assert photo_rights.may_see(couch, holder, kept)
    assert not photo_rights.may_see(couch, stranger, kept)
    couch.database(QUARTER).put({"_id": signed, "type": "photo", "of": doc["household"]})
    assert not photo_rights.may_see(couch, holder, kept | {"_id": signed}), "a picture of no errand is nobody's at a desk"
