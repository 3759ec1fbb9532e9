"""What happened to a case, event by event, in words: who in whose name, what was decided, which photos. No HTTP here.

Codes become names; a caller's identity is in no event. Labels are `event.<move>` and `field.<field>`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from server.web import locale
from server.web.names import Names

Event = Mapping[str, Any]
View = dict[str, Any]
TEXTS = ("reason", "result", "text")
# Shown as label and value, in this order; each by what its values are.
PLACES = ("grid", "category")
UNITS = ("unit", "supporting", "units")
CHOICES = ("outcome", "how", "what", "kind", "to", "urgency")
PLAIN = ("entry", "authority", "address", "days", "stars", "into_no")


class Timeline:
    """Makes the lines of one case in one language."""

    def __init__(self, names: Names, language: str) -> None:
        self._names, self._language = names, language

    def of(self, case: Mapping[str, Any], events: Sequence[Event], people: Mapping[str, str]) -> list[View]:
        """One view an event, oldest first."""
        return [self._line(event, case, people) for event in events]

    def _line(self, event: Event, case: Mapping[str, Any], people: Mapping[str, str]) -> View:
        return {
            "move": event["move"],
            "at": event["at"],
            "by": self._who(event, people),
            "party": self._party(event),
            "texts": [event[name] for name in TEXTS if event.get(name)],
            "facts": [*self._facts(event), *self._timing(event, case)],
            "photos": list(event.get("photos", [])) if event["move"] != "report" else [],
            "whistle": event.get("whistle"),
            "case": event.get("into") or (event.get("absorbed") or {}).get("case"),
            "due_at": event.get("due_at") if event["move"] in ("dispatch", "take_on", "grant", "resume", "recalculate") else None,
            "is_refused": event["_id"] in case["refused"],
            "is_system": str(event["by"]).startswith("system"),
        }

    def _who(self, event: Event, people: Mapping[str, str]) -> str:
        by = str(event["by"])
        return locale.text(self._language, "event.by_system") if by.startswith("system") else people.get(by, by)

    def _party(self, event: Event) -> str | None:
        party = str(event.get("party") or "")
        return self._names.party(party, self._language) if ":" in party and not party.startswith(("user:", "system")) else None

    def _facts(self, event: Event) -> list[View]:
        named: dict[str, Callable[[Any], str]] = {
            "grid": lambda value: self._names.grid(value, self._language),
            "category": lambda value: self._names.category(value, self._language),
            **dict.fromkeys(UNITS, self._units),
            **{name: self._choice(name) for name in CHOICES},
            **dict.fromkeys(PLAIN, str),
        }
        found = [(name, show(event[name])) for name, show in named.items() if event.get(name) and not _is_known(event, name)]
        if event.get("amount"):
            found.append(
                ("amount", f"{event['amount']} {self._choice('amount_unit')(event.get('amount_unit') or 'working_days')}")
            )
        if event.get("errand"):
            found.append(("errand.state", locale.text(self._language, f"errand_state.{event['errand']['state']}")))
        if event.get("origin"):
            found.append(("origin", " ".join(str(event["origin"].get(part) or "") for part in ("system", "number"))))
        return [{"label": locale.text(self._language, f"field.{name}"), "value": value} for name, value in found]

    def _timing(self, event: Event, case: Mapping[str, Any]) -> list[View]:
        """Of a transfer, whether it was made in time: it is reported to the district as such."""
        in_time = case.get("transferred_in_time")
        if event["move"] != "transfer" or in_time is None or event["_id"] in case["refused"]:
            return []
        value = locale.text(self._language, "event.in_time" if in_time else "event.late")
        return [{"label": locale.text(self._language, "field.in_time"), "value": value}]

    def _units(self, value: Any) -> str:
        units = [value] if isinstance(value, str) else value
        return locale.text(self._language, "event.list_join").join(self._names.unit(unit, self._language) for unit in units)

    def _choice(self, name: str) -> Callable[[Any], str]:
        def show(value: Any) -> str:
            key = f"choice.{name}.{value}"
            return locale.text(self._language, key) if locale.has_text(key) else str(value)

        return show


def _is_known(event: Event, name: str) -> bool:
    """A report's own facts stand above the timeline; the kind of its category is no kind of task."""
    return bool(event["move"] == "report") and name == "kind"
