"""View models: a case as the list's row and as the page show it. Codes become names, instants become words. No HTTP here.

Reads names from the store (kept for a short while): call it from plain functions.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from server.domain import permissions
from server.domain.grids import township_of
from server.web import case_times, locale, move_views
from server.web.names import Names

THUMBS = 3
Case = Mapping[str, Any]
View = dict[str, Any]


class CaseViews:
    """Makes view models in one language at one moment."""

    def __init__(self, names: Names, language: str) -> None:
        self._names = names
        self._language = language
        self._now = datetime.now(UTC)

    def rows(self, cases: Sequence[Case]) -> list[View]:
        """The list's rows, in the order given."""
        people = self._names.people({case["author"] for case in cases}, self._language)
        return [self._row(case, people) for case in cases]

    def page(self, case: Case, events: Sequence[Mapping[str, Any]], person: permissions.Person) -> View:
        """Everything the case page shows besides the map."""
        people = self._names.people({case["author"], *(event["by"] for event in events)}, self._language)
        place = case.get("place") or {}
        return self._row(case, people) | {
            "version": case["_rev"],
            "township": township_of(case["grid"]),
            "photos": list(case["photos"]),
            "address": place.get("address"),
            "has_point": place.get("lat") is not None and place.get("lon") is not None,
            "source": case["source"],
            "errand": case.get("errand"),
            "timeline": [self._event(event, case, people) for event in events],
            "moves": move_views.MoveForms(self._names, self._language, person).of(dict(case)),
        }

    def changed_by(self, case: Case) -> View:
        """Who made the last move and when, for the message that something changed meanwhile."""
        last = case["last_event"]
        name = self._names.people({last["by"]}, self._language)[last["by"]]
        return {"by": name, "at": last["at"], "move": last["move"]}

    def _row(self, case: Case, people: Mapping[str, str]) -> View:
        return case_times.of(case, self._language) | {
            "id": case.get("id") or case["_id"],
            "case_no": case["case_no"],
            "state": case["state"],
            "urgency": case["urgency"],
            "category": self._names.category(case["category"], self._language),
            "grid": self._names.grid(case["grid"], self._language),
            "community": self._names.community(case["grid"], self._language),
            "unit": self._names.unit(case["unit"], self._language) if case["unit"] else None,
            "worker": people.get(case["author"], case["author"]),
            "text": case.get("text", ""),
            "thumbs": list(case["photos"][:THUMBS]),
            "photo_count": len(case["photos"]),
            "updated_at": case["updated_at"],
        }

    def _event(self, event: Mapping[str, Any], case: Case, people: Mapping[str, str]) -> View:
        return {
            "move": event["move"],
            "at": event["at"],
            "by": people.get(event["by"], event["by"]),
            "text": event.get("reason") or event.get("result") or event.get("text") or "",
            "photos": event.get("photos", []),
            "outcome": event.get("outcome"),
            "is_refused": event["_id"] in case["refused"],
        }


def category_choices(names: Names, language: str) -> list[View]:
    """The categories for the list's filter: code, name, class."""
    return [
        {"code": code, "name": locale.named(doc.get("name"), language, code), "group": str(doc.get("class", ""))}
        for code, doc in names.categories().items()
    ]


def grid_choices(names: Names, township: str, language: str) -> list[View]:
    """The grids for the list's filter, each with its community."""
    return [
        {
            "code": code,
            "name": locale.named(doc.get("name"), language, code),
            "group": locale.named(doc.get("community", {}).get("name"), language, code[:12]),
        }
        for code, doc in names.grids(township).items()
    ]
