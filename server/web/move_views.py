"""The moves that a person can make on a case, as forms: which fields each has and how each is typed. No HTTP here.

Which moves there are is `server/domain/workflow`; a form is `templates/_move.html`, a field `templates/_field.html`.
"""

from typing import Any

from server.domain import case_rights, workflow
from server.domain.grids import township_of
from server.domain.permissions import Person
from server.domain.workflow.fields import CHOICES
from server.web import locale
from server.web.names import Names

View = dict[str, Any]
Choice = dict[str, str]
# What a clerk does most stands as a button of its own; the rest is one click away.
PRIMARY = ("accept", "return", "file", "dispatch", "take_on", "start", "answer", "hand_back", "grant", "deny", "close", "rework")
KEYS = {"accept": "a", "return": "r", "close": "c", "dispatch": "d", "answer": "w", "file": "f", "start": "s", "rework": "b"}
LONG = frozenset({"reason", "result", "text"})
OUTCOMES = ("solved", "not_solved")


class MoveForms:
    """Makes the forms of one person in one language."""

    def __init__(self, names: Names, language: str, person: Person) -> None:
        self._names, self._language, self._person = names, language, person

    def of(self, case: dict[str, Any]) -> list[View]:
        """The forms of the moves that state, rights and rules allow this person now, the everyday ones first."""
        found = [self._form(name, case) for name in workflow.moves_from(case["state"]) if self._is_possible(name, case)]
        return sorted(found, key=lambda form: form["is_more"])

    def _is_possible(self, name: str, case: dict[str, Any]) -> bool:
        parties = case_rights.acting_parties(self._person, case, name)
        return any(workflow.is_open_to(case, name, self._person["name"], party) for party in parties)

    def _form(self, name: str, case: dict[str, Any]) -> View:
        row = workflow.MOVES[name]
        fields = [self._field(name, field, case, field in row.required) for field in (*row.required, *row.optional)]
        shown = [field for field in fields if field is not None]
        return {"name": name, "key_hint": KEYS.get(name, ""), "fields": shown, "is_more": name not in PRIMARY}

    def _field(self, move: str, field: str, case: dict[str, Any], is_required: bool) -> View | None:
        choices = self._choices(field, case)
        if field in ("photos", "entry") or (field in ("unit", "grid") and not choices):
            return None
        kind = "text"
        if field in LONG:
            kind = "long"
        elif choices:
            kind = "many" if field == "supporting" else "one"
        elif field in ("stars", "days", "amount"):
            kind = "number"
        label = f"field.{move}.{field}"
        return {
            "name": field,
            "kind": kind,
            "label": label if locale.has_text(label) else f"field.{field}",
            "is_required": is_required,
            "choices": choices,
            "words": "common.reason." if move == "return" else f"common.{move}.{field}.",
        }

    def _choices(self, field: str, case: dict[str, Any]) -> list[Choice]:
        if field in ("unit", "supporting"):
            units = self._names.units()
            return [{"value": f"unit:{id}", "name": self._names.unit(id, self._language)} for id in units]
        if field == "category":
            return [{"value": code, "name": self._names.category(code, self._language)} for code in self._names.categories()]
        if field == "grid":
            grids = self._names.grids(township_of(case["grid"]))
            return [{"value": code, "name": self._names.grid(code, self._language)} for code in grids]
        options = OUTCOMES if field == "outcome" else CHOICES.get(field, ())
        return [{"value": one, "name": locale.text(self._language, f"choice.{field}.{one}")} for one in options]
