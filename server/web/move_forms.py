"""The fields of a move as a form or a JSON body brings them. What each may hold is `server/domain/workflow/fields.py`."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from server.domain import workflow

FIELDS = tuple({field: None for move in workflow.MOVES.values() if move.who for field in (*move.required, *move.optional)})
NUMBERS = frozenset({"stars", "days", "amount"})
LISTS = frozenset({"supporting", "photos"})

Text = Annotated[str, msgspec.Meta(max_length=2000)]
Texts = Annotated[list[Text], msgspec.Meta(max_length=50)]


class MoveBody(msgspec.Struct):
    """The body of `POST /api/cases/{id}/events`: the move and its own fields; which those are, the workflow says."""

    move: Annotated[str, msgspec.Meta(max_length=40)]
    reason: str | None = None
    result: str | None = None
    text: str | None = None
    unit: Text | None = None
    supporting: Texts | None = None
    entry: Text | None = None
    into: Text | None = None
    category: Text | None = None
    urgency: Text | None = None
    grid: Text | None = None
    address: Text | None = None
    photos: Texts | None = None
    outcome: Text | None = None
    how: Text | None = None
    stars: int | None = None
    to: Text | None = None
    authority: Text | None = None
    what: Text | None = None
    amount: int | None = None
    amount_unit: Text | None = None
    kind: Text | None = None
    days: int | None = None

    def fields(self) -> dict[str, Any]:
        """The move's fields that were given."""
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "move"}
        return {name: value for name, value in given.items() if value is not None}


def fields_of(form: Mapping[str, str]) -> dict[str, Any]:
    """The fields in a page's form: numbers as numbers, lists from boxes named `supporting:<value>`.

    What cannot be read stays as it was typed, for the workflow to refuse and the page to show again.
    """
    found: dict[str, Any] = {name: form[name] for name in FIELDS if name in form and name not in LISTS}
    found |= {name: int(found[name]) for name in NUMBERS & found.keys() if found[name].isascii() and found[name].isdigit()}
    for name in LISTS:
        ticked = [field.partition(":")[2] for field in form if field.startswith(f"{name}:")]
        if ticked:
            found[name] = ticked
    return found
