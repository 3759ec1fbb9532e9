"""View models: a case as the list's row and as the page show it. Codes become names, instants become words. No HTTP here.

Reads names from the store (kept for a short while): call it from plain functions.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from server.domain import case_rights, links, permissions, workflow
from server.domain.grids import is_unplaced, township_of
from server.domain.parties import parties_of
from server.domain.routing import Proposal
from server.domain.workflow import OPEN_STATES
from server.web import case_clock, case_times, home_views, locale, move_views
from server.web.names import Names
from server.web.timeline import Timeline

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

    def page(
        self, case: Case, events: Sequence[Mapping[str, Any]], person: permissions.Person, proposal: Proposal | None = None
    ) -> View:
        """Everything the case page shows besides the map."""
        request = case.get("request")
        known = {case["author"], *(event["by"] for event in events), *([request["by"]] if request else [])}
        people = self._names.people(known, self._language)
        place = case.get("place") or {}
        return self._row(case, people) | {
            "version": workflow.version_of(case),
            "revision": case["_rev"],
            "township": township_of(case["grid"]),
            "address": place.get("address"),
            "has_point": place.get("lat") is not None and place.get("lon") is not None,
            "source": case["source"],
            "errand": home_views.errand_papers(case["errand"]) if case.get("errand") else None,
            "origin": case.get("origin"),
            "links": [{"address": link, "name": links.name_of(link)} for link in case.get("links", ())],
            "photos": list(case["photos"]),
            "photos_after": _photos_after(case, events),
            "voice": case.get("voice"),
            "supporting": [self._names.unit(unit, self._language) for unit in case["supporting"]],
            "basis": case["basis"],
            "verification": case["verification"],
            "rating": case["rating"],
            "urges": case["urges"],
            "merged_into": case["merged_into"],
            "absorbed": [one["case"] for one in case["absorbed"]],
            "has_caller": case["has_caller"] and case_rights.may_read_caller(person, dict(case)),
            "request": request | {"by": people.get(request["by"], request["by"])} if request else None,
            "timeline": Timeline(self._names, self._language).of(case, events, people),
            "may_whistle": case["state"] in OPEN_STATES and f"township:{case['grid'][:9]}" in parties_of(person),
            "moves": move_views.MoveForms(self._names, self._language, person, proposal).of(dict(case)),
        }

    def changed_by(self, case: Case) -> View:
        """Who made the last move and when, for the message that something changed meanwhile."""
        last = case["last_event"]
        name = self._names.people({last["by"]}, self._language)[last["by"]]
        return {"by": name, "at": last["at"], "move": last["move"]}

    def _row(self, case: Case, people: Mapping[str, str]) -> View:
        turn = case.get("turn")
        return case_times.of(case, self._language) | {
            "id": case.get("id") or case["_id"],
            "case_no": case["case_no"],
            "state": case["state"],
            "level": case.get("level") or "community",
            "turn": self._names.party(turn, self._language) if turn else None,
            "limits": case_clock.of(case, self._now, self._language),
            "is_asked": bool(case.get("request")),
            "is_sample": case.get("sample") == "due" and case["state"] == "self_solved",
            "urgency": case["urgency"],
            "category": self._names.category(case["category"], self._language),
            "grid": self._grid(case["grid"]),
            "community": self._names.community(case["grid"], self._language),
            "township_name": self._names.township(township_of(case["grid"]), self._language),
            "unit": self._names.unit(case["unit"], self._language) if case["unit"] else None,
            "worker": people.get(case["author"], case["author"]),
            "text": case.get("text", ""),
            "thumbs": list(case["photos"][:THUMBS]),
            "photo_count": len(case["photos"]),
            "updated_at": case["updated_at"],
        }

    def _grid(self, grid: str) -> str:
        return locale.text(self._language, "case.unplaced") if is_unplaced(grid) else self._names.grid(grid, self._language)


def _photos_after(case: Case, events: Sequence[Mapping[str, Any]]) -> list[View]:
    """What the place looked like afterwards: photos of whoever put it right, then of whoever looked; `{photo, move}`."""
    solved = [{"photo": photo, "move": "solved"} for photo in (case.get("solved") or {}).get("photos", [])]
    later = [
        {"photo": photo, "move": event["move"]}
        for event in events
        if event["move"] in ("answer", "verify", "reply") and event["_id"] not in case["refused"]
        for photo in event.get("photos", [])
    ]
    return solved + later


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
