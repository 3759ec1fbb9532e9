"""The rules that a case and a move must satisfy besides the state, each with the name it is refused by. Pure.

Asked before a move is made, for the answer; and again in the fold, because somebody else may have moved the case meanwhile. An
event carries `by` (account) and `party` (in whose name: `unit:…`, `township:…`, `user:…`). The texts are `error.<rule>`.
"""

from collections.abc import Callable
from typing import Any

from server.domain.workflow.states import LEVELS, rank

Case = dict[str, Any]
Event = dict[str, Any]
Guard = Callable[[Case, Event], str | None]


def broken_rule(case: Case, event: Event) -> str | None:
    """The name of the first rule this event would break on this case, or None."""
    for guard in GUARDS.get(event["move"], ()):
        rule = guard(case, event)
        if rule is not None:
            return rule
    return None


def is_open_to(case: Case, move: str, by: str, party: str) -> bool:
    """True when nothing but what is typed could forbid this move to this person in this name: whether to offer it at all."""
    event = {"move": move, "by": by, "party": party}
    return not any(guard(case, event) for guard in GUARDS.get(move, ()) if guard not in ABOUT_FIELDS)


def _not_own_work(case: Case, event: Event) -> str | None:
    """核查 is done by somebody other than the unit that handled it (DESIGN §4; 监督指挥分离)."""
    return "own_work" if event.get("party") in case["handlers"] else None


def _not_own_report(case: Case, event: Event) -> str | None:
    return "own_work" if event["by"] == case["author"] else None


def _verified_by_another(case: Case, event: Event) -> str | None:
    """Closing needs a verification by another party: an earlier one, or this very closing by somebody who did not handle it."""
    if event.get("party") not in case["handlers"]:
        return None
    seen = case["verification"]
    return None if seen and seen["outcome"] == "solved" and seen["party"] not in case["handlers"] else "own_work"


def _not_found_unsolved(case: Case, event: Event) -> str | None:
    """What a verification found not solved goes back to work, not to the archive."""
    seen = case["verification"]
    return "found_unsolved" if seen and seen["outcome"] == "not_solved" else None


def _no_open_whistle(case: Case, event: Event) -> str | None:
    """吹哨报到: departments leave, and the case ends, only when the township says it is solved."""
    return "whistle_open" if case["open_whistles"] else None


def _only_upward(case: Case, event: Event) -> str | None:
    """逐级响应只升不降: what rose to a level is not dispatched below it."""
    below = rank(event.get("unit_level", "township")) < rank(case["level"])
    return "escalation_one_way" if below and case["escalations"] else None


def _not_at_the_top(case: Case, event: Event) -> str | None:
    return "top_level" if case["level"] == LEVELS[-1] else None


def _one_level_at_a_time(case: Case, event: Event) -> str | None:
    """逐级上报: one level, unless an emergency skips with its reason."""
    height = rank(event.get("to") or LEVELS[rank(case["level"]) + 1])
    if height <= rank(case["level"]):
        return "escalation_one_way"
    return "one_level_at_a_time" if height > rank(case["level"]) + 1 and case["urgency"] != "emergency" else None


def _says_why(case: Case, event: Event) -> str | None:
    """A dispatch names the list entry it rests on, or a reason; to the unit that handed it back, always a reason."""
    if event["unit"] == case["handed_back_by"] and not event.get("reason"):
        return "reason_for_same_unit"
    return None if event.get("entry") or event.get("reason") else "basis_or_reason"


def _township_decides(case: Case, event: Event) -> str | None:
    """移送 is the township's (or a higher level's) to decide, never a community's."""
    return "township_decides" if rank(case["level"]) < rank("township") and _is_community(event) else None


def _is_community(event: Event) -> bool:
    return str(event.get("party", "")).startswith("community:")


def _nothing_pending(case: Case, event: Event) -> str | None:
    if case["stopped_at"]:
        return "stopped_already"
    return "request_pending" if case["request"] else None


def _says_how_long(case: Case, event: Event) -> str | None:
    return "amount_needed" if event["what"] == "extension" and not event.get("amount") else None


def _is_pending(case: Case, event: Event) -> str | None:
    return None if case["request"] else "no_request"


def _by_another(case: Case, event: Event) -> str | None:
    """停表、延期、挂账 have an approver, who is not the one that asked."""
    asked = case["request"]
    own = event.get("party") in case["handlers"] or (asked is not None and event["by"] == asked["by"])
    return "own_request" if own else None


def _is_stopped(case: Case, event: Event) -> str | None:
    return None if case["stopped_at"] else "not_stopped"


def _runs(case: Case, event: Event) -> str | None:
    """While the clock stands still nobody may answer: it would be work outside its time."""
    return "clock_stopped" if case["stopped_at"] else None


def _into_another(case: Case, event: Event) -> str | None:
    return "into_itself" if event["into"] == case["_id"] else None


def _absorbs_nothing(case: Case, event: Event) -> str | None:
    """A case that others were merged into stays what they follow; merge it the other way round."""
    return "has_absorbed" if case["absorbed"] else None


def _is_poorly_rated(case: Case, event: Event) -> str | None:
    """差评整改: the lowest two of five levels are to be put right (DOMAIN "Assessment")."""
    return None if case["rating"] is not None and case["rating"] <= 2 else "no_poor_rating"


def _has_a_caller(case: Case, event: Event) -> str | None:
    return None if case["has_caller"] else "no_caller"


def _says_something(case: Case, event: Event) -> str | None:
    return None if event.get("text") or event.get("photos") else "nothing_said"


def _has_an_errand(case: Case, event: Event) -> str | None:
    return None if case.get("errand") else "no_errand"


def _changes_something(case: Case, event: Event) -> str | None:
    fields = ("category", "urgency", "grid", "address")
    if event.get("grid") and event["grid"][:9] != case["grid"][:9]:
        return "other_township"
    return None if any(event.get(field) for field in fields) else "nothing_changed"


GUARDS: dict[str, tuple[Guard, ...]] = {
    "errand": (_has_an_errand,),
    "amend": (_changes_something,),
    "note": (_says_something,),
    "merge": (_into_another, _absorbs_nothing),
    "dispatch": (_only_upward, _says_why),
    "answer": (_runs,),
    "verify": (_not_own_work,),
    "close": (_no_open_whistle, _not_found_unsolved, _verified_by_another),
    "rate": (_not_own_work,),
    "remedy": (_is_poorly_rated,),
    "pass_check": (_not_own_report,),
    "fail_check": (_not_own_report,),
    "escalate": (_not_at_the_top, _one_level_at_a_time),
    "transfer": (_township_decides,),
    "ask": (_nothing_pending, _says_how_long),
    "grant": (_is_pending, _by_another),
    "deny": (_is_pending, _by_another),
    "resume": (_is_stopped,),
    "release_caller": (_has_a_caller,),
}
# Rules about what is typed; a move is offered whatever they would say.
ABOUT_FIELDS = frozenset(
    {_changes_something, _says_something, _into_another, _only_upward, _says_why, _one_level_at_a_time, _says_how_long}
)
