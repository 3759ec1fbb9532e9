"""Moves at the desk: who may, from where, two at once, the same one twice, and what reaches the phone."""

import secrets
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from server.cases import intake, moves, store
from server.domain import ids, times, workflow
from server.domain.errors import Changed, Forbidden, IllegalMove, InvalidInput, Missing, RuleBroken
from server.nudges import Nudges
from sync.couch import Couch
from sync.database import Database
from tests.conftest import COMMUNITY, GRID_A, GRID_ELSEWHERE, person
from tests.records import AT, report
from tests.server.cases.conftest import CASES_DB, GRID_DB, Push

NOW = AT + timedelta(minutes=10)
People = dict[str, dict[str, Any]]
Move = Callable[..., store.Loaded]


@pytest.fixture
def case_id(couch: Couch, push: Push) -> str:
    [pushed] = push(report())
    intake.run(couch, GRID_DB, NOW)
    return ids.case_id(pushed["_id"])


@pytest.fixture
def move(couch: Couch, no_broker: Nudges, people: People, case_id: str) -> Move:
    def make(
        name: str, who: dict[str, Any] | None = None, if_match: str | None = None, key: str = "", **fields: Any
    ) -> store.Loaded:
        key = key or secrets.token_hex(8)
        who = who or people["triage1"]
        return moves.move(couch, no_broker, who, case_id, name, fields, if_match=if_match, key=key, now=NOW)

    return make


def test_accepting_shows_on_the_phone_after_the_next_intake(couch: Couch, grid: Database, move: Move, case_id: str) -> None:
    assert move("accept").case["state"] == "accepted"
    assert intake.run(couch, CASES_DB, NOW).changed == {GRID_DB}
    assert grid.get(case_id)["state"] == "accepted"


def test_returning_carries_the_reason_to_the_phone(couch: Couch, grid: Database, move: Move, case_id: str) -> None:
    move("return", reason="照片看不清")
    intake.run(couch, CASES_DB, NOW)
    assert grid.get(case_id)["last_event"]["reason"] == "照片看不清"


def test_the_same_key_again_is_the_same_move(move: Move) -> None:
    first = move("accept", key="key-00001")
    again = move("accept", key="key-00001", if_match="1-stale")
    assert again == first
    with pytest.raises(InvalidInput):
        move("return", key="key-00001", reason="x")


def test_a_list_of_events_that_is_behind_neither_hides_a_move_nor_takes_one_back(
    move: Move, couch: Couch, case_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a node of a cluster may be for a moment."""
    read, behind = store.events_of, iter([False, False, True, True])
    monkeypatch.setattr(store, "events_of", lambda *where: read(*where)[: -1 if next(behind, False) else None])
    assert move("accept").case["state"] == "accepted"
    assert list(behind) == []
    behind = iter([True, True])
    present = store.refold(couch.database(CASES_DB), case_id)
    assert list(behind) == []
    assert present is not None
    assert present.case["state"] == couch.database(CASES_DB).get(case_id)["state"] == "accepted"


def version_now(couch: Couch, case_id: str) -> str:
    return workflow.version_of(couch.database(CASES_DB).get(case_id))


def test_a_stale_if_match_is_told_the_present_state(move: Move, case_id: str, couch: Couch) -> None:
    seen = version_now(couch, case_id)
    move("accept", if_match=seen)
    with pytest.raises(Changed) as caught:
        move("return", if_match=seen, reason="x")
    assert caught.value.facts["state"] == "accepted"


def test_a_case_that_was_written_again_with_the_same_moves_refuses_nobody(move: Move, case_id: str, couch: Couch) -> None:
    """As the server does when its next version folds otherwise, or two versions run side by side: nobody has moved the case."""
    database, seen = couch.database(CASES_DB), version_now(couch, case_id)
    before = database.get(case_id)
    database.put({name: value for name, value in before.items() if name not in ("decided", "phase")} | {"old": True})
    assert move("accept", if_match=seen).case["state"] == "accepted"
    after = database.get(case_id)
    assert int(after["_rev"].partition("-")[0]) == 4  # made, written again, brought up to its events, moved
    assert "old" not in after


def test_what_nobody_decides_anew_for_refuses_nobody_and_what_its_reporter_says_does(
    move: Move, case_id: str, couch: Couch, no_broker: Nudges
) -> None:
    def happens(name: str, **fields: Any) -> None:
        key = secrets.token_hex(8)
        assert moves.system_move(couch, no_broker, GRID_A[:9], case_id, name, fields, key=key, now=NOW, by="worker1")

    seen = version_now(couch, case_id)
    happens("recalculate")
    accepted = move("accept", if_match=seen).case
    assert (accepted["state"], accepted["events"]) == ("accepted", 3)
    seen = version_now(couch, case_id)
    happens("note", text="已经有人修好了")
    with pytest.raises(Changed):
        move("file", if_match=seen)


def test_its_community_and_its_township_move_a_case_and_nobody_else(move: Move, people: People) -> None:
    with pytest.raises(Missing):
        move("accept", who=people["worker1"])
    with pytest.raises(Missing):
        move("accept", who=person("triage2", "triage", "", "", townships=[GRID_ELSEWHERE[:9]]))
    with pytest.raises(Forbidden):
        move("accept", who=person("district1", "district", "", "", townships=[GRID_A[:9]]))
    community = person("community1", "community", "", "", communities=[COMMUNITY])
    assert move("accept", who=community).case["level"] == "community"
    assert move("file").case["level"] == "township", "what the township does itself it takes up"
    with pytest.raises(Forbidden):
        move("escalate", who=community, reason="x")


def test_handing_down_is_refused_with_the_rule_named(move: Move, people: People) -> None:
    with pytest.raises(RuleBroken) as caught:
        move("hand_down")
    assert caught.value.code == "escalation_one_way"


def test_a_unit_answers_and_cannot_close_its_own_work(couch: Couch, move: Move) -> None:
    couch.create("ref", replicated=True)
    unit = {"_id": "unit:enforcement", "type": "unit", "name": "执法队"}
    ended = {"_id": "unit:ended", "type": "unit", "name": "老城管队", "valid_to": "2026-01-31"}
    couch.database("ref").bulk([unit, ended, {"_id": f"township:{GRID_A[:9]}", "type": "township"}])
    dept1 = person("dept1", "department", "", "", units=["unit:enforcement"])
    move("accept")
    with pytest.raises(RuleBroken):
        move("dispatch", unit="unit:enforcement")
    with pytest.raises(InvalidInput):
        move("dispatch", unit="unit:nobody", reason="x")
    with pytest.raises(InvalidInput) as gone:
        move("dispatch", unit="unit:ended", reason="x")
    assert gone.value.fields == {"unit": "unit_ended"}
    for entry, wrong in (("entry:duties:none", "unknown"), ("entry:catalogue:3102", "not_covering")):
        with pytest.raises(InvalidInput) as refused:
            move("dispatch", unit="unit:enforcement", entry=entry)
        assert refused.value.fields == {"entry": wrong}
    with pytest.raises(Missing):
        move("start", who=dept1)
    assert move("dispatch", unit="unit:enforcement", reason="占道经营归执法队").case["turn"] == "unit:enforcement"
    move("start", who=dept1)
    assert move("answer", who=dept1, result="已清理").case["state"] == "answered"
    with pytest.raises(Forbidden):
        move("close", who=dept1, result="x")
    closed = move("close", result="已核对照片").case
    assert (closed["state"], closed["verification"]["party"]) == ("closed", "township:" + GRID_A[:9])


def test_what_the_township_handles_itself_another_closes(move: Move) -> None:
    move("accept")
    move("take_on")
    move("answer", result="窗口当场答复")
    with pytest.raises(RuleBroken) as caught:
        move("close", result="x")
    assert caught.value.code == "own_work"
    district = person("district1", "district", "", "", townships=[GRID_A[:9]])
    assert move("close", who=district, result="已回访").case["state"] == "closed"


def test_illegal_and_incomplete_moves_change_nothing(move: Move, couch: Couch, case_id: str) -> None:
    before = couch.database(CASES_DB).get(case_id)
    with pytest.raises(IllegalMove):
        move("close", result="x")
    for name, fields, key in (("return", {}, ""), ("fly", {}, ""), ("accept", {}, "x"), ("accept", {}, "0-reported/../")):
        with pytest.raises(InvalidInput):
            move(name, key=key, **fields)
    assert couch.database(CASES_DB).get(case_id) == before


def test_unknown_cases_are_missing(couch: Couch, no_broker: Nudges, people: People, case_id: str) -> None:
    for wrong in ("case:x", "../people", case_id[:-1] + ("0" if case_id[-1] != "0" else "1")):
        with pytest.raises(Missing):
            moves.open_case(couch, people["triage1"], wrong)


def test_twenty_clerks_on_one_case_one_moves_it_and_the_others_are_told(move: Move, couch: Couch, case_id: str) -> None:
    seen = version_now(couch, case_id)
    outcomes: list[str] = []
    start = threading.Barrier(20)

    def clerk(number: int) -> None:
        start.wait()
        try:
            name, fields = ("accept", {}) if number % 2 else ("return", {"reason": f"by {number}"})
            outcomes.append(move(name, if_match=seen, **fields).case["state"])
        except (Changed, IllegalMove):
            outcomes.append("told")

    threads = [threading.Thread(target=clerk, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    loaded = store.load(couch.database(CASES_DB), case_id)
    assert loaded is not None
    assert sorted(outcomes) == sorted([loaded.case["state"], *["told"] * 19])
    assert loaded.case["events"] == 2
    assert len(loaded.events) == 2 + len(loaded.case["refused"])


def test_a_clerk_killed_after_the_event_has_moved_the_case_all_the_same(couch: Couch, grid: Database, case_id: str) -> None:
    database = couch.database(CASES_DB)
    orphan = {"_id": ids.event_id(case_id, "orphan-1"), "type": "event", "v": 1, "case": case_id, "n": 1, "move": "accept"}
    database.put(orphan | {"at": times.to_text(NOW), "by": "triage1"})
    intake.run(couch, CASES_DB, NOW)
    assert database.get(case_id)["state"] == "accepted"
    assert grid.get(case_id)["state"] == "accepted"


def test_an_event_that_comes_late_to_a_place_already_taken_overturns_nothing(move: Move, couch: Couch, case_id: str) -> None:
    move("accept")
    late = {"_id": ids.event_id(case_id, "late-one"), "type": "event", "v": 1, "case": case_id, "n": 1, "move": "return"}
    couch.database(CASES_DB).put(late | {"at": "2026-11-23T08:00:02.000Z", "by": "triage9", "reason": "x"})
    intake.run(couch, CASES_DB, NOW)
    case = couch.database(CASES_DB).get(case_id)
    assert (case["state"], case["refused"]) == ("accepted", [late["_id"]])
