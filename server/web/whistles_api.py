"""Whistles for programs: `/api/whistles`. The same board and moves as the pages, as JSON."""

import secrets
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.cases import whistles
from server.domain import times
from server.domain.errors import InvalidInput
from server.web.bodies import takes_json
from server.web.devices_api import answer_json
from server.web.services import services_of
from server.web.whistles import reader_of

Text = Annotated[str, msgspec.Meta(max_length=2000)]


class PlaceBody(msgspec.Struct):
    """Where to: words, a point (WGS-84), or both."""

    address: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None


class WhistleBody(msgspec.Struct):
    """The body of `POST /api/whistles`: which units are to be where by when (RFC 3339, UTC, milliseconds), and why."""

    township: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{9}$")]
    units: Annotated[list[Annotated[str, msgspec.Meta(max_length=80)]], msgspec.Meta(max_length=20)]
    by_at: Text
    text: Text
    place: PlaceBody
    case: Text | None = None


class WhistleMoveBody(msgspec.Struct):
    """The body of `POST /api/whistles/{id}/events`: `call`, `acknowledge`, `sign_in`, `relieve`, `report`, `solve`."""

    move: Annotated[str, msgspec.Meta(max_length=40)]
    text: Text | None = None
    unit: Text | None = None
    name: Text | None = None
    relief: Text | None = None
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None


def list_whistles(request: Request) -> Response:
    """`GET /api/whistles?all=`: `{whistles}`: the open ones, due first; with `all=1` the latest of all."""
    services = services_of(request)
    person = reader_of(request)
    is_open = request.query_params.get("all", "") not in {"1", "true"}
    found = whistles.listed(services.couch, person, is_open=is_open)
    return answer_json({"whistles": [_as_json(one) for one in found]})


def show_whistle(request: Request) -> Response:
    """`GET /api/whistles/{id}`: one whistle with its calls."""
    services = services_of(request)
    return answer_json(_as_json(whistles.find(services.couch, services.sessions.person_of(request), _id(request))))


@takes_json(WhistleBody)
def add_whistle(request: Request, body: WhistleBody) -> Response:
    """`POST /api/whistles`: blow one; 201. The same `Idempotency-Key` again is the same whistle."""
    services = services_of(request)
    try:
        by_at = times.from_text(body.by_at)
    except ValueError:
        raise InvalidInput({"by_at": "invalid"}) from None
    called = whistles.Called(body.township, body.units, by_at, body.text, msgspec.to_builtins(body.place), body.case)
    person = services.sessions.person_of(request)
    made = whistles.blow(services.couch, services.nudges, person, called, key=_key(request), now=datetime.now(UTC))
    return answer_json(_as_json(made), 201)


@takes_json(WhistleMoveBody)
def add_event(request: Request, body: WhistleMoveBody) -> Response:
    """`POST /api/whistles/{id}/events`: makes a move; 201 with the whistle as it is then, 409 when a rule forbids it.

    The same `Idempotency-Key` again is the same move.
    """
    services = services_of(request)
    fields = {name: getattr(body, name) for name in body.__struct_fields__ if name != "move"}
    person = services.sessions.person_of(request)
    after = whistles.move(
        services.couch, services.nudges, person, _id(request), body.move, fields, key=_key(request), now=datetime.now(UTC)
    )
    return answer_json(_as_json(after), 201)


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _key(request: Request) -> str:
    return request.headers.get("idempotency-key", "").strip('"') or secrets.token_hex(16)


def _as_json(whistle: dict[str, Any]) -> dict[str, Any]:
    return {"id": whistle["_id"]} | {name: value for name, value in whistle.items() if not name.startswith("_")}
