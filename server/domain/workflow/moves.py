"""Every move of the case flow as one table: from where, to where, by whom, with which fields, and what the phone is shown.

Who the actors are is `server/domain/case_rights.py`; what else must hold is `guards.py`; what a move changes besides the state is
`effects.py`. What it does to the clocks is said in `clock` and computed by `server/cases/clock.py`.
"""

from typing import NamedTuple

from server.domain.workflow.states import HANDLING_STATES, OPEN_STATES, STATES


class Move(NamedTuple):
    """One row of the flow. `target` None: the state stays (or the move's effect says which).

    `who` names actors; `required` and `optional` fields are those of `fields.py`; `shown` the fields that the phone and the
    reporter see, None that they see nothing of the move. `clock`: `start` (whole case, first time only; state), `state`
    (the state's clock alone), `stop`, `run` (goes on), `extend`, `end`, or empty.
    """

    sources: frozenset[str]
    target: str | None
    who: tuple[str, ...]
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    shown: tuple[str, ...] | None = ()
    clock: str = ""


def _from(*states: str) -> frozenset[str]:
    return frozenset(states)


ANY = frozenset(STATES)
BEFORE_HANDLING = _from("accepted", "filed", "handed_back")
ESCALATABLE = OPEN_STATES - {"verifying", "shelved"}
AT_WORK = HANDLING_STATES

MOVES: dict[str, Move] = {
    # 受理: whoever holds it decides
    "accept": Move(_from("reported", "escalated"), "accepted", ("holder",), clock="state"),
    "return": Move(_from("reported"), "returned", ("holder",), ("reason",), shown=("reason",)),
    "refuse": Move(_from("reported"), "refused", ("holder",), ("reason",), shown=("reason",)),
    "merge": Move(_from("reported", "accepted", "filed"), "merged", ("holder",), ("into",), ("reason",), shown=("reason",)),
    "unmerge": Move(_from("merged"), None, ("holder",), ("reason",), clock="state"),
    "amend": Move(
        BEFORE_HANDLING | {"reported", "escalated", "rework"},
        None,
        ("holder",),
        ("reason",),
        ("category", "urgency", "grid", "address"),
        shown=("reason",),
    ),
    # 上报人: what its reporter may still do
    "withdraw": Move(_from("reported"), "withdrawn", ("reporter",), ("reason",), shown=("reason",)),
    "resubmit": Move(
        _from("returned"), "reported", ("reporter",), ("text",), ("photos",), shown=("text", "photos"), clock="state"
    ),
    "note": Move(ANY, None, ("reporter",), optional=("text", "photos"), shown=("text", "photos")),
    # 立案、派遣、处置、反馈
    "file": Move(_from("accepted"), "filed", ("holder",), clock="state"),
    "take_on": Move(BEFORE_HANDLING, "in_hand", ("holder",), optional=("text",), clock="start"),
    "dispatch": Move(
        BEFORE_HANDLING | {"rework"}, "dispatched", ("holder",), ("unit",), ("supporting", "entry", "reason"), clock="start"
    ),
    "start": Move(_from("dispatched", "rework"), "in_hand", ("unit",), optional=("text",), clock="state"),
    "hand_back": Move(_from("dispatched", "in_hand"), "handed_back", ("unit",), ("reason",), shown=None, clock="state"),
    "answer": Move(AT_WORK, "answered", ("unit",), ("result",), ("photos",), shown=("result",), clock="state"),
    # 核查、结案、返工、评价、重开
    "ask_verification": Move(_from("answered"), "verifying", ("holder",), optional=("text", "grid"), clock="state"),
    "verify": Move(_from("verifying"), None, ("other",), ("outcome",), ("text", "how", "photos"), shown=("outcome",)),
    "close": Move(
        _from("answered", "verifying", "transferred"),
        "closed",
        ("holder", "above"),
        ("result",),
        ("how",),
        shown=("result",),
        clock="end",
    ),
    "rework": Move(_from("answered", "verifying"), "rework", ("holder",), ("reason",), shown=("reason",), clock="state"),
    "rate": Move(_from("closed"), None, ("reporter", "other"), ("stars",), ("text",), shown=("stars",)),
    "remedy": Move(_from("closed"), None, ("holder",), ("text",), shown=("text",)),
    "reopen": Move(
        _from("closed", "refused", "transferred", "withdrawn"),
        "accepted",
        ("holder",),
        ("reason",),
        shown=("reason",),
        clock="run",
    ),
    # 自处置: by sample
    "pass_check": Move(_from("self_solved"), "closed", ("other",), optional=("text",), shown=("text",), clock="end"),
    "fail_check": Move(_from("self_solved"), "accepted", ("other",), ("reason",), shown=("reason",), clock="state"),
    # 逐级上报、移送
    "escalate": Move(ESCALATABLE, "escalated", ("holder",), ("reason",), ("to",), shown=("reason",), clock="state"),
    "transfer": Move(
        BEFORE_HANDLING | {"dispatched", "in_hand"},
        "transferred",
        ("holder",),
        ("authority", "reason"),
        ("entry",),
        shown=("authority", "reason"),
        clock="end",
    ),
    # 停表、延期、挂账: asked for with a reason, granted by somebody else
    "ask": Move(AT_WORK, None, ("unit",), ("what", "reason"), ("amount", "amount_unit"), shown=None),
    "grant": Move(AT_WORK, None, ("approver",), optional=("text",), shown=("what",), clock="grant"),
    "deny": Move(AT_WORK, None, ("approver",), ("reason",), shown=None),
    "resume": Move(AT_WORK, None, ("holder", "unit"), ("reason",), clock="run"),
    "unshelve": Move(_from("shelved"), None, ("holder",), ("reason",), shown=("reason",), clock="run"),
    # 催办、协办、任务、来电人
    "urge": Move(OPEN_STATES, None, ("holder", "above"), ("text",)),
    "remark": Move(ANY, None, ("holder", "above", "unit", "supporting"), ("text",), ("photos",), shown=None),
    "send_task": Move(OPEN_STATES, None, ("holder",), ("kind", "text"), ("grid", "days"), shown=None),
    "reply": Move(ANY, None, (), ("task", "outcome"), ("text", "photos"), shown=("outcome",)),
    "release_caller": Move(OPEN_STATES, None, ("holder",), ("reason",), shown=None),
    # What the system does by itself
    "absorb": Move(ANY, None, (), ("absorbed",), shown=None),
    "release": Move(ANY, None, (), ("released",), shown=None),
    "blow": Move(ANY, None, (), ("whistle",), ("units",), shown=()),
    "whistle_solved": Move(ANY, None, (), ("whistle",), shown=()),
    "errand": Move(ANY, None, (), ("errand",), shown=()),
    "recalculate": Move(OPEN_STATES, None, (), shown=None),
    "origin": Move(ANY, None, (), ("origin",), shown=None),
}
# Never a move: the rule is named to whoever tries (逐级响应只升不降).
HAND_DOWN = "hand_down"
# What nobody decides anew for: dates computed again, another system's number, a duplicate that came or went.
QUIET_MOVES = frozenset({"recalculate", "origin", "absorb", "release"})
SYSTEM_MOVES = frozenset(name for name, move in MOVES.items() if not move.who)


def moves_from(state: str) -> list[str]:
    """The moves that people can make in a state, in the table's order."""
    return [name for name, move in MOVES.items() if state in move.sources and move.who]
