"""What a move changes on a case besides its state: a function for each move that has an effect. Pure, called by the fold alone.

An effect changes the case it is given and may return the state the case is in afterwards (for moves without a fixed target).
"""

from collections.abc import Callable
from typing import Any

from server.domain.workflow import errands
from server.domain.workflow.states import LEVELS, holder_of, phase_of, rank
from server.domain.workflow.tasks import answered_by, sent_by

Case = dict[str, Any]
Event = dict[str, Any]
Effect = Callable[[Case, Event], str | None]

CLOCK_FACTS = ("clocks", "due_at", "state_due_at", "marks", "is_provisional", "stopped_at", "remaining_min", "remedy_due_at")
HISTORY_MOST = 40


def set_clock(case: Case, event: Event, is_new_state: bool) -> None:
    """The clock's facts as the event carries them; a new state without a limit of its own has none."""
    if is_new_state and "state_due_at" not in event:
        case["state_due_at"] = None
    for name in CLOCK_FACTS:
        if name in event:
            case[name] = event[name]


def set_turn(case: Case) -> None:
    """Whose turn it is: the party that must do something next, or None. A request waits for the holder's answer.

    The phase, by which lists are sorted, goes with it.
    """
    case["phase"] = phase_of(case["state"], case["sample"])
    holder = holder_of(case["level"], case["grid"])
    if case["state"] in ("dispatched", "in_hand", "rework"):
        case["turn"] = holder if case["request"] else case["handler"]
    elif case["state"] in ("reported", "escalated", "accepted", "filed", "handed_back", "answered", "verifying", "shelved"):
        case["turn"] = holder
    else:
        case["turn"] = holder if case["state"] == "self_solved" and case["sample"] == "due" else None


def take_up(case: Case, event: Event) -> None:
    """提级: what the township does itself with a case its community holds is the township's from then on."""
    actor = str(event.get("party", "")).partition(":")[0]
    if actor in LEVELS and rank(actor) > rank(case["level"]):
        case["level"] = actor


def _handled_by(case: Case, party: str) -> None:
    case["handler"] = party
    if party not in case["handlers"]:
        case["handlers"] = [*case["handlers"], party]
    case["verification"] = None


def _take_on(case: Case, event: Event) -> None:
    case["unit"] = None
    _handled_by(case, event["party"])


def _dispatch(case: Case, event: Event) -> None:
    case["unit"] = event["unit"]
    case["supporting"] = event.get("supporting", [])
    case["basis"] = {"entry": event.get("entry"), "reason": event.get("reason")}
    case["handlers"] = []
    _handled_by(case, event["unit"])
    case["request"] = None


def _start(case: Case, event: Event) -> None:
    case["started_at"] = event["at"]


def _hand_back(case: Case, event: Event) -> None:
    case["handed_back"] += 1
    case["handed_back_by"] = case["unit"]
    case["unit"], case["handler"], case["request"] = None, None, None


def _answer(case: Case, event: Event) -> None:
    case["answer"] = {"by": event["by"], "at": event["at"], "result": event["result"], "photos": event.get("photos", [])}
    case["request"] = None


def _verify(case: Case, event: Event) -> None:
    case["verification"] = {
        "by": event["by"],
        "party": event.get("party"),
        "outcome": "solved" if event["outcome"] in ("solved", "done") else "not_solved",
        "at": event["at"],
        "how": event.get("how", "site"),
    }


def _close(case: Case, event: Event) -> None:
    if case["verification"] is None:
        _verify(case, event | {"outcome": "solved", "how": event.get("how", "photos")})
    case["closed_at"] = event["at"]


def _rework(case: Case, event: Event) -> None:
    case["reworks"] += 1
    case["verification"] = None


def _reopen(case: Case, event: Event) -> None:
    case["reopened"] += 1
    case["handlers"], case["handler"], case["unit"] = [], None, None
    case["verification"], case["rating"], case["closed_at"] = None, None, None


def _pass_check(case: Case, event: Event) -> None:
    case["sample"], case["closed_at"] = "passed", event["at"]


def _fail_check(case: Case, event: Event) -> None:
    case["sample"] = "failed"


def _merge(case: Case, event: Event) -> None:
    case["merged_into"], case["before"] = event["into"], case["state"]


def _unmerge(case: Case, event: Event) -> str:
    case["merged_into"] = None
    return str(case["before"] or "accepted")


def _absorb(case: Case, event: Event) -> None:
    others = [one for one in case["absorbed"] if one["case"] != event["absorbed"]["case"]]
    case["absorbed"] = [*others, event["absorbed"]]


def _release(case: Case, event: Event) -> None:
    case["absorbed"] = [one for one in case["absorbed"] if one["case"] != event["released"]]


def _amend(case: Case, event: Event) -> None:
    for name in ("category", "urgency", "grid"):
        if event.get(name):
            case[name] = event[name]
    if event.get("address"):
        case["place"] = (case["place"] or {"lat": None, "lon": None, "accuracy_m": None}) | {"address": event["address"]}


def _resubmit(case: Case, event: Event) -> None:
    case["photos"] = [*case["photos"], *(one for one in event.get("photos", []) if one not in case["photos"])]
    case["resubmitted"] += 1


def _escalate(case: Case, event: Event) -> None:
    case["level"] = event.get("to") or LEVELS[rank(case["level"]) + 1]
    case["escalations"] += 1
    case["unit"], case["handler"], case["request"] = None, None, None


def _transfer(case: Case, event: Event) -> None:
    # 及时报告: what is beyond the township's powers is reported within the time that the state it was in allows.
    case["transferred_in_time"] = case["state_due_at"] is None or event["at"] <= case["state_due_at"]
    case["transferred_to"] = event["authority"]
    case["unit"], case["handler"], case["request"] = None, None, None


def _ask(case: Case, event: Event) -> None:
    names = ("what", "reason", "by", "at", "amount", "amount_unit")
    case["request"] = {name: event.get(name) for name in names}


def _grant(case: Case, event: Event) -> str | None:
    asked, case["request"] = case["request"], None
    case["granted"] = [*case["granted"], asked | {"approver": event["by"], "granted_at": event["at"]}]
    if asked["what"] == "shelf":
        case["before"], case["stopped_at"] = case["state"], event["at"]
        return "shelved"
    if asked["what"] == "stop":
        case["stopped_at"] = event["at"]
    return None


def _deny(case: Case, event: Event) -> None:
    case["request"] = None


def _resume(case: Case, event: Event) -> None:
    case["stopped_at"], case["remaining_min"] = None, None


def _unshelve(case: Case, event: Event) -> str:
    _resume(case, event)
    return str(case["before"] or "dispatched")


def _urge(case: Case, event: Event) -> None:
    case["urges"] += 1


def _rate(case: Case, event: Event) -> None:
    case["rating"] = event["stars"]


def _remedy(case: Case, event: Event) -> None:
    case["remedied_at"] = event["at"]


def _send_task(case: Case, event: Event) -> None:
    case["tasks"] = [*case["tasks"], sent_by(event)]


def _ask_verification(case: Case, event: Event) -> None:
    if event.get("task_id"):
        _send_task(case, event | {"kind": "verify"})


def _reply(case: Case, event: Event) -> None:
    """A worker's answer to a task: of two the first counts, the other stays on the timeline. A finding of `verify` counts as the
    verification while the case waits for one; who put it right by a task of `fix` is no longer somebody to verify it."""
    task = next((one for one in case["tasks"] if one["id"] == event["task"]), None)
    after = answered_by(task, event) if task else None
    if task is None or after is None or after == task:
        return
    case["tasks"] = [after if one["id"] == event["task"] else one for one in case["tasks"]]
    party, is_done = event.get("party"), event["outcome"] in ("solved", "done")
    if task["kind"] == "fix" and is_done and party not in case["handlers"]:
        case["handlers"] = [*case["handlers"], party]
    is_finding = task["kind"] == "verify" and event["outcome"] != "declined"
    if is_finding and case["state"] == "verifying" and party not in case["handlers"]:
        _verify(case, event)


def _release_caller(case: Case, event: Event) -> None:
    case["caller_released"] = True


def _blow(case: Case, event: Event) -> None:
    if event["whistle"] not in case["whistles"]:
        case["whistles"] = [*case["whistles"], event["whistle"]]
        case["open_whistles"] = [*case["open_whistles"], event["whistle"]]
    case["called_units"] = sorted({*case["called_units"], *event.get("units", [])})


def _whistle_solved(case: Case, event: Event) -> None:
    case["open_whistles"] = [one for one in case["open_whistles"] if one != event["whistle"]]


def _origin(case: Case, event: Event) -> None:
    case["origin"] = event["origin"]


def _errand(case: Case, event: Event) -> str | None:
    """What a household's errand says now; when it is called off, its case is withdrawn with it."""
    facts = event["errand"]
    if errands.is_older(case, facts):
        return None
    is_called_off = errands.is_called_off(case, facts)
    case["errand"] = facts
    if is_called_off:
        case["request"] = None
    return "withdrawn" if is_called_off else None


EFFECTS: dict[str, Effect] = {
    "take_on": _take_on,
    "dispatch": _dispatch,
    "start": _start,
    "hand_back": _hand_back,
    "answer": _answer,
    "ask_verification": _ask_verification,
    "verify": _verify,
    "close": _close,
    "rework": _rework,
    "reopen": _reopen,
    "pass_check": _pass_check,
    "fail_check": _fail_check,
    "merge": _merge,
    "unmerge": _unmerge,
    "absorb": _absorb,
    "release": _release,
    "amend": _amend,
    "resubmit": _resubmit,
    "escalate": _escalate,
    "transfer": _transfer,
    "ask": _ask,
    "grant": _grant,
    "deny": _deny,
    "resume": _resume,
    "unshelve": _unshelve,
    "urge": _urge,
    "rate": _rate,
    "remedy": _remedy,
    "send_task": _send_task,
    "reply": _reply,
    "release_caller": _release_caller,
    "blow": _blow,
    "whistle_solved": _whistle_solved,
    "origin": _origin,
    "errand": _errand,
}
