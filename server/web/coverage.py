"""`/township/{code}/coverage`: which grids were walked of late, by grid. No names, no distances, no order by who did more."""

from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from server import coverage
from server.domain.grids import is_unplaced
from server.web import desks, locale, scopes
from server.web.services import services_of


def show_coverage(request: Request) -> Response:
    """`GET /township/{code}/coverage`: for the township's staff; community staff see their own grids."""
    services, code = services_of(request), str(request.path_params["code"])
    person = services.sessions.person_of(request)
    places, language = scopes.township(person, code).places, locale.language_of(request)
    starts = tuple(place.community or place.township for place in places)
    grids = sorted(grid for grid in services.names.grids(code) if grid.startswith(starts) and not is_unplaced(grid))
    figures = coverage.of_grids(services.couch, grids, datetime.now(UTC))
    rows = [{"name": services.names.grid(grid, language), **figures[grid]._asdict()} for grid in grids]
    return services.pages.show(request, "coverage.html", desks.frame_of(request, person, code) | {"rows": rows})
