"""What each move does to a case's two clocks, as the facts its event carries. Pure: calendar, limits and the instant are given.

The whole-case clock starts at the first dispatch (数字城管 ✔) and never again; it stands still while stopped, shelved or out
of the flow (closed, merged, transferred), and goes on with what it had. The state's clock begins anew with every state and level.
Nothing begins before the server had the report. A clock stopped by approval runs again when the case leaves the state it was
stopped in. How a clock counts is `clock.py`; the moves are `workflow/moves.py`.

An event carries everything the fold needs: `clocks` {case, state}, `due_at`, `state_due_at`, `marks`, `is_provisional`,
`remaining_min`, `stopped_at`, `remedy_due_at`; only those that the move changes.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from server.domain import clock, limits, times, worktime
from server.domain.clock import Clock
from server.domain.limits import Limit
from server.domain.workflow.errands import is_called_off
from server.domain.workflow.moves import MOVES
from server.domain.workflow.states import OPEN_STATES
from server.domain.worktime import Calendar

LOW_RATING = 2
Facts = dict[str, Any]
Case = Mapping[str, Any]


class Rules(NamedTuple):
    """What the clocks go by: the calendar, the tables of limits, and the case's category as its `ref` document has it."""

    calendar: Calendar
    category: Mapping[str, Any]
    tables: Mapping[str, Any] = limits.TABLES


def opening(rules: Rules, state: str, urgency: str, received_at: str) -> Facts:
    """The facts of a case's first event: the clock of its first state runs from when the server received the report."""
    begun = _state_clock(rules, state, urgency, times.from_text(received_at))
    return {} if begun is None else _facts(rules, None, begun, [], times.from_text(received_at))


def facts(rules: Rules, case: Case, move: str, fields: Mapping[str, Any], now: datetime) -> Facts:
    """The facts of a move's event, made at `now` on the case as it stands before; empty for moves that touch no clock."""
    now = max(now, times.from_text(case["received_at"]))
    if move == "rate":
        return _remedy(rules, fields, now)
    if move == "grant":
        return _granted(rules, case, now)
    if move == "amend":
        return _amended(rules, case, fields, now)
    whole, of_state = _clocks(case)
    if move == "recalculate":
        # A case from before there were clocks has none to compute.
        return {} if not case.get("clocks") else _facts(rules, whole, of_state, _fallen(case, now), now)
    state = _state_after(case, move, fields)
    if not MOVES[move].clock and state == case["state"]:
        return {}
    if state not in OPEN_STATES:
        standing = whole and clock.stopped(rules.calendar, whole, now)
        return _facts(rules, standing, None, _fallen(case, now), now) | _unstopped(case) | _kept_due(case, standing)
    if move in ("resume", "unshelve"):
        of_state = of_state and clock.resumed(of_state, now)
    else:
        of_state = _state_clock(rules, state, case["urgency"], now)
    if whole is None and MOVES[move].clock == "start":
        limit = limits.of_case(rules.category, case["urgency"], rules.calendar.day_min, rules.tables)
        whole = limit and clock.started(limit, now)
    return _facts(rules, whole and clock.resumed(whole, now), of_state, _fallen(case, now), now) | _unstopped(case)


def _granted(rules: Rules, case: Case, now: datetime) -> Facts:
    """停表, 挂账: both clocks stand still with what they have left. 延期: both get so much more."""
    asked, both = case["request"] or {}, _clocks(case)
    if asked.get("what") == "extension":
        more = limits.read({"amount": asked.get("amount"), "unit": asked.get("amount_unit") or "working_days"})
        whole, of_state = (one and more and clock.extended(one, more) for one in both)
        return _facts(rules, whole, of_state, _fallen(case, now), now)
    whole, of_state = (one and clock.stopped(rules.calendar, one, now) for one in both)
    left = {"remaining_min": clock.remaining_min(rules.calendar, whole, now)} if whole else {}
    return _facts(rules, whole, of_state, _fallen(case, now), now) | left


def _amended(rules: Rules, case: Case, fields: Mapping[str, Any], now: datetime) -> Facts:
    """Another category or urgency: the state's limit is that of the new one, from when the state began."""
    whole, of_state = _clocks(case)
    if of_state is None or of_state["since"] is None or not {"category", "urgency"} & set(fields):
        return {}
    begun = times.from_text(of_state["since"])
    of_state = _state_clock(rules, case["state"], fields.get("urgency") or case["urgency"], begun)
    return _facts(rules, whole, of_state, _fallen(case, now), now)


def _remedy(rules: Rules, fields: Mapping[str, Any], now: datetime) -> Facts:
    limit = limits.of_remedy(rules.tables)
    if limit is None or fields["stars"] > LOW_RATING:
        return {}
    return {"remedy_due_at": times.to_text(worktime.add(rules.calendar, now, *limit).at)}


def _facts(rules: Rules, whole: Clock | None, of_state: Clock | None, fallen: list[limits.Mark], now: datetime) -> Facts:
    running = {
        name: clock.due(rules.calendar, one)
        for name, one in (("due_at", whole), ("state_due_at", of_state))
        if one is not None and clock.is_running(one)
    }
    return {
        "clocks": {"case": whole, "state": of_state},
        "due_at": times.to_text(running["due_at"].at) if "due_at" in running else None,
        "state_due_at": times.to_text(running["state_due_at"].at) if "state_due_at" in running else None,
        "marks": clock.marks(rules.calendar, whole, fallen, now) if whole else [],
        "is_provisional": any(due.is_provisional for due in running.values()),
    }


def _state_clock(rules: Rules, state: str, urgency: str, at: datetime) -> Clock | None:
    limit: Limit | None = limits.of_state(state, rules.category, urgency, rules.calendar.day_min, rules.tables)
    return None if limit is None else clock.started(limit, at)


def _state_after(case: Case, move: str, fields: Mapping[str, Any]) -> str:
    """The state a move leads to; `unmerge` and `unshelve` lead back, an errand that is called off withdraws its case."""
    if move == "errand" and is_called_off(dict(case), fields["errand"]):
        return "withdrawn"
    if move in ("unmerge", "unshelve"):
        return str(case["before"] or case["state"])
    return MOVES[move].target or str(case["state"])


def _clocks(case: Case) -> tuple[Clock | None, Clock | None]:
    clocks = case.get("clocks") or {}
    return clocks.get("case"), clocks.get("state")


def _fallen(case: Case, now: datetime) -> list[limits.Mark]:
    """The warnings that have fallen due; of a clock that stands still no others are kept."""
    now_text = times.to_text(now)
    return [mark for mark in case["marks"] if mark[0] <= now_text]


def _unstopped(case: Case) -> Facts:
    return {"stopped_at": None, "remaining_min": None} if case["stopped_at"] else {}


def _kept_due(case: Case, whole: Clock | None) -> Facts:
    """A case that left the flow keeps the date it had: whether it was in time is asked later."""
    return {"due_at": case["due_at"]} if whole else {}
