"""A list of cases: the page, its filtered part, the next rows, and the counts of its tabs. Which cases is `scopes.py`."""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.cases import counting, search
from server.domain import workflow
from server.domain.permissions import Person
from server.web import case_views, desks, filters, locale, scopes
from server.web.scopes import Scope
from server.web.services import services_of

Data = dict[str, Any]


def show(request: Request, person: Person, scope: Scope, page: str = "township.html", **more: Any) -> Response:
    """The page; to htmx the filtered list, or with a cursor only the rows that follow."""
    services = services_of(request)
    query = filters.read(request.query_params, scope.turns)
    found = search.search(services.couch, scope.places, query.filters, query.limit, query.cursor)
    rows = case_views.CaseViews(services.names, locale.language_of(request)).rows(found.cases)
    data: Data = {
        "is_paged": query.cursor is not None,
        "rows": rows,
        "has_townships": not scope.is_one_township,
        "more_url": None if found.next is None else query.url(scope.path, cursor=found.next),
    }
    if query.cursor is None or not request.headers.get("hx-request"):
        data |= _frame(request, person, scope, query) | more
    fragment = "_cases.html" if query.cursor is None else "_rows.html"
    return services.pages.show(request, page, data, fragment=fragment)


def count(request: Request, person: Person, scope: Scope) -> dict[str, int]:
    """The numbers of a list's tabs: `all`, `turn`, `overdue` and each phase; of a single place each state, too."""
    couch = services_of(request).couch
    shown = _shown(request, person, scope)
    if shown and len(shown.places) == 1 and shown.places[0].units is None:
        found = counting.by_state_and_phase(couch, shown.places[0])
    else:
        found = counting.by_phase(couch, shown.places if shown else [])
    total = sum(found[phase] for phase in workflow.PHASES)
    overdue = counting.overdue(couch, shown.places if shown else [], datetime.now(UTC))
    return found | {"all": total, "turn": services_of(request).turns.count(person), "overdue": overdue}


def _shown(request: Request, person: Person, scope: Scope) -> Scope | None:
    """Whose tabs stand above a list: its own; above what waits for the reader those of the list that is theirs."""
    return scope if scope.turns is None else scopes.home(services_of(request).couch, person)


def _frame(request: Request, person: Person, scope: Scope, query: filters.Query) -> Data:
    """What stands around the rows: where one is, the tabs with their counts, the choices of the filters."""
    services, language = services_of(request), locale.language_of(request)
    counts = count(request, person, scope)
    one = scope.places[0] if scope.is_one_township else None
    grids = case_views.grid_choices(services.names, one.township, language) if one else []
    seen = tuple(place.community for place in scope.places if place.community)
    return desks.frame_of(request, person, one.township if one else "") | {
        "live_url": f"{scope.path}/live",
        "tabs": _tabs(_shown(request, person, scope), scope, query, counts),
        "counts": counts,
        "list_url": query.url(scope.path),
        "clear_url": scope.path,
        "search_url": scope.path,
        "chosen": dict.fromkeys((*filters.NAMES, "overdue"), "") | query.chosen,
        "is_turn": scope.turns is not None,
        "is_filtered": bool(query.chosen.keys() - {"phase", "overdue"}),
        "phases": workflow.PHASES,
        "categories": case_views.category_choices(services.names, language),
        "grids": [choice for choice in grids if not seen or choice["code"].startswith(seen)],
    }


def _tabs(shown: Scope | None, scope: Scope, query: filters.Query, counts: dict[str, int]) -> list[Data]:
    """What waits for the reader comes first, then the list as a whole, its phases, and what is overdue."""
    is_turn = scope.turns is not None
    tabs = [_tab("turn", query.url(scopes.TURN, phase=None, overdue=None, state=None), counts, is_current=is_turn)]
    if shown is None:
        return tabs
    chosen = "" if is_turn else query.chosen.get("phase") or ("overdue" if "overdue" in query.chosen else "all")
    choices = [("all", {}), *((phase, {"phase": phase}) for phase in workflow.PHASES), ("overdue", {"overdue": "1"})]
    for name, change in choices:
        url = query.url(shown.path, **({"phase": None, "overdue": None, "state": None} | change))
        tabs.append(_tab(name, url, counts, is_current=name == chosen))
    return tabs


def _tab(name: str, url: str, counts: dict[str, int], *, is_current: bool) -> Data:
    return {"name": name, "url": url, "count": counts[name], "is_current": is_current, "is_alarm": name == "overdue"}
