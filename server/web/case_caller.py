"""Who called about a case, at the desk: opened for a purpose, given as a copy, erased on the person's request.

Who is kept and who may read it is `server/cases/callers.py`; what erasing means is `server/erasure/`.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import orjson
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.cases import caller_copies, callers
from server.cases.store import Loaded
from server.domain import erasure
from server.domain.errors import InvalidInput
from server.domain.grids import township_of
from server.domain.permissions import Person, townships_seen
from server.erasure import asking, caller_asking, register
from server.web import case_caller_views, desks, locale
from server.web.bodies import Form, takes_form
from server.web.case import find_seen, page
from server.web.errors import Answer
from server.web.pages import wants_fragment
from server.web.services import services_of

# What stays, in the order in which the page says it.
STAYS = ("case", "source", "log", "marks")
Data = dict[str, Any]


@takes_form
def open_caller(request: Request, form: Form) -> Response:
    """`POST /cases/{id}/caller`: who called, for those who may know it and say what for; that is logged. 410: it was erased."""
    services, (person, loaded) = services_of(request), _found(request)
    try:
        kept = callers.read(services.couch, person, loaded.case, form.get("purpose", ""))
    except InvalidInput as error:
        return _panel(request, person, loaded, error=error)
    return _panel(request, person, loaded, caller=case_caller_views.opened(kept))


@takes_form
def export_caller(request: Request, form: Form) -> Response:
    """`POST /cases/{id}/caller/export`: a copy of what is kept of who called, as JSON, for a `purpose`; logged. 410: erased."""
    services, (person, loaded) = services_of(request), _found(request)
    try:
        copy = caller_copies.make(services.couch, person, loaded.case, form.get("purpose", ""), datetime.now(UTC))
    except InvalidInput as error:
        return _panel(request, person, loaded, error=error)
    name = quote(f"caller-{loaded.case['case_no']}.json", safe="")
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(orjson.dumps(copy, option=orjson.OPT_INDENT_2), headers=headers, media_type="application/json")


def show_erasure(request: Request) -> Response:
    """`GET /cases/{id}/caller/erasure`: what would go and what stays, with the form that asks for it. 410: it was erased."""
    person, loaded = _found(request)
    return _form(request, person, loaded, {})


@takes_form
def erase_caller(request: Request, form: Form) -> Response:
    """`POST /cases/{id}/caller/erasure`: erase who called for ever, on the ground `basis`; `typed` must be the case's number. 303
    to the case, which says so."""
    services, (person, loaded) = services_of(request), _found(request)
    given = {name: form.get(name, "") for name in ("basis", "note", "typed")}
    asked = asking.Asked(loaded.case["_id"], given["basis"], given["note"], given["typed"], "")
    try:
        caller_asking.ask(services.couch, person, loaded.case, loaded.events, asked, datetime.now(UTC))
    except InvalidInput as error:
        return _form(request, person, loaded, given, error)
    # Outside the store, too, before anything is gone: an older backup must not bring it back.
    register.agree(services.couch, register.path_in(services.settings.data))
    services.nudges.nudge_erasures()
    return RedirectResponse(f"/cases/{loaded.case['_id']}", 303)


def _found(request: Request) -> tuple[Person, Loaded]:
    """Who asks, and the case of the address. Raises Missing."""
    person = services_of(request).sessions.person_of(request)
    return person, find_seen(request, person)


def _panel(
    request: Request, person: Person, loaded: Loaded, *, caller: list[Data] | None = None, error: InvalidInput | None = None
) -> Response:
    """The caller after something was asked: alone for htmx, in its page for a plain form."""
    answer = Answer(error) if error else None
    shown: Data = {"caller": caller, "caller_problem": answer.text(locale.language_of(request)) if answer else None}
    status = answer.status if answer else 200
    if not wants_fragment(request):
        return page(request, person, loaded, status=status, **shown)
    services = services_of(request)
    data = {"case": {"id": loaded.case["_id"]}} | case_caller_views.panel(services.couch, person, loaded.case) | shown
    return services.pages.show(request, "_caller.html", data, fragment="_caller.html", status=status)


def _form(request: Request, person: Person, loaded: Loaded, given: Data, error: InvalidInput | None = None) -> Response:
    services, language, case = services_of(request), locale.language_of(request), loaded.case
    about = caller_asking.preview(services.couch, person, case, loaded.events)
    township = township_of(case["grid"])
    data = desks.frame_of(request, person, township if township in townships_seen(person) else "") | {
        "case": {"id": case["_id"], "case_no": case["case_no"], "category": services.names.category(case["category"], language)},
        "about": about,
        "action": f"/cases/{case['_id']}/caller/erasure",
        "stays": STAYS,
        "bases": erasure.BASES,
        "given": {"basis": "", "note": "", "typed": "", "key": None} | given,
        "wrong": dict.fromkeys(("basis", "note", "typed")) | dict(error.fields if error else {}),
        "problem": Answer(error).text(language) if error else None,
    }
    return services.pages.show(request, "caller_erasure.html", data, status=Answer(error).status if error else 200)
