"""Cases for programs: `/api/cases` (DESIGN §7). The same searches and moves as the desk's pages, as JSON."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from server.cases import moves, reach, search, store
from server.cases.reach import Place
from server.domain import workflow
from server.domain.errors import InvalidInput
from server.domain.grids import township_of
from server.domain.permissions import Person
from server.web import filters, looks, scopes
from server.web.bodies import takes_json
from server.web.case import find_seen
from server.web.devices_api import answer_json
from server.web.move_forms import MoveBody
from server.web.services import services_of

LIST_FIELDS = (
    "id",
    "case_no",
    "state",
    "category",
    "grid",
    "unit",
    "urgency",
    "due_at",
    "reports",
    "photos",
    "captured_at",
    "received_at",
    "updated_at",
    "origin",
)


def list_cases(request: Request) -> Response:
    """`GET /api/cases?township=&community=&state=&phase=&category=&unit=&grid=&level=&sample=&turn=&q=&overdue=&limit=&cursor=`

    Newest first; with `overdue` by their date, the last first. `turn=1`: what waits for the asker. Without `township` everything
    the person may see, over all townships. `next` is the cursor of what follows.
    """
    services, params = services_of(request), request.query_params
    person = services.sessions.person_of(request)
    query = filters.read(params, scopes.turns_of(person) if params.get("turn", "") in filters.TRUE else None)
    found = search.search(services.couch, _places(request, person), query.filters, query.limit, query.cursor)
    rows = [{name: case[name] for name in LIST_FIELDS} for case in found.cases]
    return answer_json({"cases": rows, "next": found.next})


def _places(request: Request, person: Person) -> Sequence[Place]:
    """Where to look: a township the person may list, or all of them. Raises Missing, InvalidInput."""
    township, community = request.query_params.get("township"), request.query_params.get("community")
    places = reach.places_of(services_of(request).couch, person)
    if not township and not community:
        if not places:
            raise InvalidInput({"township": "required"})
        return places
    township = township or township_of(community or "")
    served = [place for place in places if place.township == township and place.units is not None]
    return served or scopes.township(person, township, community).places


def show_case(request: Request) -> Response:
    """`GET /api/cases/{id}`: the case with its events; the ETag is what `If-Match` of a move wants.

    `links`, where there are any: addresses at the system it came from. Nobody checked them.
    """
    person = services_of(request).sessions.person_of(request)
    loaded = find_seen(request, person)
    looks.note_case(request, person, loaded.case)
    return _answer(loaded)


@takes_json(MoveBody)
def add_event(request: Request, body: MoveBody) -> Response:
    """`POST /api/cases/{id}/events`: makes a move; 201 with the case as it is then, 409 with the present one when it changed.

    With `If-Match` the move counts on that version or not at all; `case.last_event` of a 409 says who changed it and when.
    The same `Idempotency-Key` again is the same move.
    """
    services = services_of(request)
    person = services.sessions.person_of(request)
    loaded = find_seen(request, person)
    after = moves.move(
        services.couch,
        services.nudges,
        person,
        loaded.case["_id"],
        body.move,
        body.fields(),
        if_match=_version(request.headers.get("if-match")),
        key=request.headers.get("idempotency-key", "").strip('"') or secrets.token_hex(16),
        now=datetime.now(UTC),
    )
    return _answer(after, 201)


def as_json(loaded: store.Loaded) -> dict[str, Any]:
    """A case with its events, without the store's own fields."""
    case = {name: value for name, value in loaded.case.items() if not name.startswith("_")}
    events = [{name: event[name] for name in event if not name.startswith("_")} for event in loaded.events]
    keyed = [{"id": doc["_id"]} | event for doc, event in zip(loaded.events, events, strict=True)]
    return {"id": loaded.case["_id"], "township": township_of(case["grid"])} | case | {"events": keyed}


def _answer(loaded: store.Loaded, status: int = 200) -> Response:
    answer = answer_json(as_json(loaded), status)
    answer.headers["ETag"] = f'"{workflow.version_of(loaded.case)}"'
    return answer


def _version(if_match: str | None) -> str | None:
    """The version in an `If-Match` header; None when any will do."""
    version = (if_match or "*").strip().removeprefix("W/").strip('"')
    return None if version == "*" else version
