"""The case flow: what a move needs, and that a case is its events' fold in whatever order they arrive."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import ids, times, workflow
from server.domain.errors import IllegalMove, InvalidInput
from tests.records import AT, REV, report

FIRST = workflow.reported_event(report() | {"_rev": REV}, "grid-640105002001001-2026q4", times.to_text(AT), [])
CASE = FIRST["case"]
TOWNSHIP = "township:640105002"


def event(
    key: str, n: int, move: str, at: str = "2026-11-23T09:00:00.000Z", party: str = TOWNSHIP, **fields: Any
) -> dict[str, Any]:
    return {
        "_id": ids.event_id(CASE, key),
        "type": "event",
        "case": CASE,
        "n": n,
        "move": move,
        "at": at,
        "by": "triage1",
        "party": party,
        **fields,
    }


def test_a_report_makes_one_event_whose_id_depends_on_the_report_alone() -> None:
    again = workflow.reported_event({"_id": FIRST["report"]["id"], "_rev": REV} | report_fields(), "elsewhere", "later", [])
    assert again["_id"] == FIRST["_id"]


def report_fields() -> dict[str, Any]:
    return {name: value for name, value in report().items() if name != "_id"}


def test_accepted_dispatched_answered_and_closed() -> None:
    sent = event("c", 2, "dispatch", unit="unit:utilities", entry="duties:0101")
    answered = event("d", 3, "answer", party="unit:utilities", result="已补装")
    case = workflow.fold([FIRST, event("b", 1, "accept"), sent, answered, event("e", 4, "close", result="已补装")])
    assert (case["state"], case["events"], case["refused"]) == ("closed", 5, [])
    assert case["last_event"]["result"] == "已补装"


def test_of_two_who_moved_at_the_same_time_the_earlier_one_moved_it_and_the_other_is_shown_as_refused() -> None:
    late = event("b", 1, "accept", at="2026-11-23T09:00:01.000Z")
    early = event("c", 1, "return", at="2026-11-23T09:00:00.000Z", reason="重复")
    case = workflow.fold([FIRST, late, early])
    assert case["state"] == "returned"
    assert case["refused"] == [late["_id"]]


moves = st.lists(
    st.tuples(st.integers(1, 4), st.sampled_from(["accept", "return", "file", "escalate", "unknown"]), st.integers(0, 5)),
    max_size=5,
)


@given(moves)
def test_the_order_of_arrival_does_not_matter(drawn: list[tuple[int, str, int]]) -> None:
    events = [
        event(f"key{i}", n, move, at=f"2026-11-23T09:00:0{second}.000Z", reason="r", result="r")
        for i, (n, move, second) in enumerate(drawn)
    ]
    cases = [workflow.fold(order) for order in list(permutations([FIRST, *events]))[:40]]
    assert all(case == cases[0] for case in cases)
    assert cases[0]["state"] in workflow.STATES
    assert len(cases[0]["applied"]) + len(cases[0]["refused"]) == len(events) + 1


def test_a_case_without_its_first_event_cannot_be_folded() -> None:
    with pytest.raises(ValueError, match="case:"):
        workflow.fold([event("b", 1, "accept")])


@pytest.mark.parametrize(
    ("state", "move"), [("reported", "close"), ("accepted", "accept"), ("closed", "return"), ("reported", "fly")]
)
def test_a_move_that_the_state_does_not_offer_is_illegal(state: str, move: str) -> None:
    with pytest.raises(IllegalMove):
        workflow.check_move(state, move, {"result": "x", "reason": "x"})


@pytest.mark.parametrize("reason", [None, "  ", 5, "x" * 1001])
def test_returning_needs_a_reason(reason: Any) -> None:
    with pytest.raises(InvalidInput) as caught:
        workflow.check_move("reported", "return", {"reason": reason})
    assert set(caught.value.fields) == {"reason"}


def test_the_phone_learns_which_unit_or_level_moved_the_case_and_never_who() -> None:
    again = event("c", 2, "resubmit", party="user:worker1", text="重拍了") | {"by": "worker1"}
    copy = workflow.phone_copy(workflow.fold([FIRST, event("b", 1, "return", reason="看不清"), again]))
    assert copy["history"][1] == {"move": "return", "at": "2026-11-23T09:00:00.000Z", "reason": "看不清", "party": TOWNSHIP}
    assert "party" not in copy["last_event"]
    assert "triage1" not in str(copy)
    assert "worker1" not in str(copy)
