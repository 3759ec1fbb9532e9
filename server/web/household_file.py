"""One household's file at the desk: the page, and each sensitive field opened for a stated purpose. Looking is logged.

A value is only in the answer to a purpose, never behind an address that could be kept or sent on.
"""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.domain import permissions
from server.domain.errors import InvalidInput, Missing
from server.domain.grids import community_of, township_of
from server.domain.permissions import Person
from server.households import files
from server.households.files import File
from server.web import household_list, locale
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.home_views import HomeViews
from server.web.pages import wants_fragment
from server.web.services import services_of

Data = dict[str, Any]


def show_file(request: Request) -> Response:
    """`GET /households/{grid}/{id}`: the file, its sensitive fields masked."""
    person, file = found(request)
    files.look(services_of(request).couch, person, file, datetime.now(UTC))
    return page(request, person, file)


@takes_form
def open_field(request: Request, form: Form) -> Response:
    """`POST /households/{grid}/{id}/opening`: one sensitive field (`of`, `field`) for a `purpose`; logged before it is shown."""
    person, file = found(request)
    of, field = form.get("of", ""), form.get("field", "")
    try:
        files.open_field(services_of(request).couch, person, file, of, field, form.get("purpose", ""))
    except InvalidInput as error:
        return _field(request, person, file, (of, field), problem=error)
    return _field(request, person, file, (of, field))


def found(request: Request) -> tuple[Person, File]:
    """Who asks, and the file of the address. Raises Missing."""
    services = services_of(request)
    person = services.sessions.person_of(request)
    if not permissions.has_household_desk(person):
        raise Missing
    grid, id = (str(request.path_params[name]) for name in ("grid", "id"))
    return person, files.find(services.couch, person, grid, id)


def page(request: Request, person: Person, file: File, *, error: InvalidInput | None = None) -> Response:
    """The whole page, and what was wrong with what was asked of it."""
    if error is None:
        return _page(request, person, file)
    answer = Answer(error)
    return _page(request, person, file, problem=answer.text(locale.language_of(request)), status=answer.status)


def _field(request: Request, person: Person, file: File, which: tuple[str, str], problem: InvalidInput | None = None) -> Response:
    """One field after something was asked of it: alone for htmx, in its page for a plain form."""
    services, language = services_of(request), locale.language_of(request)
    of, field = which
    views = HomeViews(services.couch, services.names, language)
    status = Answer(problem).status if problem else 200
    words = Answer(problem).text(language) if problem else None
    shown = views.masked(file.document(of) or {}, field, is_open=problem is None)
    if wants_fragment(request):
        path = views.file(file)["path"]
        data = {"masked": shown, "path": path, "problem": words}
        return services.pages.show(request, "_household_masked.html", data, status=status)
    return _page(request, person, file, shown=shown, problem=words, status=status)


def _page(request: Request, person: Person, file: File, *, status: int = 200, shown: Data | None = None, **more: Any) -> Response:
    services, language = services_of(request), locale.language_of(request)
    places = permissions.household_places(person)
    grid = str(file.household["grid"])
    place = next(code for code in (township_of(grid), community_of(grid)) if code in places)
    view = HomeViews(services.couch, services.names, language).file(file)
    scope = township_of(grid)
    data = household_list.frame(request, person, place, household_list.LIST) | {
        "file": view,
        "shown": shown,
        "log_url": f"/audit?scope={scope}&subject={view['id']}" if permissions.may_read_audit(person, scope) else None,
        "may_erase": permissions.may_erase_households(person, grid),
        "problem": None,
        **more,
    }
    return services.pages.show(request, "household_file.html", data, status=status)
