"""One case at the desk: its page, the part of it that moves, and the moves themselves as small forms.

The rules of a move are `server/domain/workflow.py`, making one is `server/cases/moves.py`.
"""

import secrets
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from server import desk_photos
from server.cases import moves, store
from server.domain import case_rights, workflow
from server.domain.errors import Changed, DomainError, Forbidden, IllegalMove, InvalidInput
from server.domain.grids import township_of
from server.domain.permissions import Person, townships_seen
from server.domain.routing import Proposal
from server.lists import proposals
from server.web import (
    case_caller_views,
    case_views,
    desks,
    locale,
    looks,
    maps,
    move_forms,
    move_problems,
    move_views,
    twin_views,
)
from server.web.bodies import Form, takes_files
from server.web.errors import Answer
from server.web.pages import wants_fragment
from server.web.services import services_of

Document = dict[str, Any]
BODY_BYTES = 60 * 1024 * 1024
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
    return page(request, person, loaded)


@takes_files(desk_photos.FILES_MOST, BODY_BYTES)
def submit_move(request: Request, form: Form, files: list[bytes]) -> Response:
    """`POST /cases/{id}/moves`: makes a move and shows the case; when it changed meanwhile, says so and keeps what was typed.

    Photos are kept first; when the move is refused their ids stay in the form, so that nobody has to choose them again.
    """
    services = services_of(request)
    person = services.sessions.person_of(request)
    loaded = find_seen(request, person)
    name, key = form.get("move", ""), form.get("key") or secrets.token_hex(16)
    try:
        form |= _keep_photos(request, person, loaded.case, name, files)
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
        return show_refusal(request, form, error)
    if not wants_fragment(request):
        return RedirectResponse(f"/cases/{loaded.case['_id']}", 303)
    return page(request, person, after, done=name)


def show_refusal(request: Request, form: Form, error: DomainError, *, part: str = "moves", moved: str | None = None) -> Response:
    """The case again with what was typed, and in one of its parts (`moves`, `twins`) why nothing came of what was asked.

    `moved` is the case that was to move, where it is another one than that of the page.
    """
    services = services_of(request)
    person = services.sessions.person_of(request)
    shown = find_seen(request, person)
    other = moves.open_case(services.couch, person, moved).case if moved else shown.case
    return page(request, person, shown, form=form, error=error, moved=other, part=part)


def _keep_photos(request: Request, person: Person, case: Document, name: str, files: list[bytes]) -> Form:
    """Keep the files of a form, for a move that may have photos; what the form holds of them from now on. Raises Forbidden."""
    services = services_of(request)
    if not files:
        return {}
    if name not in move_views.WITH_PHOTOS or not case_rights.may_move(person, name, case):
        raise Forbidden(move=name)
    kept = desk_photos.keep(services.couch, services.nudges, case, files, person["name"])
    return {f"photos:{photo}": "on" for photo in kept}


def page(
    request: Request,
    person: Person,
    loaded: store.Loaded,
    *,
    form: Form | None = None,
    error: DomainError | None = None,
    moved: Document | None = None,
    part: str = "moves",
    done: str | None = None,
    status: int = 200,
    **more: Any,
) -> Response:
    """The page of a case; to htmx the part that changes. `error`: what came of a move in `part`; `more`: what its parts show."""
    services, language = services_of(request), locale.language_of(request)
    proposal = _proposal(request, loaded.case)
    view = case_views.CaseViews(services.names, language).page(loaded.case, loaded.events, person, proposal)
    answer, typed = Answer(error) if error is not None else None, form or {}
    township = township_of(loaded.case["grid"])
    data = desks.frame_of(request, person, township if township in townships_seen(person) else "") | {
        "case": view,
        "map": maps.case_map(loaded.case, services.names, services.settings),
        "twins": twin_views.panel(services.couch, services.names, language, person, loaded.case),
        "key": secrets.token_hex(16),
        "typed": typed,
        "typed_names": lambda field: [name.partition(":")[2] for name in typed if name.startswith(f"{field}:")],
        "done": done,
        "ended": ENDED,
        "problem": None,
    }
    data |= case_caller_views.panel(services.couch, person, loaded.case)
    if data["caller_erased"]:
        view["moves"] = [move for move in view["moves"] if move["name"] != "release_caller"]
    if error is not None:
        told = move_problems.view(services.names, language, view, moved or loaded.case, error, typed)
        is_other = moved is not None and moved["_id"] != loaded.case["_id"]
        data["problem"] = told | {"part": part, "other": moved["case_no"] if moved and is_other else None}
    return services.pages.show(
        request, "case.html", data | more, fragment="_case.html", status=answer.status if answer else status
    )


def _proposal(request: Request, case: Document) -> Proposal | None:
    """What the lists propose, for a case that can be dispatched now."""
    if case["state"] not in workflow.MOVES["dispatch"].sources:
        return None
    return proposals.propose_for(services_of(request).couch, case, datetime.now(UTC))
