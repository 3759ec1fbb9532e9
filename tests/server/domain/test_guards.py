"""Each rule of the flow by its name: the case it guards against, and the same case where it is satisfied."""

from typing import Any

import pytest

from server.domain import times, workflow
from tests.records import AT, REV, report
from tests.server.domain.test_workflow import event

HOLDER, TEAM, ABOVE = "township:640105002", "unit:enforcement", "district:640105"
ACCEPTED = [("accept", HOLDER, {})]
SENT = [*ACCEPTED, ("dispatch", HOLDER, {"unit": TEAM, "entry": "duties:1102"})]
ANSWERED = [*SENT, ("answer", TEAM, {"result": "已清理"})]
OWN = [*ACCEPTED, ("take_on", HOLDER, {})]
OWN_ANSWERED = [*OWN, ("answer", HOLDER, {"result": "已答复"})]
LOOKED_AT = [*ANSWERED, ("ask_verification", HOLDER, {})]
ASKED = [*SENT, ("ask", TEAM, {"what": "stop", "reason": "等材料", "by": "dept1"})]
STOPPED = [*ASKED, ("grant", HOLDER, {})]
CLOSED = [*ANSWERED, ("close", HOLDER, {"result": "已清理"})]
ESCALATED = [*ACCEPTED, ("escalate", HOLDER, {"reason": "超出权限"})]
AT_DISTRICT = [*ESCALATED, ("accept", ABOVE, {})]
WHISTLE = [*ANSWERED, ("blow", "system", {"whistle": "whistle:1"})]

Moves = list[tuple[str, str, dict[str, Any]]]


def case_after(moves: Moves, **fields: Any) -> dict[str, Any]:
    first = workflow.reported_event(report(**fields) | {"_rev": REV}, "db", times.to_text(AT), [])
    later = [
        event(f"key-{n}", n, name, party=party, **given) | {"case": first["case"]}
        for n, (name, party, given) in enumerate(moves, 1)
    ]
    later = [one | {"by": given.get("by", one["by"])} for one, (_, _, given) in zip(later, moves, strict=True)]
    case = workflow.fold([first, *later])
    assert not case["refused"], case["refused"]
    return case


def broken(moves: Moves, name: str, party: str, by: str = "somebody", **given: Any) -> str | None:
    return workflow.broken_rule(case_after(moves), {"move": name, "party": party, "by": by} | given)


@pytest.mark.parametrize(
    ("rule", "moves", "name", "party", "given"),
    [
        ("own_work", OWN_ANSWERED, "close", HOLDER, {"result": "x"}),
        ("own_work", [*OWN_ANSWERED, ("ask_verification", HOLDER, {})], "verify", HOLDER, {"outcome": "solved"}),
        ("own_work", CLOSED, "rate", TEAM, {"stars": 5}),
        ("found_unsolved", [*LOOKED_AT, ("verify", ABOVE, {"outcome": "not_solved"})], "close", HOLDER, {"result": "x"}),
        ("whistle_open", WHISTLE, "close", HOLDER, {"result": "x"}),
        ("escalation_one_way", AT_DISTRICT, "dispatch", ABOVE, {"unit": TEAM, "entry": "x:1", "unit_level": "township"}),
        ("escalation_one_way", ESCALATED, "escalate", ABOVE, {"to": "township"}),
        ("one_level_at_a_time", ACCEPTED, "escalate", HOLDER, {"to": "city"}),
        ("top_level", [*ESCALATED, ("escalate", ABOVE, {"reason": "重大"})], "escalate", "city:6401", {}),
        ("basis_or_reason", ACCEPTED, "dispatch", HOLDER, {"unit": TEAM}),
        (
            "reason_for_same_unit",
            [*SENT, ("hand_back", TEAM, {"reason": "非职责"})],
            "dispatch",
            HOLDER,
            {"unit": TEAM, "entry": "x:1"},
        ),
        ("township_decides", [], "transfer", "community:640105002001", {}),
        ("request_pending", ASKED, "ask", TEAM, {"what": "shelf"}),
        ("stopped_already", STOPPED, "ask", TEAM, {"what": "stop"}),
        ("amount_needed", SENT, "ask", TEAM, {"what": "extension"}),
        ("no_request", SENT, "grant", HOLDER, {}),
        ("own_request", ASKED, "grant", TEAM, {}),
        ("not_stopped", SENT, "resume", HOLDER, {}),
        ("clock_stopped", STOPPED, "answer", TEAM, {"result": "x"}),
        ("has_absorbed", [("absorb", "system", {"absorbed": {"case": "case:2"}})], "merge", HOLDER, {"into": "case:3"}),
        ("no_poor_rating", [*CLOSED, ("rate", HOLDER, {"stars": 3})], "remedy", HOLDER, {}),
        ("no_caller", ACCEPTED, "release_caller", HOLDER, {}),
        ("nothing_changed", ACCEPTED, "amend", HOLDER, {"reason": "x"}),
        ("other_township", ACCEPTED, "amend", HOLDER, {"grid": "640105003001001"}),
    ],
)
def test_a_rule_forbids_what_it_is_there_for(rule: str, moves: Moves, name: str, party: str, given: dict[str, Any]) -> None:
    assert broken(moves, name, party, **given) == rule


def test_nobody_approves_what_they_asked_for_themselves() -> None:
    asked = [*OWN, ("ask", HOLDER, {"what": "stop", "reason": "等材料"})]
    assert broken(asked, "grant", HOLDER) == "own_request"
    assert broken(ASKED, "grant", HOLDER, by="dept1") == "own_request"
    assert broken(asked, "grant", ABOVE) is None


@pytest.mark.parametrize(
    ("moves", "name", "party", "given"),
    [
        (ANSWERED, "close", HOLDER, {"result": "x"}),
        (OWN_ANSWERED, "close", ABOVE, {"result": "x"}),
        ([*WHISTLE, ("whistle_solved", "system", {"whistle": "whistle:1"})], "close", HOLDER, {"result": "x"}),
        (AT_DISTRICT, "dispatch", ABOVE, {"unit": "unit:bureau", "entry": "x:1", "unit_level": "district"}),
        (ACCEPTED, "dispatch", HOLDER, {"unit": TEAM, "reason": "就近"}),
        ([*CLOSED, ("rate", HOLDER, {"stars": 2})], "remedy", HOLDER, {}),
    ],
)
def test_and_allows_the_rest(moves: Moves, name: str, party: str, given: dict[str, Any]) -> None:
    assert broken(moves, name, party, **given) is None


def test_an_emergency_may_skip_a_level_with_its_reason() -> None:
    emergency = case_after(ACCEPTED, urgency="emergency")
    skip = {"move": "escalate", "party": HOLDER, "by": "triage1", "to": "city"}
    assert workflow.broken_rule(emergency, skip) is None


@pytest.mark.parametrize(
    ("due_at", "is_in_time"), [(None, True), ("2026-11-24T00:00:00.000Z", True), ("2026-11-23T08:30:00.000Z", False)]
)
def test_a_transfer_says_whether_it_was_made_in_time(due_at: str | None, is_in_time: bool) -> None:
    moved = [("accept", HOLDER, {"state_due_at": due_at}), ("transfer", HOLDER, {"authority": "区住建局", "reason": "超出权限"})]
    assert case_after(moved)["transferred_in_time"] is is_in_time
