"""One case at the desk: its page, the part of it that moves, and the moves themselves as small forms.

The rules of a move are `server/domain/workflow.py`, making one is `server/cases/moves.py`.
"""

import secrets
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server.cases import moves, store
from server.domain.errors import Changed, DomainError, IllegalMove, InvalidInput, RuleBroken
from server.domain.grids import township_of
from server.domain.permissions import Person
from server.web import case_views, desks, locale, looks, maps, move_forms, twin_views
from server.web.bodies import Form, takes_form
from server.web.errors import Answer
from server.web.pages import wants_fragment
from server.web.services import services_of

Document = dict[str, Any]
# States in which nobody has anything to do, each with a sentence of its own.
ENDED = ("returned", "closed", "refused", "merged", "withdrawn", "self_solved", "transferred")


def find_seen(request: Request, person: Person) -> store.Loaded:
    """The case of the address with its events. Raises Missing when there is none or it is not for this person to know of."""
    return moves.open_case(services_of(request).couch, person, str(request.path_params["id"]))


def load_seen(request: Request) -> Document:
    """The case document alone, for whoever is signed in."""
    return find_seen(request, services_of(request).sessions.person_of(request)).case


def show_case(request: Request) -> Response:
    """`GET /cases/{id}`: the page; to htmx the part that changes."""
    person = services_of(request).sessions.person_of(request)
    loaded = find_seen(request, person)
    looks.note_case(request, person, loaded.case)
    return _page(request, person, loaded)


@takes_form
def submit_move(request: Request, form: Form) -> Response:
    """`POST /cases/{id}/moves`: makes a move and shows the case; when it changed meanwhile, says so and keeps what was typed."""
    services = services_of(request)
    person = services.sessions.person_of(request)
    loaded = find_seen(request, person)
    name, key = form.get("move", ""), form.get("key") or secrets.token_hex(16)
    try:
        after = moves.move(
            services.couch,
            services.nudges,
            person,
            loaded.case["_id"],
            name,
            move_forms.fields_of(form),
            if_match=form.get("version"),
            key=key,
            now=datetime.now(UTC),
        )
    except (Changed, IllegalMove, InvalidInput) as error:
        return _page(request, person, find_seen(request, person), form=form, error=error)
    if not wants_fragment(request):
        return RedirectResponse(f"/cases/{loaded.case['_id']}", 303)
    return _page(request, person, after, done=name)


def _page(
    request: Request,
    person: Person,
    loaded: store.Loaded,
    *,
    form: Form | None = None,
    error: DomainError | None = None,
    done: str | None = None,
) -> Response:
    services, language = services_of(request), locale.language_of(request)
    views = case_views.CaseViews(services.names, language)
    answer = Answer(error) if error is not None else None
    data = desks.frame_of(request, person, township_of(loaded.case["grid"])) | {
        "case": views.page(loaded.case, loaded.events, person),
        "map": maps.case_map(loaded.case, services.names, services.settings),
        "twins": twin_views.panel(services.couch, services.names, language, person, loaded.case),
        "key": secrets.token_hex(16),
        "typed": form or {},
        "done": done,
        "ended": ENDED,
        "problem": _problem(views, loaded.case, error, form or {}, language) if error is not None else None,
    }
    return services.pages.show(request, "case.html", data, fragment="_case.html", status=answer.status if answer else 200)


def _problem(views: case_views.CaseViews, case: Document, error: DomainError, form: Form, language: str) -> Document:
    """What went wrong with a move, in words; when the case changed meanwhile, by whom and when."""
    is_changed = not isinstance(error, InvalidInput | RuleBroken)
    return {
        "is_changed": is_changed,
        "last": views.changed_by(case) if is_changed else None,
        "kept": [form[name] for name in ("reason", "result", "text") if form.get(name, "").strip()],
        "fields": getattr(error, "fields", {}),
        "text": Answer(error).text(language),
    }
