"""The fields of moves and what each may hold. Pure; nothing here knows which move is asked for or by whom."""

import re
from collections.abc import Callable
from typing import Any

from server.domain import ids, move_fields
from server.domain.grids import is_grid
from server.domain.workflow.moves import Move
from server.domain.workflow.states import LEVELS

TEXT_LENGTH = 1000
PHOTOS_MOST = 30
UNITS_MOST = 10
DAYS_MOST = 60
AMOUNT_MOST = 120
UNIT = re.compile(r"unit:[a-z0-9_.-]{1,64}")
ENTRY = re.compile(r"[a-z]+(:[A-Za-z0-9_.-]{1,64}){1,3}")
TASK_KINDS = ("verify", "look_again", "visit", "campaign", "fix")
TEXTS = frozenset({"reason", "result", "text", "authority", "address"})
# Fields only the system fills: they are its own to check.
OWN = frozenset({"absorbed", "released", "whistle", "units", "origin", "errand"})
CHOICES: dict[str, tuple[str, ...]] = {
    "what": ("stop", "extension", "shelf"),
    "amount_unit": ("working_hours", "working_days"),
    "how": ("site", "phone", "photos"),
    "urgency": ("normal", "urgent", "emergency"),
    "to": LEVELS[1:],
    "kind": TASK_KINDS,
    "outcome": ("solved", "not_solved", "done", "not_done", "declined"),
}


def _is_list(value: Any, most: int, is_sound: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and len(value) <= most and all(is_sound(one) for one in value)


def _is_number(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


SHAPES: dict[str, Callable[[Any], bool]] = {
    "unit": lambda value: isinstance(value, str) and UNIT.fullmatch(value) is not None,
    "supporting": lambda value: _is_list(value, UNITS_MOST, SHAPES["unit"]),
    "entry": lambda value: isinstance(value, str) and ENTRY.fullmatch(value) is not None,
    "into": lambda value: ids.is_record_id(value, "case"),
    "task": lambda value: ids.is_record_id(value, "task"),
    "photos": lambda value: _is_list(value, PHOTOS_MOST, lambda one: ids.is_record_id(one, "photo")),
    "grid": is_grid,
    "category": lambda value: isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,32}", value) is not None,
    "stars": lambda value: _is_number(value, 5),
    "days": lambda value: _is_number(value, DAYS_MOST),
    "amount": lambda value: _is_number(value, AMOUNT_MOST),
}


def read(move: Move, given: dict[str, Any]) -> dict[str, Any]:
    """The move's own fields of those given, texts trimmed, empty ones left out. Raises InvalidInput naming what is wrong."""
    return move_fields.read(move.required, move.optional, given, _problem)


def _problem(field: str, value: Any) -> str | None:
    if field in TEXTS:
        if not isinstance(value, str):
            return "required"
        return "too_long" if len(value) > TEXT_LENGTH else None
    if field in CHOICES:
        return None if value in CHOICES[field] else "unknown"
    if field in OWN:
        return None
    return None if SHAPES[field](value) else "invalid"
