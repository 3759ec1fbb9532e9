"""Erasing a member's or a household's data at the desk: what goes and what stays, the ground, and how far it is.

What erasing means is `server/erasure/`; nothing here deletes anything.
"""

import secrets
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.domain import erasure, ids, permissions
from server.domain.errors import InvalidInput, Missing
from server.domain.grids import community_of, township_of
from server.domain.permissions import Person
from server.erasure import asking, register
from server.households.files import File
from server.web import household_file, household_list, locale
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.home_views import HomeViews
from server.web.services import services_of

LISTED_MOST = 200
# What stays, by what is erased, in the order in which the page says it.
STAYS = {"household": ("cases", "reports", "log", "marks"), "member": ("others", "visits", "cases_of_others", "log", "marks")}
Data = dict[str, Any]


def show_form(request: Request) -> Response:
    """`GET /households/{grid}/{id}/erasure?of=`: what would go and what stays, with the form that asks for it."""
    person, file = household_file.found(request)
    return _form(request, person, file, request.query_params.get("of") or str(file.household["_id"]), {})


@takes_form
def ask(request: Request, form: Form) -> Response:
    """`POST /households/{grid}/{id}/erasure`: erase `of` for ever on the ground `basis`; `typed` must be the name. 303 to the
    erasure's page."""
    person, file = household_file.found(request)
    given = {name: form.get(name, "") for name in ("basis", "note", "typed", "key")}
    services, of = services_of(request), form.get("of", "")
    try:
        id = asking.ask(services.couch, person, file, asking.Asked(of, **given), datetime.now(UTC))
    except InvalidInput as error:
        return _form(request, person, file, of, given, error)
    # Outside the store, too, before anything is gone: an older backup must not bring it back.
    register.agree(services.couch, register.path_in(services.settings.data))
    services.nudges.nudge_erasures()
    return RedirectResponse(_path_of(id), 303)


def show_erasure(request: Request) -> Response:
    """`GET /erasures/{id}`: how far an erasure is and what went; to htmx its state alone."""
    services, person = services_of(request), _eraser(request)
    doc = asking.find(services.couch, person, str(request.path_params["id"]))
    data = _frame(request, person, str(doc["grid"])) | {"erasure": _view(request, doc)}
    return services.pages.show(request, "household_erased.html", data, fragment="_erasure_state.html")


def show_erasures(request: Request) -> Response:
    """`GET /erasures`: what this person's communities erased, the newest first."""
    services, person = services_of(request), _eraser(request)
    rows = [_view(request, doc) for doc in asking.listed(services.couch, person, LISTED_MOST)]
    place = permissions.household_places(person)[0]
    data = household_list.frame(request, person, place, household_list.ERASURES) | {"rows": rows}
    return services.pages.show(request, "household_erasures.html", data)


def _form(  # noqa: PLR0917 - who, of which file, what, and what was wrong with it
    request: Request, person: Person, file: File, of: str, given: Data, error: InvalidInput | None = None
) -> Response:
    services, language = services_of(request), locale.language_of(request)
    about = asking.preview(person, file, of)
    view = HomeViews(services.couch, services.names, language).file(file)
    wrong = dict.fromkeys(("basis", "note", "typed")) | dict(error.fields if error else {})
    data = _frame(request, person, str(file.household["grid"])) | {
        "file": view,
        "about": about,
        "action": f"{view['path']}/erasure",
        "goes": [{"what": what, "count": n} for what, n in about.goes.items() if n],
        "stays": STAYS[about.what],
        "bases": erasure.BASES,
        "given": {"basis": "", "note": "", "typed": ""} | given | {"key": given.get("key") or _fresh_key()},
        "wrong": wrong,
        "problem": Answer(error).text(language) if error else None,
    }
    return services.pages.show(request, "household_erasure.html", data, status=Answer(error).status if error else 200)


def _view(request: Request, doc: Data) -> Data:
    services, language = services_of(request), locale.language_of(request)
    steps = doc["steps"]
    return {
        "path": _path_of(doc["_id"]),
        "number": doc["number"],
        "what": doc["what"],
        "basis": doc["basis"],
        "note": doc["note"],
        "case": {"path": f"/cases/{doc['case']}", "case_no": doc["case_no"]} if doc["what"] == erasure.CALLER else None,
        "grid": services.names.grid(str(doc["grid"]), language),
        "by": services.names.people({doc["by"]}, language)[doc["by"]],
        "at": doc["at"],
        "state": doc["state"] if not doc["purged_at"] else "purged",
        "done": steps["done"],
        "of": max(1, steps["of"]),
        "counts": [{"what": what, "count": n} for what, n in doc["counts"].items()],
        "done_at": doc["done_at"],
        "proved_at": doc["proved_at"],
    }


def _frame(request: Request, person: Person, grid: str) -> Data:
    places = permissions.household_places(person)
    place = next(code for code in (township_of(grid), community_of(grid)) if code in places)
    return household_list.frame(request, person, place, household_list.ERASURES)


def _eraser(request: Request) -> Person:
    """Who asks. Raises Missing for whoever erases nowhere."""
    person = services_of(request).sessions.person_of(request)
    if not permissions.has_household_reviews(person):
        raise Missing
    return person


def _fresh_key() -> str:
    return ids.uuid7(datetime.now(UTC), secrets.token_bytes(10))


def _path_of(id: str) -> str:
    return f"{household_list.ERASURES}/{quote(id, safe=':')}"
