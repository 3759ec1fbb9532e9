"""The case flow as data: states, moves, and the fold of a case's events (DESIGN §5 "Cases"). Pure.

Every move says from which states, to which state, which fields it needs. The case document is the fold of its events; an event
that is illegal where it stands is kept and shown as refused, and changes nothing.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from server.domain import ids, times
from server.domain.errors import IllegalMove, InvalidInput

STATES = ("reported", "accepted", "returned", "closed")
OPEN_STATES = frozenset({"reported", "accepted"})
REASON_LENGTH = 1000


class Move(NamedTuple):
    """One row of the flow."""

    sources: frozenset[str]
    target: str
    required: tuple[str, ...] = ()


MOVES: dict[str, Move] = {
    "accept": Move(frozenset({"reported"}), "accepted"),
    "return": Move(frozenset({"reported"}), "returned", ("reason",)),
    "close": Move(frozenset({"accepted"}), "closed", ("result",)),
}


def moves_from(state: str) -> list[str]:
    """The moves the flow offers in a state, in the table's order."""
    return [name for name, move in MOVES.items() if state in move.sources]


def check_move(state: str, name: str, fields: dict[str, Any]) -> dict[str, str]:
    """The move's own fields, trimmed. Raises IllegalMove (with the state) and InvalidInput (with the fields that are missing)."""
    move = MOVES.get(name)
    if move is None or state not in move.sources:
        raise IllegalMove(move=name, state=state)
    texts = {field: fields.get(field) for field in move.required}
    wrong = {field: "required" for field, text in texts.items() if not isinstance(text, str) or not text.strip()}
    wrong |= {f: "too_long" for f, text in texts.items() if isinstance(text, str) and len(text) > REASON_LENGTH}
    if wrong:
        raise InvalidInput(wrong)
    return {field: str(text).strip() for field, text in texts.items()}


def reported_event(
    report: dict[str, Any], database: str, received_at: str, photos: list[str], filed_at: str | None = None
) -> dict[str, Any]:
    """The first event of the case a report makes. Its id depends on the report alone: a second intake makes no second one.

    `database` is where the report lives, so that copies of the case find their way back; `rev` tells the report that was
    processed from another one that claims its id.

    Four times are kept apart, because no two need be near each other: `captured_at` as the phone said it, `corrected_at` the same
    by our clock (None when the phone had never measured its own), `received_at` when the gate stored it, `filed_at` when it was
    made a case. Only the last two are ours, and only they order lists and start time limits (`clock_starts_at`).
    """
    case = ids.case_id(report["_id"])
    return {
        "_id": ids.event_id(case, "0-reported"),
        "type": "event",
        "v": 1,
        "case": case,
        "n": 0,
        "move": "report",
        "at": received_at,
        "by": report["author"],
        "report": {
            "id": report["_id"],
            "rev": report["_rev"],
            "database": database,
            "grid": report["grid"],
            "author": report["author"],
            "captured_at": report["captured_at"],
            "clock_offset_ms": report.get("clock_offset_ms"),
            "corrected_at": times.corrected_text(report["captured_at"], report.get("clock_offset_ms")),
            "received_at": received_at,
            "filed_at": filed_at or received_at,
            "category": report["category"],
            "text": report["text"],
            "urgency": report["urgency"],
            "place": report["place"],
            "photos": photos,
            "source": report["source"],
        },
    }


def fold(events: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The case document of its events, in any order of arrival.

    Order is by position `n`, then time, then id: of two clerks who moved from the same state, the earlier one moved it; the
    later one's event is listed in `refused`. Raises ValueError when the first event is missing.
    """
    first, *later = sorted(events, key=lambda event: (event["n"], event["at"], event["_id"]))
    if first["move"] != "report":
        raise ValueError(first["case"])
    case = _opened(first)
    for event in later:
        move = MOVES.get(event["move"])
        if move is None or case["state"] not in move.sources:
            case["refused"].append(event["_id"])
            continue
        case["state"] = move.target
        case["applied"].append(event["_id"])
        case["events"] += 1
        case["updated_at"] = max(case["updated_at"], event["at"])
        case["last_event"] = {"move": event["move"], "at": event["at"], "by": event["by"]} | {
            field: event[field] for field in move.required
        }
    return case


def _opened(event: dict[str, Any]) -> dict[str, Any]:
    report = event["report"]
    return {
        "_id": event["case"],
        "type": "case",
        "v": 1,
        "case_no": ids.case_no(report["id"], report["grid"], times.from_text(report["received_at"])),
        "state": "reported",
        "unit": None,
        "due_at": None,
        "grid": report["grid"],
        "category": report["category"],
        "urgency": report["urgency"],
        "text": report["text"],
        "place": report["place"],
        "source": report["source"],
        "author": report["author"],
        "reports": [report["id"]],
        "database": report["database"],
        "photos": report["photos"],
        "captured_at": report["captured_at"],
        "clock_offset_ms": report["clock_offset_ms"],
        "corrected_at": report.get("corrected_at"),
        "received_at": report["received_at"],
        "filed_at": report.get("filed_at", report["received_at"]),
        "updated_at": report["received_at"],
        "last_event": {"move": "report", "at": event["at"], "by": event["by"]},
        "events": 1,
        "applied": [event["_id"]],
        "refused": [],
    }


def clock_starts_at(case: dict[str, Any]) -> str:
    """When a case's time limits begin: when the server received its report. Never when the phone says it was captured.

    A report that waited a week on a phone, or comes from a phone a day wrong, is not overdue the moment it arrives.
    """
    return str(case["received_at"])


def phone_copy(case: dict[str, Any]) -> dict[str, Any]:
    """What the phone is shown of a case (DESIGN §5, type `case`): no names of who moved it, no caller."""
    event = {name: value for name, value in case["last_event"].items() if name != "by"}
    return {
        "_id": case["_id"],
        "type": "case",
        "v": 1,
        "grid": case["grid"],
        "case_no": case["case_no"],
        "state": case["state"],
        "unit": case["unit"],
        "due_at": case["due_at"],
        "reports": case["reports"],
        "category": case["category"],
        "last_event": event,
        "events": case["events"],
        "updated_at": case["updated_at"],
    }
