"""What `/api/openapi.json` says of moves: one schema each, made from the tables of the flows themselves.

The tables are `server/domain/workflow/moves.py` and `server/domain/whistles.py`, what a field may hold `workflow/fields.py`.
Here are only the words for their actors and clocks; a new actor or clock without words raises KeyError.
"""

from collections.abc import Iterable
from typing import Any

from server.domain import ids, whistles, workflow
from server.domain.workflow import fields

Json = dict[str, Any]

ACTORS = {
    "holder": "staff of the level that holds it (the township also for what its community holds)",
    "above": "staff of a higher level",
    "approver": "staff of the holding level or a higher one, other than who asked",
    "unit": "the unit that handles it",
    "supporting": "a unit named to help",
    "other": "staff of the holding level or a higher one that did not handle it",
    "reporter": "who reported it",
    "township": "the township that blew it",
}
CLOCKS = {
    "": "",
    "start": "Starts the whole case's clock the first time; the state's clock begins.",
    "state": "The state's clock begins anew.",
    "grant": "Stops the clocks or gives more time, as was asked for.",
    "run": "The clocks run again.",
    "end": "The clocks end.",
}
WHISTLE_TEXTS = {
    "call": "calls one more unit",
    "acknowledge": "says that it is coming",
    "sign_in": "is on the spot",
    "relieve": "a named relief takes over from a person",
    "report": "says what was done",
    "solve": "says that it is solved and lets the units go",
}
NUMBERS = {"stars": 5, "days": fields.DAYS_MOST, "amount": fields.AMOUNT_MOST}


def _text(**more: Any) -> Json:
    return {"type": "string", **more}


def _record(kind: str) -> Json:
    return _text(pattern=f"^{kind}:{ids.UUID_V7}$")


UNIT = _text(pattern=f"^{fields.UNIT.pattern}$")
SHAPES: dict[str, Json] = {
    "unit": UNIT,
    "supporting": {"type": "array", "items": UNIT, "maxItems": fields.UNITS_MOST},
    "entry": _text(pattern=f"^{fields.ENTRY.pattern}$", description="the list entry that it rests on"),
    "into": _record("case"),
    "photos": {"type": "array", "items": _record("photo"), "maxItems": fields.PHOTOS_MOST},
    "grid": _text(pattern="^[0-9]{15}$"),
    "category": _text(pattern="^[A-Za-z0-9_.-]{1,32}$"),
}


def case_moves() -> Json:
    """The body of `POST /api/cases/{id}/events`: one schema for each move that people can make."""
    return _any_of(_case_move(name, move) for name, move in workflow.MOVES.items() if move.who)


def whistle_moves() -> Json:
    """The body of `POST /api/whistles/{id}/events`."""
    return _any_of(_whistle_move(name, move) for name, move in whistles.MOVES.items())


def _any_of(moves: Iterable[Json]) -> Json:
    return {"oneOf": list(moves), "discriminator": {"propertyName": "move"}}


def _case_move(name: str, move: workflow.Move) -> Json:
    sources = [state for state in workflow.STATES if state in move.sources]
    where = "any state" if len(sources) == len(workflow.STATES) else ", ".join(sources)
    shown = "Not shown to the reporter." if move.shown is None else _shown(move.shown)
    said = [f"By {_who(move.who)}.", f"From {where}; to {move.target or 'the same state, or as the case says'}."]
    return _shape(name, move.required, move.optional, [*said, CLOCKS[move.clock], shown], _field) | {
        "x-who": list(move.who),
        "x-from": sources,
        "x-to": move.target,
    }


def _shown(names: tuple[str, ...]) -> str:
    return f"The reporter sees that it was made{' and its ' + ', '.join(names) if names else ''}."


def _who(actors: Iterable[str]) -> str:
    return "; or ".join(ACTORS[actor] for actor in actors)


def _field(name: str) -> Json:
    """What a field of a case's move may hold. Raises KeyError for one that is not described."""
    if name in fields.TEXTS:
        return _text(minLength=1, maxLength=fields.TEXT_LENGTH)
    if name in fields.CHOICES:
        return _text(enum=list(fields.CHOICES[name]))
    if name in NUMBERS:
        return {"type": "integer", "minimum": 1, "maximum": NUMBERS[name]}
    return SHAPES[name]


def _whistle_move(name: str, move: whistles.Move) -> Json:
    who = ACTORS["township"] if move.who == "township" else "a unit that was called"
    return _shape(name, move.required, move.optional, [f"By {who}: {WHISTLE_TEXTS[name]}."], _whistle_field) | {
        "x-who": [move.who]
    }


def _whistle_field(name: str) -> Json:
    if name in whistles.NUMBERS:
        most = whistles.NUMBERS[name]
        return {"type": "number", "minimum": -most, "maximum": most}
    return UNIT if name == "unit" else _text(minLength=1, maxLength=whistles.TEXTS[name])


def _shape(name: str, required: Iterable[str], optional: Iterable[str], said: Iterable[str], of: Any) -> Json:
    properties = {field: of(field) for field in (*required, *optional)}
    return {
        "type": "object",
        "title": name,
        "description": " ".join(text for text in said if text),
        "required": ["move", *required],
        "properties": {"move": {"const": name}, **properties},
    }
