"""Superseded values of household files at the community's desk: the list, and what may be done with one of them.

Every entry is a form of its own. A sensitive value is shown only in the answer to a stated purpose, never by an address that
could be kept or sent on. The use cases are `server/households/`.
"""

from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.domain import permissions
from server.domain.errors import Changed, InvalidInput, Missing
from server.domain.grids import community_of, township_of
from server.domain.permissions import Person
from server.households import reviews
from server.web import household_list, locale
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.household_views import HouseholdViews
from server.web.pages import wants_fragment
from server.web.services import Services, services_of
from sync.databases import home_db

Data = dict[str, Any]


def show_reviews(request: Request) -> Response:
    """`GET /households/reviews?grid=`: what waits for review in the person's community, of one grid or of all."""
    person = _clerk(request)
    return services_of(request).pages.show(request, "household_reviews.html", _page(request, person))


@takes_form
def open_value(request: Request, form: Form) -> Response:
    """`POST /households/{grid}/{id}/{key}/opening`: shows a sensitive value to whoever says what for; that is logged."""
    person = _clerk(request)
    lost = _find(request, person)
    try:
        reviews.read(services_of(request).couch, person, lost, form.get("purpose", ""))
    except InvalidInput as error:
        return _entry(request, person, lost, problem=Answer(error).text(locale.language_of(request)), status=422)
    return _entry(request, person, lost, opened=lost.key)


def restore_value(request: Request) -> Response:
    """`POST /households/{grid}/{id}/{key}/restoration`: the superseded value counts again."""
    return _settle(request, "restored")


def let_value_go(request: Request) -> Response:
    """`POST /households/{grid}/{id}/{key}/review`: the present value is right; the other one is needed no more."""
    return _settle(request, "reviewed")


def _settle(request: Request, how: str) -> Response:
    services, person = services_of(request), _clerk(request)
    try:
        lost = _find(request, person)
        if how == "restored":
            reviews.restore(services.couch, person, lost, datetime.now(UTC))
        else:
            reviews.let_go(services.couch, person, lost)
    except Changed:
        how = "gone"
    else:
        services.nudges.announce([home_db(lost.grid)])
    if wants_fragment(request):
        return services.pages.show(request, "_household_done.html", {"how": how})
    return RedirectResponse(f"/households/reviews?done={how}", 303)


def _find(request: Request, person: Person) -> reviews.Lost:
    grid, id, key = (str(request.path_params[name]) for name in ("grid", "id", "key"))
    return reviews.find(services_of(request).couch, person, grid, id, key)


def _clerk(request: Request) -> Person:
    person = services_of(request).sessions.person_of(request)
    if not permissions.has_household_reviews(person):
        raise Missing
    return person


def _entry(
    request: Request, person: Person, lost: reviews.Lost, *, status: int = 200, opened: str | None = None, **more: Any
) -> Response:
    """One entry after something was asked of it: alone for htmx, in its page for a plain form."""
    services = services_of(request)
    views = HouseholdViews(services.couch, services.names, locale.language_of(request))
    if wants_fragment(request):
        data = {"entry": views.entries([lost], opened)[0], "problem": None, **more}
        return services.pages.show(request, "_household_entry.html", data, fragment="_household_entry.html", status=status)
    return services.pages.show(
        request, "household_reviews.html", _page(request, person, opened) | {"problem_of": lost.key, **more}, status=status
    )


def _page(request: Request, person: Person, opened: str | None = None) -> Data:
    services, language = services_of(request), locale.language_of(request)
    grids = _grids_of(services, person)
    waiting = {grid: reviews.waiting_in(services.couch, services.waiting, grid) for grid in grids}
    chosen = request.query_params.get("grid", "")
    shown = [lost for grid, found in waiting.items() if chosen in ("", grid) for lost in found][: reviews.LISTED_MOST]
    tabs = [{"grid": grid, "name": services.names.grid(grid, language), "count": len(found)} for grid, found in waiting.items()]
    done = request.query_params.get("done", "")
    place = community_of(chosen or (grids[0] if grids else person["communities"][0]))
    place = place if place in person["communities"] else person["communities"][0]
    return household_list.frame(request, person, place, household_list.REVIEWS) | {
        "entries": HouseholdViews(services.couch, services.names, language).entries(shown, opened),
        "tabs": [tab for tab in tabs if tab["count"] or tab["grid"] == chosen],
        "total": sum(len(found) for found in waiting.values()),
        "chosen": chosen,
        "done": done if done in ("restored", "reviewed", "gone") else None,
        "problem": None,
        "problem_of": None,
    }


def _grids_of(services: Services, person: Person) -> list[str]:
    """The grids of the person's communities, as the reference data has them."""
    townships = sorted({township_of(code) for code in person["communities"]})
    return [
        code
        for township in townships
        for code in services.names.grids(township)
        if permissions.may_review_households(person, code)
    ]
