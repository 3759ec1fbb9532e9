"""Reading what somebody gave a move: the fields it needs and may have, trimmed, empty ones left out. Pure.

What a field may hold is each kind of move's own: `workflow/fields.py` for cases, `whistles.py` for whistles.
"""

from collections.abc import Callable, Iterable
from typing import Any

from server.domain.errors import InvalidInput


def read(
    required: Iterable[str], optional: Iterable[str], given: dict[str, Any], problem_of: Callable[[str, Any], str | None]
) -> dict[str, Any]:
    """The named fields of those given. `problem_of(field, value)` is a code or None. Raises InvalidInput naming what is wrong."""
    needed = tuple(required)
    found: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    for field in (*needed, *optional):
        value = given.get(field)
        value = value.strip() if isinstance(value, str) else value
        if value in (None, "", []):
            if field in needed:
                wrong[field] = "required"
        elif problem := problem_of(field, value):
            wrong[field] = problem
        else:
            found[field] = value
    if wrong:
        raise InvalidInput(wrong)
    return found
