"""A township's list of cases: the page, its filtered part, and the next rows. The search itself is `server/cases/search.py`."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.cases import search
from server.domain import workflow
from server.domain.permissions import Person
from server.web import case_views, desks, filters, locale
from server.web.services import services_of


def show_township(request: Request) -> Response:
    """`GET /township/{code}`: the page; to htmx the filtered list, or with a cursor only the rows that follow."""
    services, code = services_of(request), str(request.path_params["code"])
    person = services.sessions.person_of(request)
    query = filters.read(request.query_params, person, code)
    found = search.search(services.couch, code, query.filters, query.limit, query.cursor)
    path = request.url.path
    data = {
        "is_paged": query.cursor is not None,
        "rows": case_views.CaseViews(services.names, locale.language_of(request)).rows(found.cases),
        "more_url": None if found.next is None else query.url(path, cursor=found.next),
    }
    if query.cursor is None or not request.headers.get("hx-request"):
        data |= _frame(request, person, code, query)
    fragment = "_cases.html" if query.cursor is None else "_rows.html"
    return services.pages.show(request, "township.html", data, fragment=fragment)


def read_counts(request: Request) -> dict[str, int]:
    """How many cases each state has, of the part this person sees. Raises NotSignedIn, Missing."""
    services, code = services_of(request), str(request.path_params["code"])
    person = services.sessions.person_of(request)
    community = filters.own_community(person, code, request.query_params.get("community"))
    return search.counts(services.couch, code, community)


def _frame(request: Request, person: Person, code: str, query: filters.Query) -> dict[str, Any]:
    """What stands around the rows: the township's name, the tabs with their counts, the choices of the filters."""
    services, language = services_of(request), locale.language_of(request)
    path, community = request.url.path, query.filters.community
    counts = search.counts(services.couch, code, community)
    tabs = [{"state": "", "url": query.url(path, state=None), "count": sum(counts.values())}]
    tabs += [{"state": state, "url": query.url(path, state=state), "count": counts[state]} for state in workflow.STATES]
    grids = case_views.grid_choices(services.names, code, language)
    return desks.frame_of(request, person, code) | {
        "code": code,
        "tabs": tabs,
        "counts": counts,
        "list_url": query.url(path),
        "clear_url": path,
        "chosen": dict.fromkeys(filters.NAMES, "") | query.chosen,
        "is_filtered": bool(query.chosen.keys() - {"state"}),
        "categories": case_views.category_choices(services.names, language),
        "grids": [choice for choice in grids if community is None or choice["code"].startswith(community)],
    }
