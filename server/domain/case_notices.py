"""Who is told of which move of a case, as one table: move → parties (of the case after the move) → what. Pure.

People at desks are told; phones hear of a case by its copy (DESIGN §6.6), and of a task for their grid and a returned report by
push besides, where somebody asked for it. Whoever made the move is not told of it.
New reports make no notice, they are in the list of whoever holds them; only emergencies do. Whistles and clocks tell of
themselves where they are made.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from server.domain import notices, times
from server.domain.channels import TASK_SENT
from server.domain.grids import is_unplaced, township_of
from server.domain.workflow import fold, holder_of

Case = Mapping[str, Any]
Event = Mapping[str, Any]


class Telling(NamedTuple):
    """Parties (names of `PARTIES`) that are told something, and how urgently: None, as urgently as the case is."""

    to: tuple[str, ...]
    what: str
    urgency: str | None = None


TOLD_OF_MOVE: dict[str, tuple[Telling, ...]] = {
    "escalate": (Telling(("holder",), "case.escalated"),),
    "resubmit": (Telling(("holder",), "case.resubmitted"),),
    "dispatch": (Telling(("unit",), "case.dispatched"), Telling(("supporting",), "case.supporting")),
    "return": (Telling(("author",), "case.returned", "normal"),),
    "hand_back": (Telling(("holder",), "case.handed_back", "urgent"),),
    "answer": (Telling(("holder",), "case.answered"),),
    "rework": (Telling(("handler",), "case.reworked", "urgent"),),
    "verify": (Telling(("holder",), "case.verified"),),
    "reply": (Telling(("holder",), "task.answered"),),
    "ask": (Telling(("holder",), "case.requested", "urgent"),),
    "grant": (Telling(("handler",), "case.granted"),),
    "deny": (Telling(("handler",), "case.denied", "urgent"),),
    "resume": (Telling(("handler",), "case.resumed"),),
    "unshelve": (Telling(("handler",), "case.resumed"),),
    "urge": (Telling(("turn",), "case.urged", "urgent"),),
    "close": (
        Telling(("handler", "supporting"), "case.closed", "normal"),
        Telling(("absorbed_authors",), "case.main_closed", "normal"),
    ),
    "reopen": (Telling(("holder",), "case.reopened"),),
    "fail_check": (Telling(("holder",), "case.sampled"),),
    "release_caller": (Telling(("unit",), "case.caller_released"),),
}
TOLD_OF_TASK = (Telling(("task_grid",), TASK_SENT),)
TOLD_OF_EMERGENCY = (Telling(("holder", "community"), "case.reported", "emergency"),)
FACTS = ("case_no", "category", "grid", "unit", "due_at", "level")


PARTIES: dict[str, Callable[[Case], Iterable[str | None]]] = {
    "holder": lambda case: [holder_of(case["level"], case["grid"])],
    "community": lambda case: [] if is_unplaced(case["grid"]) else [holder_of("community", case["grid"])],
    "unit": lambda case: [case.get("unit")],
    "supporting": lambda case: case.get("supporting") or (),
    "handler": lambda case: [case.get("handler")],
    # Who reported what was merged into this case: their own case ended with the merge, what comes of it is told here.
    "absorbed_authors": lambda case: [f"user:{one['author']}" for one in case.get("absorbed") or ()],
    "turn": lambda case: [case.get("turn") or case.get("handler")],
    # Who reported it by phone; of what came from elsewhere nobody's phone holds a copy.
    "author": lambda case: [f"user:{case['author']}"] if case["database"] else [],
    # What a household asked for is not for police (`home:`).
    "task_grid": lambda case: [f"{'home' if str(case['database']).startswith('home-') else 'grid'}:{case['tasks'][-1]['grid']}"],
}


def of_events(events: Sequence[Event], wanted: Iterable[str], now: datetime) -> list[dict[str, Any]]:
    """The notices of those events of one case whose ids are wanted. `events`: all of the case, in the fold's order.

    The same events make the same notices whenever they are looked at; one that was refused, or is older than
    `notices.ISSUED`, makes none.
    """
    oldest, asked, made = times.to_text(now - notices.ISSUED), set(wanted), []
    for number, event in enumerate(events):
        if event["_id"] in asked and event["at"] >= oldest and _tellings(event):
            case = fold([dict(one) for one in events[: number + 1]])
            if event["_id"] in case["applied"]:
                made += [_notice(case, event, telling, now) for telling in _tellings(event)]
    return made


def _tellings(event: Event) -> tuple[Telling, ...]:
    if event["move"] == "report":
        return TOLD_OF_EMERGENCY if event["report"]["urgency"] == "emergency" else ()
    return TOLD_OF_MOVE.get(event["move"], ()) + (TOLD_OF_TASK if event.get("task_id") else ())


def _notice(case: Case, event: Event, telling: Telling, now: datetime) -> dict[str, Any]:
    told = {party for name in telling.to for party in PARTIES[name](case) if party}
    facts = {name: case[name] for name in FACTS if case.get(name) is not None}
    more = (("request", _asked_for(case)), ("outcome", event.get("outcome")), ("task", event.get("task_id")))
    facts |= {name: value for name, value in more if value}
    return notices.notice(
        to=told - {event.get("party")},
        what=telling.what,
        subject=case["_id"],
        township=township_of(case["grid"]),
        facts=facts,
        key=f"{event['_id']}/{telling.what}",
        at=times.from_text(event["at"]),
        noted_at=now,
        urgency=telling.urgency or case["urgency"],
    )


def _asked_for(case: Case) -> str | None:
    """What more time was asked for by: stop, extension, shelf."""
    request = case.get("request") or (case.get("granted") or [None])[-1]
    return str(request["what"]) if request else None
