"""吹哨报到: units are called to a place by a time, come, and are held until the township says that it is solved."""

import secrets
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from server.cases import intake, moves, store, whistles
from server.domain import ids, times
from server.domain import whistles as rules
from server.domain.errors import Forbidden, IllegalMove, InvalidInput, Missing, RuleBroken
from server.nudges import Nudges
from sync.couch import Couch
from tests.conftest import GRID_A, GRID_ELSEWHERE, person
from tests.records import AT, report
from tests.server.cases.conftest import CASES_DB, GRID_DB, Push

NOW = AT + timedelta(minutes=10)
BY = NOW + timedelta(minutes=30)
TOWNSHIP = GRID_A[:9]
FIRE, POLICE = "unit:fire", "unit:police"
PLACE = {"lat": 38.5, "lon": 106.1, "address": "同心北街与文昌路口"}
TRIAGE = person("triage1", "triage", "", "", townships=[TOWNSHIP])
FIREMAN = person("fire1", "department", "", "", units=[FIRE])
OFFICER = person("police9", "department", "", "", units=[POLICE])
STRANGER = person("dept9", "department", "", "", units=["unit:greening"])
Move = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def reference(couch: Couch) -> None:
    couch.create("ref", replicated=True)
    docs = [{"_id": unit, "type": "unit", "name": unit} for unit in (FIRE, POLICE, "unit:greening")]
    couch.database("ref").bulk([*docs, {"_id": f"township:{TOWNSHIP}", "type": "township"}])


@pytest.fixture
def case_id(couch: Couch, push: Push) -> str:
    [pushed] = push(report())
    intake.run(couch, GRID_DB, NOW)
    return ids.case_id(pushed["_id"])


@pytest.fixture
def blow(couch: Couch, no_broker: Nudges) -> Move:
    def make(who: dict[str, Any] = TRIAGE, key: str = "", **changes: Any) -> dict[str, Any]:
        call = whistles.Called(TOWNSHIP, [FIRE, POLICE], BY, "消防通道被堵", PLACE)._replace(**changes)
        return whistles.blow(couch, no_broker, who, call, key=key or secrets.token_hex(8), now=NOW)

    return make


@pytest.fixture
def act(couch: Couch, no_broker: Nudges) -> Move:
    def make(whistle: dict[str, Any], who: dict[str, Any], does: str, minutes: int = 5, **fields: Any) -> dict[str, Any]:
        key, at = secrets.token_hex(8), NOW + timedelta(minutes=minutes)
        return whistles.move(couch, no_broker, who, whistle["_id"], does, fields, key=key, now=at)

    return make


def standing(whistle: dict[str, Any], unit: str, minutes: int) -> str:
    return rules.standing(whistle["calls"][unit], whistle["by_at"], times.to_text(NOW + timedelta(minutes=minutes)))


def test_units_are_called_acknowledge_and_sign_in_with_place_and_time(blow: Move, act: Move) -> None:
    whistle = blow()
    assert standing(whistle, FIRE, 1) == "called"
    assert standing(act(whistle, FIREMAN, "acknowledge"), FIRE, 6) == "acknowledged"
    here = act(whistle, FIREMAN, "sign_in", 20, name="张队", lat=38.5004, lon=106.1, accuracy_m=8.0)
    assert (standing(here, FIRE, 21), here["calls"][FIRE]["people"][0]["metres"]) == ("present", 44)


def test_who_comes_after_the_time_is_late_and_who_does_not_come_is_absent(blow: Move, act: Move) -> None:
    whistle = blow()
    late = act(whistle, FIREMAN, "sign_in", 45, name="张队")
    assert (standing(late, FIRE, 50), standing(late, POLICE, 50)) == ("late", "absent")
    solved = act(whistle, TRIAGE, "solve", 60, text="已疏通")
    counted = rules.figures([solved], times.to_text(NOW + timedelta(days=9)))
    assert counted[FIRE] == {"called": 1, "present": 0, "late": 1, "absent": 0}
    assert counted[POLICE] == {"called": 1, "present": 0, "late": 0, "absent": 1}


def test_a_call_counts_once_while_its_unit_is_awaited(blow: Move) -> None:
    assert rules.figures([blow()], times.to_text(NOW))[FIRE] == {"called": 1, "present": 0, "late": 0, "absent": 0}


def test_a_unit_is_held_until_solved_while_a_named_relief_takes_over_from_a_person(blow: Move, act: Move) -> None:
    whistle = act(blow(), FIREMAN, "sign_in", name="张队")
    with pytest.raises(RuleBroken) as caught:
        act(whistle, FIREMAN, "leave")
    assert caught.value.code == "held_until_solved"
    with pytest.raises(RuleBroken):
        act(whistle, FIREMAN, "relieve", name="不在场的人", relief="李队")
    relieved = act(whistle, FIREMAN, "relieve", name="张队", relief="李队")
    assert [one["name"] for one in relieved["calls"][FIRE]["people"] if not one["until"]] == ["李队"]
    with pytest.raises(Forbidden):
        act(whistle, FIREMAN, "solve", text="我们走了")
    act(whistle, TRIAGE, "solve", text="已疏通")
    with pytest.raises(IllegalMove):
        act(whistle, FIREMAN, "report", text="迟来的报告")


def test_a_case_with_an_open_whistle_cannot_be_closed(
    couch: Couch, no_broker: Nudges, blow: Move, act: Move, case_id: str
) -> None:
    def move(does: str, who: dict[str, Any] = TRIAGE, **fields: Any) -> store.Loaded:
        return moves.move(couch, no_broker, who, case_id, does, fields, if_match=None, key=secrets.token_hex(8), now=NOW)

    move("accept")
    move("dispatch", unit=FIRE, reason="职责")
    whistle = blow(case=case_id)
    move("answer", who=FIREMAN, result="已疏通")
    assert moves.open_case(couch, OFFICER, case_id).case["open_whistles"] == [whistle["_id"]], "a called unit sees the case"
    with pytest.raises(RuleBroken) as caught:
        move("close", result="x")
    assert caught.value.code == "whistle_open"
    act(whistle, TRIAGE, "solve", text="已疏通")
    assert move("close", result="已核对").case["state"] == "closed"


def test_the_same_form_twice_blows_once(blow: Move) -> None:
    assert blow(key="key-000001")["_id"] == blow(key="key-000001")["_id"]


def test_a_whistle_whose_blowing_was_cut_off_is_blown_by_the_next_try(couch: Couch, blow: Move) -> None:
    first = blow()["_id"]
    cut_off = first[:-4] + ("0000" if first[-4:] != "0000" else "1111")
    couch.database(CASES_DB).put({"_id": "blown:key-cut-off", "type": "blown", "v": 1, "whistle": cut_off})
    assert blow(key="key-cut-off")["_id"] == cut_off


def test_ten_sign_ins_at_one_moment_are_all_there(couch: Couch, blow: Move, act: Move) -> None:
    whistle = blow()
    threads = [
        threading.Thread(target=act, args=(whistle, FIREMAN if n % 2 else OFFICER, "sign_in"), kwargs={"name": f"队员{n}"})
        for n in range(10)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    after = whistles.find(couch, TRIAGE, whistle["_id"])
    assert sorted(one["name"] for call in after["calls"].values() for one in call["people"]) == [f"队员{n}" for n in range(10)]


def test_a_process_killed_after_the_event_has_solved_the_whistle_all_the_same(couch: Couch, blow: Move, case_id: str) -> None:
    whistle = blow(case=case_id)
    event = {"_id": rules.event_id(whistle["_id"], "orphan-01"), "type": "whistle_event", "v": 1, "whistle": whistle["_id"]}
    at = times.to_text(NOW + timedelta(minutes=9))
    couch.database(CASES_DB).put(event | {"n": 1, "move": "solve", "at": at, "by": "triage1", "party": "x", "text": "已疏通"})
    while intake.run(couch, CASES_DB, NOW).more:
        pass
    loaded = store.load(couch.database(CASES_DB), case_id)
    assert loaded is not None
    assert loaded.case["open_whistles"] == []


def test_strangers_know_of_no_whistle_and_nobody_blows_for_another_township(couch: Couch, blow: Move) -> None:
    whistle = blow()
    with pytest.raises(Missing):
        whistles.find(couch, STRANGER, whistle["_id"])
    with pytest.raises(Forbidden):
        blow(who=FIREMAN)
    with pytest.raises(Forbidden):
        blow(who=person("triage2", "triage", "", "", townships=[GRID_ELSEWHERE[:9]]))
    assert whistle["_id"] in {one["_id"] for one in whistles.listed(couch, OFFICER, is_open=True)}
    assert not whistles.listed(couch, STRANGER, is_open=True)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"units": []}, "units"),
        ({"units": ["unit:nobody"]}, "units"),
        ({"by_at": NOW}, "by_at"),
        ({"text": " "}, "text"),
        ({"place": {}}, "place"),
    ],
)
def test_what_cannot_be_blown_says_why(blow: Move, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        blow(**changes)
    assert field in caught.value.fields
