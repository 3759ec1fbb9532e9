"""Hand-downs for programs: `/api/handdowns`. The same rule as the desk's page (`server/cases/handdowns.py`), as JSON."""

import secrets
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.cases import handdowns
from server.web.bodies import answers, takes_json
from server.web.devices_api import answer_struct
from server.web.handdowns import scope_of, viewer_of
from server.web.services import services_of

Short = Annotated[str, msgspec.Meta(max_length=200)]


class HandDown(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/handdowns`: `unit` hands a task of a `category` down to a `township` (9 digits).

    `grid` (15 digits) when the place is known, else the township places it. `urgency`: normal, urgent or emergency.
    """

    unit: Short
    township: Short
    category: Short
    text: Annotated[str, msgspec.Meta(max_length=4000)]
    urgency: Short = "normal"
    grid: Short | None = None
    address: Short | None = None


class HandedDown(msgspec.Struct):
    """The case it became and the list entry it rests on (`entry:<list>:<key>`)."""

    case: str
    case_no: str
    entry: str


class UnitCount(msgspec.Struct):
    """How many hand-downs of a unit were admitted and refused."""

    unit: str
    admitted: int
    refused: int


class UnitCounts(msgspec.Struct):
    """The answer of `GET /api/handdowns`: units in the order of their ids."""

    units: list[UnitCount]


@answers(HandedDown)
@takes_json(HandDown)
def make_handdown(request: Request, body: HandDown) -> Response:
    """`POST /api/handdowns`: hands a task down to a township; 201 with its case, 403 with code `not_admitted` when no entry of
    the admission list, no power given to the township and no approved request covers it. `Idempotency-Key` makes it once."""
    services = services_of(request)
    person = services.sessions.person_of(request)
    key = request.headers.get("idempotency-key", "").strip('"') or secrets.token_hex(16)
    task = handdowns.Task(**msgspec.structs.asdict(body))
    made = handdowns.hand_down(services.couch, services.nudges, person, task, key=key, now=datetime.now(UTC))
    return answer_struct(HandedDown(made.case["_id"], made.case["case_no"], made.entry), 201)


@answers(UnitCounts)
def count_handdowns(request: Request) -> Response:
    """`GET /api/handdowns`: by unit, how many were admitted and refused: of one's own units, one's township, or all."""
    person = viewer_of(request)
    found = handdowns.counts(services_of(request).couch, *scope_of(person))
    return answer_struct(UnitCounts([UnitCount(unit, **numbers) for unit, numbers in found.items()]))
