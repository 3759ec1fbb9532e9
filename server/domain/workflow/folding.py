"""The fold: a case document from its events, in any order of arrival. Pure.

Events are the truth. Of two that were made from the same state the earlier one counts; an event that is illegal where it stands
is kept, named in `refused`, and changes nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from server.domain.workflow import effects, guards
from server.domain.workflow.moves import MOVES, QUIET_MOVES, Move
from server.domain.workflow.opening import opened
from server.domain.workflow.states import LEVELS

Case = dict[str, Any]
Event = dict[str, Any]
# Whose moves the reporter is told of by name: a unit's, or those of the level that holds the case.
PARTIES_SHOWN = ("unit:", *(f"{level}:" for level in LEVELS))


def fold(events: Iterable[Event]) -> Case:
    """The case document of its events, in any order of arrival.

    Order is by position `n`, then time, then id: of two clerks who moved from the same state, the earlier one moved it; the
    later one's event is listed in `refused`. One with `seen` (how many moves its maker knew of: `If-Match`) counts behind
    exactly those or not at all, also where it would be legal behind others. Raises ValueError when the first event is missing.
    """
    first, *later = sorted(events, key=lambda event: (event["n"], event["at"], event["_id"]))
    if first["move"] != "report":
        raise ValueError(first["case"])
    case = opened(first)
    for event in later:
        move = MOVES.get(event["move"])
        is_late = event.get("seen", case["events"]) != case["events"]
        if is_late or move is None or case["state"] not in move.sources or guards.broken_rule(case, event):
            case["refused"].append(event["_id"])
        else:
            _apply(case, move, event)
    return case


def _apply(case: Case, move: Move, event: Event) -> None:
    before = case["state"]
    if "holder" in move.who and "above" not in move.who:
        effects.take_up(case, event)
    effect = effects.EFFECTS.get(event["move"])
    led_to = effect(case, event) if effect else None
    case["state"] = move.target or led_to or before
    effects.set_clock(case, event, is_new_state=case["state"] != before)
    effects.set_turn(case)
    case["applied"].append(event["_id"])
    if event["move"] not in QUIET_MOVES:
        case["decided"] = event["_id"]
    case["events"] += 1
    case["updated_at"] = max(case["updated_at"], event["at"])
    names = [name for name in (*move.required, *move.optional) if name in event]
    case["last_event"] = {"move": event["move"], "at": event["at"], "by": event["by"]} | {name: event[name] for name in names}
    if move.shown is not None:
        shown = _shown(event, move.shown)
        case["history"] = [*case["history"], shown][-effects.HISTORY_MOST :]


def version_of(case: Mapping[str, Any]) -> str:
    """What stands for everything that was decided on a case so far: `If-Match` of the next move (DESIGN §7).

    It names the last event that somebody might decide anew for. So a case that was written again with the same moves (by a newer
    fold, by two versions side by side) is no other one to whoever had read it, nor is one whose dates were computed anew.
    """
    return hashlib.sha256(str(case.get("decided") or case["applied"][-1]).encode()).hexdigest()[:20]


def _shown(event: Event, names: Iterable[str]) -> dict[str, Any]:
    """A move as the reporter may see it: the unit or level it was made for (`party`), never the person."""
    party = str(event.get("party") or "")
    told = {"move": event["move"], "at": event["at"]} | {name: event[name] for name in names if name in event}
    return told | ({"party": party} if party.startswith(PARTIES_SHOWN) else {})
