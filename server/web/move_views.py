"""The moves that a person can make on a case, as forms: which fields each has and how each is typed. No HTTP here.

Which moves there are is `server/domain/workflow`; a form is `templates/_move.html`, a field `templates/_field.html`; what a
choice holds is `move_choices.py`.
"""

from typing import Any

from server.domain import case_rights, workflow
from server.domain.permissions import Person
from server.domain.routing import Proposal
from server.web import locale
from server.web.move_choices import Choices
from server.web.names import Names

View = dict[str, Any]
# What a clerk does most stands as a button of its own; the rest is one click away.
PRIMARY = (
    *("accept", "return", "file", "dispatch", "take_on", "start", "answer", "hand_back", "grant", "deny", "ask_verification"),
    *("verify", "close", "rework", "pass_check", "fail_check", "unshelve", "resume", "escalate", "ask"),
)
# What answers a request stands beside it, before everything else.
ANSWERS = ("grant", "deny")
# One of these is what the state waits for: its button is the coloured one.
NEXT = ("grant", "accept", "dispatch", "start", "answer", "ask_verification", "verify", "close", "pass_check", "unshelve")
KEYS = {
    **{"accept": "a", "return": "r", "close": "c", "dispatch": "d", "answer": "w", "file": "f", "start": "s", "rework": "b"},
    **{"grant": "g", "verify": "v", "escalate": "e", "pass_check": "o"},
}
LONG = frozenset({"reason", "result", "text"})
NUMBERS = frozenset({"stars", "days", "amount"})
# Moves whose photos can be put in at a desk; a reporter's come from the phone.
WITH_PHOTOS = frozenset({"answer", "verify", "remark"})


class MoveForms:
    """Makes the forms of one person in one language. `proposal`: the units that the lists propose for the case."""

    def __init__(self, names: Names, language: str, person: Person, proposal: Proposal | None = None) -> None:
        self._language, self._person = language, person
        self._choices = Choices(names, language, proposal)

    def of(self, case: dict[str, Any]) -> list[View]:
        """The forms of the moves that state, rights and rules allow this person now, the everyday ones first."""
        possible = [name for name in workflow.moves_from(case["state"]) if self._is_possible(name, case)]
        following = next((name for name in NEXT if name in possible), None)
        found = [self._form(name, case, name == following) for name in possible]
        order = {name: place for place, name in enumerate(PRIMARY)}
        return sorted(found, key=lambda form: (not form["is_next"], order.get(form["name"], len(order))))

    def _is_possible(self, name: str, case: dict[str, Any]) -> bool:
        parties = case_rights.acting_parties(self._person, case, name)
        return any(workflow.is_open_to(case, name, self._person["name"], party) for party in parties)

    def _form(self, name: str, case: dict[str, Any], is_next: bool) -> View:
        row = workflow.MOVES[name]
        fields = [self._field(name, field, case, field in row.required) for field in (*row.required, *row.optional)]
        return {
            "name": name,
            "key_hint": KEYS.get(name, ""),
            "fields": [field for field in fields if field is not None],
            "is_more": name not in PRIMARY,
            "is_next": is_next,
            "is_answer": name in ANSWERS,
            "has_files": name in WITH_PHOTOS,
            "proposal": self._choices.proposal_view() if name == "dispatch" else None,
        }

    def _field(self, move: str, field: str, case: dict[str, Any], is_required: bool) -> View | None:
        choices = self._choices.of(field, case, move)
        if (field == "photos" and move not in WITH_PHOTOS) or (field in ("unit", "grid", "entry") and not choices):
            return None
        label = f"field.{move}.{field}"
        return {
            "name": field,
            "kind": self._kind(field, bool(choices)),
            "label": label if locale.has_text(label) else f"field.{field}",
            "is_required": is_required,
            "choices": choices,
            "value": self._choices.first(field) if move == "dispatch" else "",
            "words": "common.reason." if move == "return" else f"common.{move}.{field}.",
        }

    @staticmethod
    def _kind(field: str, has_choices: bool) -> str:
        if field == "photos":
            return "files"
        if field in LONG:
            return "long"
        if has_choices:
            return "many" if field == "supporting" else "one"
        return "number" if field in NUMBERS else "text"
