"""View models of whistles: the board's rows, one whistle, the figures of units. Codes become names. No HTTP here."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from server.domain import times, whistles
from server.domain.permissions import Person
from server.web.names import Names

View = dict[str, Any]
ORDER = ("absent", "late", "called", "acknowledged", "present")


class WhistleViews:
    """Makes view models in one language at one moment."""

    def __init__(self, names: Names, language: str) -> None:
        self._names, self._language = names, language
        self._now = times.to_text(datetime.now(UTC))

    def units(self, townships: Sequence[str]) -> list[View]:
        """The units that can be called to these townships."""
        found = {id: None for township in townships for id in self._names.units_serving(township)}
        return [{"id": f"unit:{id}", "name": self._names.unit(f"unit:{id}", self._language)} for id in found]

    def rows(self, found: Sequence[View]) -> list[View]:
        """The board's rows, in the order given."""
        return [self._row(one) for one in found]

    def figures(self, found: Sequence[View]) -> list[View]:
        """How often each unit was called and how it came, those with most to answer for first; of units, never of people."""
        counted = whistles.figures(found, self._now)
        rows = [{"unit": self._names.unit(unit, self._language), **figures} for unit, figures in counted.items()]
        return sorted(rows, key=lambda row: (-row["absent"], -row["late"], row["unit"]))

    def page(self, whistle: View, person: Person) -> View:
        """Everything the page of a whistle shows."""
        mine = whistles.acting_party(person, whistle, "sign_in")
        present = [one["name"] for one in whistle["calls"][mine]["people"] if not one["until"]] if mine else []
        done = {"acknowledge"} if mine and whistle["calls"][mine]["acknowledged_at"] else set()
        done |= set() if present else {"relieve"}
        moves = [name for name in whistles.MOVES if name not in done and whistles.acting_party(person, whistle, name)]
        left = [unit for unit in self.units([whistle["township"]]) if unit["id"] not in whistle["calls"]]
        return self._row(whistle) | {
            "moves": moves if whistle["state"] == "open" else [],
            "is_held": mine is not None and whistle["state"] == "open",
            "mine": mine,
            "present": present,
            "other_units": left,
            "solution": whistle["solution"],
            "solved_at": whistle["solved_at"],
            "point": whistle["place"] if whistle["place"].get("lat") is not None else None,
        }

    def _row(self, whistle: View) -> View:
        end = whistle["solved_at"] or self._now
        calls = [self._call(unit, call, whistle, end) for unit, call in whistle["calls"].items()]
        return {
            "id": whistle["_id"],
            "township": whistle["township"],
            "where": self._names.township(whistle["township"], self._language),
            "address": whistle["place"].get("address") or "",
            "text": whistle["text"],
            "case": whistle["case"],
            "state": whistle["state"],
            "blown_at": whistle["blown_at"],
            "by_at": whistle["by_at"],
            "is_over_time": whistle["by_at"] < self._now and whistle["state"] == "open",
            "calls": sorted(calls, key=lambda call: (ORDER.index(call["standing"]), call["name"])),
        }

    def _call(self, unit: str, call: View, whistle: View, end: str) -> View:
        return {
            "unit": unit,
            "name": self._names.unit(unit, self._language),
            "standing": whistles.standing(call, whistle["by_at"], end),
            "acknowledged_at": call["acknowledged_at"],
            "arrived_at": call["arrived_at"],
            "people": call["people"],
            "reports": call["reports"],
        }
