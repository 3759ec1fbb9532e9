"""Who may move a case, and in whose name: the actors of the table of moves."""

from typing import Any

from server.domain import case_rights, times, workflow
from tests.conftest import COMMUNITY, GRID_A, GRID_ELSEWHERE, person
from tests.records import AT, REV, report
from tests.server.domain.test_workflow import event

People = dict[str, dict[str, Any]]
COMMUNITY1 = person("community1", "community", "社区", "Community", communities=[COMMUNITY])
DEPT1 = person("dept1", "department", "执法队", "Team", units=["unit:enforcement"])
DEPT2 = person("dept2", "department", "环卫", "Sanitation", units=["unit:sanitation"])
DISTRICT1 = person("district1", "district", "区", "District", townships=[GRID_A[:9], GRID_ELSEWHERE[:9]])
TOWNSHIP, DISTRICT = f"township:{GRID_A[:9]}", f"district:{GRID_A[:6]}"


def case_after(*moves: tuple[str, dict[str, Any]], level: str = "community", **fields: Any) -> dict[str, Any]:
    doc = report(**fields) | {"_rev": REV}
    first = workflow.reported_event(doc, "db", times.to_text(AT), [], level=level)
    later = [event(f"key-{n}", n, name, **given) | {"case": first["case"]} for n, (name, given) in enumerate(moves, 1)]
    case = workflow.fold([first, *later])
    assert not case["refused"]
    return case


def sent_to_enforcement() -> dict[str, Any]:
    return case_after(("accept", {}), ("dispatch", {"unit": "unit:enforcement", "reason": "职责"}))


def test_a_case_is_held_by_its_community_first_and_the_township_may_take_it_up(people: People) -> None:
    case = case_after()
    assert case_rights.acting_parties(COMMUNITY1, case, "accept") == [f"community:{COMMUNITY}"]
    assert case_rights.acting_parties(people["triage1"], case, "accept") == [TOWNSHIP]
    taken_up = case_after(("accept", {"party": TOWNSHIP}))
    assert taken_up["level"] == "township"
    assert not case_rights.may_move(COMMUNITY1, "file", taken_up)


def test_an_emergency_goes_to_the_township(people: People) -> None:
    case = case_after(level=workflow.first_level("emergency", is_direct=False))
    assert not case_rights.may_move(COMMUNITY1, "accept", case)
    assert case_rights.may_move(people["triage1"], "accept", case)


def test_nobody_of_another_township_and_no_worker_moves_a_case(people: People) -> None:
    case = case_after()
    elsewhere = person("triage2", "triage", "", "", townships=[GRID_ELSEWHERE[:9]])
    for who in (elsewhere, people["worker1"], DEPT1, DISTRICT1):
        assert not case_rights.may_move(who, "accept", case)
    assert not case_rights.may_move(people["triage1"], "fly", case)


def test_a_unit_sees_and_answers_what_was_sent_to_it_and_nothing_else() -> None:
    case = sent_to_enforcement()
    assert case_rights.may_see(DEPT1, case)
    assert not case_rights.may_see(DEPT2, case)
    assert case_rights.acting_parties(DEPT1, case, "answer") == ["unit:enforcement"]
    assert not case_rights.may_move(DEPT1, "close", case)


def test_what_rose_to_the_district_is_no_longer_the_townships_to_move(people: People) -> None:
    case = case_after(("accept", {"party": TOWNSHIP}), ("escalate", {"reason": "超出权限"}))
    assert case["level"] == "district"
    assert not case_rights.may_move(people["triage1"], "accept", case)
    assert case_rights.acting_parties(DISTRICT1, case, "accept") == [DISTRICT]


def test_the_caller_is_hidden_from_the_handling_unit_until_released(people: People) -> None:
    doc = report() | {"_rev": REV}
    first = workflow.reported_event(doc, "db", times.to_text(AT), [], level="township", extra={"has_caller": True})
    moves = [event("b", 1, "accept"), event("c", 2, "dispatch", unit="unit:enforcement", reason="职责")]
    moves = [one | {"case": first["case"]} for one in moves]
    case = workflow.fold([first, *moves])
    assert case_rights.may_read_caller(people["triage1"], case)
    assert not case_rights.may_read_caller(DEPT1, case)
    released = workflow.fold([first, *moves, event("d", 3, "release_caller", reason="需上门核实") | {"case": first["case"]}])
    assert case_rights.may_read_caller(DEPT1, released)


def test_a_caller_is_erased_by_the_level_that_answers_for_the_case_and_never_by_the_unit(people: People) -> None:
    called = {"has_caller": True}
    reported = case_after() | called
    assert case_rights.may_erase_caller(COMMUNITY1, reported)
    assert case_rights.may_erase_caller(people["triage1"], reported), "it may take up what its community holds"
    taken_up = case_after(("accept", {"party": TOWNSHIP})) | called
    assert not case_rights.may_erase_caller(COMMUNITY1, taken_up)
    sent = sent_to_enforcement() | called
    for case in (sent, sent | {"caller_released": True}):
        assert case_rights.may_erase_caller(people["triage1"], case)
        assert not case_rights.may_erase_caller(DEPT1, case)
        assert not case_rights.may_erase_caller(DISTRICT1, case)
    risen = case_after(("accept", {"party": TOWNSHIP}), ("escalate", {"reason": "超出权限"})) | called
    assert case_rights.may_erase_caller(DISTRICT1, risen)
    assert not case_rights.may_erase_caller(people["triage1"], risen)
    elsewhere = person("triage2", "triage", "", "", townships=[GRID_ELSEWHERE[:9]])
    assert not any(
        case_rights.may_erase_caller(who, reported) for who in (elsewhere, people["worker1"], person("admin", "admin", "", ""))
    )
    assert not case_rights.may_erase_caller(people["triage1"], case_after()), "nobody called"
