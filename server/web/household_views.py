"""View models of superseded values: whose file, which field, what it says now and what it had said, who wrote it and when.

Sensitive values are left out unless the entry was opened. No HTTP here; reads names from the store: call it from plain functions.
"""

from collections.abc import Sequence
from typing import Any

from server.domain import hlc, merge, times
from server.households import reviews
from server.web import locale
from server.web.names import Names
from sync.couch import Couch

WORDS = {"housing": "housing", "state": "errand_state"}
View = dict[str, Any]


class HouseholdViews:
    """Makes view models in one language."""

    def __init__(self, couch: Couch, names: Names, language: str) -> None:
        self._couch = couch
        self._names = names
        self._language = language

    def entries(self, found: Sequence[reviews.Lost], opened: str | None = None) -> list[View]:
        """One entry each; `opened` is the key of the one whose sensitive values are shown."""
        stamps = {lost.edit.stamp for lost in found} | {_present_stamp(lost) for lost in found}
        users = reviews.authors(self._couch, stamps)
        people = self._names.people(set(users.values()), self._language)
        by = {stamp: people[user] for stamp, user in users.items()}
        return [self._entry(lost, by, is_shown=lost.key == opened or not lost.is_sensitive) for lost in found]

    def _entry(self, lost: reviews.Lost, by: dict[str, str], *, is_shown: bool) -> View:
        present_stamp = _present_stamp(lost)
        return {
            "path": f"/households/{lost.grid}/{lost.doc['_id']}/{lost.key}",
            "key": lost.key,
            "grid": self._names.grid(lost.grid, self._language),
            "address": _address(lost.household or lost.doc),
            "of": lost.doc.get("name") or lost.doc.get("item"),
            "type": lost.doc["type"],
            "field": self._field(lost),
            "is_sensitive": lost.is_sensitive,
            "is_shown": is_shown,
            "now": {"text": self._value(lost, _present(lost)) if is_shown else None, **_origin(present_stamp, by)},
            "lost": {"text": self._value(lost, lost.edit.value) if is_shown else None, **_origin(lost.edit.stamp, by)},
        }

    def _field(self, lost: reviews.Lost) -> str:
        name, _, _ = lost.edit.field.partition("/")
        return locale.text(self._language, f"field.{lost.doc['type']}.{name}")

    def _value(self, lost: reviews.Lost, value: Any) -> str:
        """A value in words; empty for none."""
        name = lost.edit.field
        if value is None:
            return ""
        if name in WORDS:
            return locale.text(self._language, f"{WORDS[name]}.{value}")
        if name == "basis":
            return f"{value['purpose']} · {locale.text(self._language, 'how.' + value['how'])}"
        if name.startswith(f"{merge.ITEMS}/"):
            state = locale.text(self._language, f"material.{value.get('state', 'missing')}")
            return " · ".join(filter(None, [value["name"], state, value.get("remark")]))
        return "、".join(value) if isinstance(value, list) else str(value)


def _present(lost: reviews.Lost) -> Any:
    name, _, key = lost.edit.field.partition("/")
    value = lost.doc.get(name)
    return next((item for item in value or [] if item.get("key") == key), None) if key else value


def _present_stamp(lost: reviews.Lost) -> str:
    return str(lost.doc.get("stamps", {}).get(lost.edit.field, ""))


def _origin(stamp: str, by: dict[str, str]) -> View:
    at = hlc.made_at(stamp)
    return {"by": by.get(stamp), "at": times.to_text(at) if at else None}


def _address(household: reviews.Document) -> str:
    parts = (household.get(name) for name in ("address", "building", "unit", "room"))
    return " ".join(part for part in parts if part)
