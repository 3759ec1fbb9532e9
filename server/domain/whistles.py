"""吹哨报到: a township calls units to a place by a time; they acknowledge, sign in on the spot, work, and leave only when the
township says that it is solved (DESIGN §4, §10). A whistle is the fold of its events, like a case. Pure.

It holds the unit, not the person: a named relief may take over. Late and absent are counted for units, never for people.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from server.domain import ids, move_fields
from server.domain.errors import IllegalMove, RuleBroken
from server.domain.parties import parties_of
from server.domain.permissions import Person, has_whistle_board

Whistle = dict[str, Any]
Event = dict[str, Any]

TEXT_LENGTH = 1000
NAME_LENGTH = 60
UNITS_MOST = 20
# A sign-in from farther away than this is kept and shown as far: receivers between houses err by a street, seldom by more.
NEAR_M = 500
EARTH_M = 6_371_000


class Move(NamedTuple):
    """One row: who may (`township` or `unit`), and which fields it needs and may have."""

    who: str
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


MOVES: dict[str, Move] = {
    "call": Move("township", ("unit",), ("text",)),
    "acknowledge": Move("unit", (), ("text",)),
    "sign_in": Move("unit", ("name",), ("lat", "lon", "accuracy_m", "text")),
    "relieve": Move("unit", ("name", "relief")),
    "report": Move("unit", ("text",)),
    "solve": Move("township", ("text",)),
}
# What a unit may try and is told the rule about: 问题不解决、部门不撤离.
LEAVE = "leave"
TEXTS = {"text": TEXT_LENGTH, "name": NAME_LENGTH, "relief": NAME_LENGTH}
NUMBERS = {"lat": 90.0, "lon": 180.0, "accuracy_m": 100_000.0}


def event_id(whistle: str, key: str) -> str:
    """The id of a whistle's event: `call:<whistle uuid>:<idempotency key>`."""
    return f"call:{ids.uuid_of(whistle)}:{key}"


def read_fields(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The move's own fields, checked and trimmed. Raises InvalidInput naming what is wrong."""
    move = MOVES[name]
    return move_fields.read(move.required, move.optional, given, _problem)


def _problem(field: str, value: Any) -> str | None:
    if field in NUMBERS:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        return None if is_number and abs(value) <= NUMBERS[field] else "invalid"
    if not isinstance(value, str):
        return "invalid"
    return "too_long" if len(value) > TEXTS.get(field, 80) else None


def acting_party(person: Person, whistle: Whistle, name: str) -> str | None:
    """In whose name this person may make this move; None when they may not."""
    wanted = MOVES[name].who if name in MOVES else "unit"
    if wanted == "township":
        party = f"township:{whistle['township']}"
        return party if party in parties_of(person) else None
    return next((unit for unit in whistle["calls"] if unit in person.get("units", ())), None)


def may_see(person: Person, whistle: Whistle) -> bool:
    """True for the township, those above it, and the units that were called."""
    is_own = whistle["township"] in person.get("townships", ()) or not set(whistle["calls"]).isdisjoint(person.get("units", ()))
    return has_whistle_board(person) and is_own


def check(whistle: Whistle, name: str, party: str, fields: dict[str, Any]) -> None:
    """Raises IllegalMove or RuleBroken when the move cannot be made as the whistle stands."""
    rule = broken_rule(whistle, {"move": name, "party": party} | fields)
    if rule == "whistle_over":
        raise IllegalMove("whistle_over", move=name, state=whistle["state"])
    if rule is not None:
        raise RuleBroken(rule, move=name, state=whistle["state"])


def broken_rule(whistle: Whistle, event: Event) -> str | None:
    """The rule an event breaks where the whistle stands, or None."""
    if whistle["state"] != "open":
        return "whistle_over"
    call = whistle["calls"].get(event["party"])
    if event["move"] == LEAVE:
        return "held_until_solved"
    if event["move"] == "call":
        return "called_already" if event["unit"] in whistle["calls"] else None
    if event["move"] == "relieve":
        present = {one["name"] for one in call["people"] if one["until"] is None} if call else set()
        return None if event["name"] in present else "nobody_to_relieve"
    return None


def fold(events: Iterable[Event]) -> Whistle:
    """The whistle of its events, in any order of arrival. Raises ValueError when the first one is missing."""
    first, *later = sorted(events, key=lambda event: (event["n"], event["at"], event["_id"]))
    if first["move"] != "blow":
        raise ValueError(first["whistle"])
    whistle = _blown(first)
    for event in later:
        effect = EFFECTS.get(event["move"])
        if effect is None or broken_rule(whistle, event):
            whistle["refused"].append(event["_id"])
            continue
        effect(whistle, event)
        whistle["applied"].append(event["_id"])
        whistle["events"] += 1
        whistle["updated_at"] = max(whistle["updated_at"], event["at"])
    return whistle


def standing(call: dict[str, Any], by_at: str, now: str) -> str:
    """How one unit stands: present, late (came after its time), acknowledged, called, or absent (time is over, nobody came)."""
    if call["arrived_at"]:
        return "late" if call["arrived_at"] > by_at else "present"
    if now > by_at:
        return "absent"
    return "acknowledged" if call["acknowledged_at"] else "called"


def metres_between(one: dict[str, Any] | None, other: dict[str, Any] | None) -> int | None:
    """The distance of two points (`lat`, `lon`, WGS-84) along the ground; None when either is unknown."""
    if not one or not other or None in (one.get("lat"), one.get("lon"), other.get("lat"), other.get("lon")):
        return None
    a, b = math.radians(one["lat"]), math.radians(other["lat"])
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(other["lon"] - one["lon"]) / 2) ** 2
    return round(2 * EARTH_M * math.asin(min(1.0, math.sqrt(half))))


def _blown(event: Event) -> Whistle:
    facts = ("township", "case", "grid", "place", "text", "by_at")
    return {
        "_id": event["whistle"],
        "type": "whistle",
        "v": 1,
        **{name: event[name] for name in facts},
        "state": "open",
        "calls": {unit: _call(event["at"]) for unit in event["units"]},
        "blown_at": event["at"],
        "by": event["by"],
        "solved_at": None,
        "solution": None,
        "updated_at": event["at"],
        "events": 1,
        "applied": [event["_id"]],
        "refused": [],
    }


def _call(at: str) -> dict[str, Any]:
    return {"called_at": at, "acknowledged_at": None, "arrived_at": None, "people": [], "reports": []}


def _called(whistle: Whistle, event: Event) -> None:
    whistle["calls"] = whistle["calls"] | {event["unit"]: _call(event["at"])}


def _acknowledged(whistle: Whistle, event: Event) -> None:
    call = whistle["calls"][event["party"]]
    call["acknowledged_at"] = call["acknowledged_at"] or event["at"]


def _signed_in(whistle: Whistle, event: Event) -> None:
    call = whistle["calls"][event["party"]]
    call["arrived_at"] = call["arrived_at"] or event["at"]
    call["acknowledged_at"] = call["acknowledged_at"] or event["at"]
    point = {name: event.get(name) for name in ("lat", "lon", "accuracy_m")}
    metres = metres_between(point, whistle["place"])
    here = {"name": event["name"], "since": event["at"], "until": None, "metres": metres}
    call["people"] = [*(one for one in call["people"] if one["name"] != event["name"] or one["until"]), here]


def _relieved(whistle: Whistle, event: Event) -> None:
    call = whistle["calls"][event["party"]]
    gone = [one | {"until": event["at"]} if one["name"] == event["name"] and not one["until"] else one for one in call["people"]]
    call["people"] = [*gone, {"name": event["relief"], "since": event["at"], "until": None, "metres": None}]


def _reported(whistle: Whistle, event: Event) -> None:
    call = whistle["calls"][event["party"]]
    call["reports"] = [*call["reports"], {"at": event["at"], "text": event["text"]}][-50:]


def _solved(whistle: Whistle, event: Event) -> None:
    whistle["state"], whistle["solved_at"], whistle["solution"] = "solved", event["at"], event["text"]


EFFECTS: dict[str, Callable[[Whistle, Event], None]] = {
    "call": _called,
    "acknowledge": _acknowledged,
    "sign_in": _signed_in,
    "relieve": _relieved,
    "report": _reported,
    "solve": _solved,
}


def figures(whistles: Iterable[Whistle], now: str) -> dict[str, dict[str, int]]:
    """`{unit: {called, present, late, absent}}`: how often each unit was called and how it came. Of units, never of people."""
    found: dict[str, dict[str, int]] = {}
    for whistle in whistles:
        end = whistle["solved_at"] or now
        for unit, call in whistle["calls"].items():
            mine = found.setdefault(unit, dict.fromkeys(("called", "present", "late", "absent"), 0))
            mine["called"] += 1
            how = standing(call, whistle["by_at"], end)
            # Who is still awaited or on the way has not come in any of the ways that are counted.
            if how in {"present", "late", "absent"}:
                mine[how] += 1
    return found
