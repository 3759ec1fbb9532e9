"""吹哨报到 at the desk and on a phone's browser: the board of whistles, one whistle, blowing it and moving it.

The rules are `server/domain/whistles.py`, the use case `server/cases/whistles.py`; what pages show is `whistle_views.py`.
"""

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.cases import whistles
from server.domain import whistles as rules
from server.domain.errors import Changed, DomainError, IllegalMove, InvalidInput, Missing
from server.domain.parties import parties_of
from server.domain.permissions import Person, has_whistle_board
from server.web import desks, locale, moments
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.pages import wants_fragment
from server.web.services import services_of
from server.web.whistle_views import WhistleViews

Data = dict[str, Any]
NUMBERS = ("lat", "lon", "accuracy_m")


def show_board(request: Request) -> Response:
    """`GET /whistles?all=`: the open whistles of the person's townships or units (or the latest of all), and figures."""
    return _board(request)


@takes_form
def submit_whistle(request: Request, form: Form) -> Response:
    """`POST /whistles`: blow one. What cannot be is said beside the form, with everything that was typed."""
    services = services_of(request)
    person = services.sessions.person_of(request)
    key = form.get("key") or secrets.token_hex(16)
    try:
        made = whistles.blow(services.couch, services.nudges, person, call_of(form), key=key, now=datetime.now(UTC))
    except InvalidInput as error:
        return _board(request, form=form, error=error)
    return RedirectResponse(f"/whistles/{made['_id']}", 303)


def show_whistle(request: Request) -> Response:
    """`GET /whistles/{id}`: the page; to htmx the part that changes."""
    person = services_of(request).sessions.person_of(request)
    return _page(request, person, _found(request, person))


@takes_form
def submit_move(request: Request, form: Form) -> Response:
    """`POST /whistles/{id}/moves`: makes a move; what a rule forbids is said, and what was typed stays."""
    services = services_of(request)
    person = services.sessions.person_of(request)
    whistle, name = _found(request, person), form.get("move", "")
    key = form.get("key") or secrets.token_hex(16)
    try:
        after = whistles.move(
            services.couch, services.nudges, person, whistle["_id"], name, numbered(form), key=key, now=datetime.now(UTC)
        )
    except (Changed, IllegalMove, InvalidInput) as error:
        return _page(request, person, _found(request, person), form=form, error=error)
    if not wants_fragment(request):
        return RedirectResponse(f"/whistles/{after['_id']}", 303)
    return _page(request, person, after, done=name)


def call_of(form: Mapping[str, str]) -> whistles.Called:
    """What a form asks to blow for. Raises InvalidInput for a time that is none."""
    by_at = moments.from_form(form.get("by_at", ""))
    if by_at is None:
        raise InvalidInput({"by_at": "invalid" if form.get("by_at") else "required"})
    point = numbered(form)
    place = {name: point.get(name) for name in ("lat", "lon")} | {"address": form.get("address", "").strip()[:200] or None}
    units = [field.partition(":")[2] for field in form if field.startswith("units:")]
    return whistles.Called(form.get("township", ""), units, by_at, form.get("text", ""), place, form.get("case") or None)


def numbered(form: Mapping[str, str]) -> Data:
    """The form's fields, coordinates as numbers; what is no number stays as it was typed, to be refused."""
    found: Data = dict(form)
    for name in NUMBERS:
        try:
            found[name] = float(form[name]) if form.get(name) else None
        except ValueError:
            found[name] = form[name]
    return found


def _found(request: Request, person: Person) -> Data:
    return whistles.find(services_of(request).couch, person, str(request.path_params["id"]))


def _board(request: Request, form: Form | None = None, error: InvalidInput | None = None) -> Response:
    services, language = services_of(request), locale.language_of(request)
    person = reader_of(request)
    is_open = request.query_params.get("all", "") not in {"1", "true"}
    found = whistles.listed(services.couch, person, is_open=is_open)
    views = WhistleViews(services.names, language)
    latest = found if not is_open else whistles.listed(services.couch, person, is_open=False)
    typed = dict(form or {}) | {name: request.query_params[name] for name in ("case", "address") if name in request.query_params}
    data = desks.frame_anywhere(request, person) | {
        "rows": views.rows(found),
        "is_open": is_open,
        "figures": views.figures(latest),
        "own": [{"code": p[9:], "name": services.names.township(p[9:], language)} for p in own_townships(person)],
        "units": views.units([party.partition(":")[2] for party in own_townships(person)]),
        "typed": typed,
        "wrong": error.fields if error else {},
        "problem": Answer(error).text(language) if error else None,
        "key": secrets.token_hex(16),
    }
    status = Answer(error).status if error else 200
    return services.pages.show(request, "whistles.html", data, fragment="_whistle_rows.html", status=status)


def reader_of(request: Request) -> Person:
    """Who asks, if there is a board of whistles for them. Raises Missing."""
    person = services_of(request).sessions.person_of(request)
    if not has_whistle_board(person):
        raise Missing
    return person


def own_townships(person: Person) -> list[str]:
    """The townships (as parties) in whose name this person may blow."""
    return sorted(party for party in parties_of(person) if party.startswith("township:"))


def _page(  # noqa: PLR0917 - what is shown, then what was typed and became of it
    request: Request, person: Person, whistle: Data, form: Form | None = None, error: DomainError | None = None, done: str = ""
) -> Response:
    services, language = services_of(request), locale.language_of(request)
    answer = Answer(error) if error is not None else None
    data = desks.frame_of(request, person, whistle["township"]) | {
        "whistle": WhistleViews(services.names, language).page(whistle, person),
        "key": secrets.token_hex(16),
        "typed": form or {},
        "wrong": getattr(error, "fields", {}),
        "problem": answer.text(language) if answer else None,
        "done": done,
        "near_m": rules.NEAR_M,
    }
    return services.pages.show(request, "whistle.html", data, fragment="_whistle.html", status=answer.status if answer else 200)
