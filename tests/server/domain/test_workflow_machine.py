"""Any sequence of moves by anybody: no forbidden state, no lost event, nobody verifies their own work, no case falls a level.

People try moves at random, at desks that may be a few moves behind. What the flow
lets through is checked against what the flow promises, said a second time here in plain words.
"""

import random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from server.domain import case_rights, ids, times, workflow
from server.domain.errors import IllegalMove, InvalidInput
from tests.conftest import COMMUNITY, GRID_A, person
from tests.records import AT, REV, new_id, report

TOWNSHIP = GRID_A[:9]
PEOPLE = [
    person("community1", "community", "", "", communities=[COMMUNITY]),
    person("triage1", "triage", "", "", townships=[TOWNSHIP]),
    person("triage2", "triage", "", "", townships=[TOWNSHIP]),
    person("dept1", "department", "", "", units=["unit:enforcement"]),
    person("dept2", "department", "", "", units=["unit:community"]),
    person("district1", "district", "", "", townships=[TOWNSHIP]),
    person("city1", "city", "", "", townships=[TOWNSHIP]),
    person("worker1", "worker", "", "", grids=[GRID_A]),
]
UNITS = {"unit:enforcement": "township", "unit:community": "community", "unit:bureau": "district"}
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "unit": st.sampled_from(sorted(UNITS)),
    "into": st.just(ids.case_id(new_id("report", AT))),
    "entry": st.sampled_from(["duties:0101", None]),
    "what": st.sampled_from(["stop", "extension", "shelf"]),
    "amount": st.sampled_from([1, 3, None]),
    "outcome": st.sampled_from(["solved", "not_solved"]),
    "stars": st.integers(1, 5),
    "to": st.sampled_from(["township", "district", "city", None]),
    "urgency": st.sampled_from(["normal", "emergency", None]),
    "kind": st.sampled_from(["verify", "fix"]),
    "reason": st.sampled_from(["因故", None]),
}
TASK = new_id("task", AT)
HOLDER, TEAM = f"township:{TOWNSHIP}", "unit:enforcement"
SENT = {"unit": TEAM, "entry": "duties:0101", "unit_level": "township"}
LOOK = {"task_id": TASK, "grid": GRID_A}
USUAL_WAY: list[tuple[str, str, dict[str, Any]]] = [
    ("accept", HOLDER, {}),
    ("dispatch", HOLDER, SENT),
    ("start", TEAM, {}),
    ("answer", TEAM, {"result": "已清理"}),
    ("ask_verification", HOLDER, LOOK),
]
OWN_WAY = [
    ("accept", HOLDER, {}),
    ("take_on", HOLDER, {}),
    ("answer", HOLDER, {"result": "已清理"}),
    ("ask_verification", HOLDER, LOOK),
]
names = st.sampled_from([name for name, move in workflow.MOVES.items() if move.who] + [workflow.HAND_DOWN])


class Desks(RuleBasedStateMachine):
    """One case and everybody who may have to do with it."""

    @initialize(
        emergency=st.booleans(),
        solved=st.sampled_from([False] * 5 + [True]),
        caller=st.booleans(),
        depth=st.sampled_from([5, 4, 3, 2, 0]),
        own=st.booleans(),
    )
    def begin(self, emergency: bool, solved: bool, caller: bool, depth: int, own: bool) -> None:
        doc = report(urgency="emergency" if emergency else "normal") | {"_rev": REV}
        doc |= {"solved": {"text": "已清理", "photos": []}} if solved else {}
        level = workflow.first_level(doc["urgency"], is_direct=False)
        self.events = [workflow.reported_event(doc, "db", times.to_text(AT), [], level=level, extra={"has_caller": caller})]
        self.past = [workflow.fold(self.events)]
        self.second = 0
        for name, party, fields in (OWN_WAY if own else USUAL_WAY)[: 0 if solved else depth]:
            self._add(self._event(self.past[-1], name, party, party) | fields)

    @rule(behind=st.sampled_from([0, 0, 0, 0, 1, 2]), data=st.data())
    def somebody_does_what_their_desk_offers(self, behind: int, data: st.DataObject) -> None:
        seen = self.past[max(0, len(self.past) - 1 - behind)]
        offered = [name for name in workflow.moves_from(seen["state"]) if name not in RARE or data.draw(st.integers(0, 9)) == 0]
        pairs = [(who, name) for name in offered for who in PEOPLE if case_rights.may_move(who, name, seen)]
        if pairs:
            who, name = data.draw(st.sampled_from(pairs))
            self._try(seen, who, name, data)

    @rule(who=st.sampled_from(PEOPLE), name=names, data=st.data())
    def somebody_tries_anything(self, who: dict[str, Any], name: str, data: st.DataObject) -> None:
        self._try(self.past[-1], who, name, data)

    def _try(self, seen: dict[str, Any], who: dict[str, Any], name: str, data: st.DataObject) -> None:
        move = workflow.MOVES.get(name)
        wanted = (*move.required, *move.optional) if move else ()
        given = {field: data.draw(FIELDS[field]) if field in FIELDS else "内容" for field in wanted if field not in LISTED}
        parties = case_rights.acting_parties(who, seen, name)
        try:
            fields = workflow.check_move(seen["state"], name, given)
        except (IllegalMove, InvalidInput):
            return
        extra = {"unit_level": UNITS[fields["unit"]]} if "unit" in fields else {}
        extra |= {"task_id": TASK, "grid": GRID_A} if name == "send_task" else {}
        for party in parties:
            event = self._event(seen, name, who["name"], party) | fields | extra
            if workflow.broken_rule(seen, event) is None:
                self._add(event)
                return

    @rule(outcome=st.sampled_from(["done", "not_done", "declined"]))
    def a_worker_answers_a_task(self, outcome: str) -> None:
        event = self._event(self.past[-1], "reply", "worker1", "user:worker1")
        self._add(event | {"task": TASK, "outcome": outcome, "text": "看过了"})

    @rule(name=st.sampled_from(sorted(workflow.MOVES)), who=st.sampled_from(["unit:enforcement", f"township:{TOWNSHIP}", "x"]))
    def an_event_nobody_checked_arrives(self, name: str, who: str) -> None:
        filled = {"unit": "unit:enforcement", "what": "stop", "into": "case:x", "stars": 1, "task_id": TASK, "kind": "verify"}
        texts = dict.fromkeys(("reason", "result", "text", "authority", "outcome", "task"), "solved")
        own = {"absorbed": {"case": "case:x"}, "released": "case:x", "whistle": "whistle:x", "origin": None, "grid": GRID_A}
        own |= {"errand": {"rev": "1-a", "state": "open"}}
        self._add(self._event(self.past[-1], name, "somebody", who) | filled | texts | own)

    def _event(self, seen: dict[str, Any], name: str, by: str, party: str) -> dict[str, Any]:
        self.second += 1
        at = f"2026-11-23T10:{self.second // 60 % 60:02d}:{self.second % 60:02d}.000Z"
        id = ids.event_id(seen["_id"], f"key-{self.second:05d}")
        return {"_id": id, "case": seen["_id"], "n": seen["events"], "move": name, "at": at, "by": by, "party": party}

    def _add(self, event: dict[str, Any]) -> None:
        """As the store does it: an event for a place that the saved case gave away goes behind (`store.refold`)."""
        before = self.past[-1]
        if event["n"] < before["events"]:
            event |= {"n": before["events"]}
        self.events.append(event)
        after = workflow.fold(self.events)
        self._check(before, event, after)
        self.past.append(after)

    def _check(self, before: dict[str, Any], event: dict[str, Any], after: dict[str, Any]) -> None:
        is_applied = event["_id"] in after["applied"]
        if not is_applied:
            assert after["state"] == before["state"]
            return
        assert before["state"] in workflow.MOVES[event["move"]].sources
        assert workflow.rank(after["level"]) >= workflow.rank(before["level"]), "a case fell a level"
        if event["move"] in ("verify", "rate"):
            assert event["party"] not in before["handlers"], "somebody verified their own work"
        if event["move"] == "close":
            assert not before["open_whistles"]
            assert after["verification"]["outcome"] == "solved"
            assert after["verification"]["party"] not in before["handlers"], "closed without another's look"
        if event["move"] == "grant":
            assert event["by"] != before["request"]["by"]
            assert event["party"] not in before["handlers"], "a party approved its own request"
        if event["move"] == "dispatch" and before["escalations"]:
            assert workflow.rank(UNITS[event["unit"]]) >= workflow.rank(before["level"]), "what rose was handed down"

    @invariant()
    def nothing_is_lost_and_any_order_gives_the_same_case(self) -> None:
        case = self.past[-1]
        assert case["state"] in workflow.STATES
        assert {*case["applied"], *case["refused"]} == {event["_id"] for event in self.events}
        shuffled = random.Random(self.second).sample(self.events, len(self.events))
        assert workflow.fold(shuffled) == case

    @invariant()
    def the_copy_for_the_phone_names_nobody(self) -> None:
        copy = str(workflow.phone_copy(self.past[-1]))
        assert not any(who["name"] in copy for who in PEOPLE)

    @invariant()
    def an_open_case_is_always_somebodys_turn(self) -> None:
        case = self.past[-1]
        assert (case["turn"] is not None) == (case["state"] in workflow.OPEN_STATES or case["sample"] == "due"), case["state"]


# Moves that end a walk or change nothing: offered now and then, so that walks go deep.
RARE = frozenset(
    {"return", "refuse", "withdraw", "merge", "note", "remark", "urge", "send_task", "transfer", "amend", "release_caller"}
)
LISTED = frozenset({"photos", "supporting", "category", "grid", "how", "amount_unit", "days", "address"})
Desks.TestCase.settings = settings(max_examples=200, stateful_step_count=12, deadline=None)
TestDesks = Desks.TestCase
