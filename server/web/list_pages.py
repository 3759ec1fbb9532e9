"""The lists of cases by whose they are: a township's, a unit's, a district's, and what waits for the reader.

Each is a scope; what a list looks like is `case_list.py`.
"""

from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import Missing
from server.domain.permissions import Person, may_use_desk
from server.web import case_list, district_views, locale, scopes
from server.web.scopes import Scope
from server.web.services import services_of


def show_township(request: Request) -> Response:
    """`GET /township/{code}`: a township's cases; community staff see their own."""
    return case_list.show(request, *_read(request, "township"))


def show_turn(request: Request) -> Response:
    """`GET /turn`: what waits for the reader."""
    return case_list.show(request, *_read(request, "turn"))


def show_unit(request: Request) -> Response:
    """`GET /unit`: what the reader's units have a part in, over all townships they serve."""
    return case_list.show(request, *_read(request, "unit"))


def show_district(request: Request) -> Response:
    """`GET /district/{code}`: the townships of a district with their figures, and their cases."""
    person, scope = _read(request, "district")
    services = services_of(request)
    table = district_views.townships(services.couch, services.names, scope, locale.language_of(request))
    return case_list.show(request, person, scope, "district.html", table=table)


def read_counts(request: Request) -> dict[str, int]:
    """The numbers of the tabs of whichever list the address names. Raises NotSignedIn, Missing."""
    return case_list.count(request, *read_scope(request))


def read_scope(request: Request) -> tuple[Person, Scope]:
    """Who asks, and for which list: by the first part of the address. Raises NotSignedIn, Missing."""
    return _read(request, request.url.path.split("/")[1])


def _read(request: Request, kind: str) -> tuple[Person, Scope]:
    services = services_of(request)
    person = services.sessions.person_of(request)
    code = str(request.path_params.get("code", ""))
    if kind == "township":
        return person, scopes.township(person, code, request.query_params.get("community"))
    if kind == "district":
        return person, scopes.district(person, code)
    if not may_use_desk(person):
        raise Missing
    return person, scopes.units(services.couch, person) if kind == "unit" else scopes.turn(services.couch, person)
