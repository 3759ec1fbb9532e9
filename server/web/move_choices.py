"""What the choices of a move's form hold: units in groups with the proposed ones first, categories, grids, fixed words."""

from collections.abc import Mapping
from typing import Any

from server.domain import workflow
from server.domain.grids import township_of
from server.domain.routing import Proposal
from server.domain.workflow.fields import CHOICES
from server.web import locale
from server.web.names import Names

Choice = dict[str, Any]
# What a person may choose of a field's words, where it is not all of them.
OFFERED = {"outcome": ("solved", "not_solved")}


class Choices:
    """The choices of one form in one language. Reads names: call it from plain functions."""

    def __init__(self, names: Names, language: str, proposal: Proposal | None) -> None:
        self._names, self._language, self._proposal = names, language, proposal

    def of(self, field: str, case: Mapping[str, Any], move: str) -> list[Choice]:
        """`{value, name, group, is_proposed}` for each choice of a field; empty for a field that is typed."""
        if field in ("unit", "supporting"):
            return self._units(case, is_supporting=field == "supporting")
        if field == "entry":
            entry = self._proposal.entry_id if self._proposal and move == "dispatch" else None
            return [self._choice(entry, self._entry_name(), is_proposed=True)] if entry else []
        if field == "category":
            docs = self._names.categories().items()
            return [
                self._choice(code, self._names.category(code, self._language), group=str(doc.get("class", "")))
                for code, doc in docs
            ]
        if field == "grid":
            grids = self._names.grids(township_of(str(case["grid"]))).items()
            return [
                self._choice(code, self._names.grid(code, self._language), group=self._names.community(code, self._language))
                for code, _ in grids
            ]
        if field == "to":
            levels = workflow.LEVELS[workflow.rank(case["level"]) + 1 :]
            return [self._word(field, level) for level in levels] if case["urgency"] == "emergency" else []
        return [self._word(field, one) for one in OFFERED.get(field, CHOICES.get(field, ()))]

    def first(self, field: str) -> str:
        """What a field holds before anybody typed: what is proposed."""
        found = self._proposal
        if found is None:
            return ""
        return {"unit": found.primary, "entry": found.entry_id if found.primary else None}.get(field) or ""

    def proposal_view(self) -> Choice | None:
        """`{unit, why}`: which unit is proposed and by what, in words."""
        found = self._proposal
        if found is None or found.primary is None:
            return None
        return {"unit": self._names.unit(found.primary, self._language), "value": found.primary, "why": self._entry_name()}

    def _entry_name(self) -> str:
        found = self._proposal
        if found is None:
            return ""
        why = locale.text(self._language, f"proposal.{found.why}")
        return f"{why} {found.facts.get('item', '')}".strip()

    def _units(self, case: Mapping[str, Any], *, is_supporting: bool) -> list[Choice]:
        """The units that serve the case's place: those proposed, then by level, the township's own before all others."""
        found = self._proposal
        proposed = () if found is None else found.supporting if is_supporting else (found.primary,)
        choices = []
        for id, doc in self._names.units_serving(township_of(str(case["grid"]))).items():
            unit = f"unit:{id}"
            level = str(doc.get("level") or "township")
            known = level if level in workflow.LEVELS else "township"
            name = self._names.unit(id, self._language)
            choices.append(
                self._choice(unit, name, group=locale.text(self._language, f"level.{known}"), is_proposed=unit in proposed)
            )
        return sorted(choices, key=lambda choice: not choice["is_proposed"])

    def _word(self, field: str, value: str) -> Choice:
        return self._choice(value, locale.text(self._language, f"choice.{field}.{value}"))

    @staticmethod
    def _choice(value: str, name: str, *, group: str = "", is_proposed: bool = False) -> Choice:
        return {"value": value, "name": name, "group": group, "is_proposed": is_proposed}
