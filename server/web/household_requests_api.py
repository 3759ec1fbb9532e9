"""Requests for household data for programs: `/api/requests`. The same rules as the pages, as JSON; a reading is logged alike."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from server.domain import household_requests as rules
from server.domain import permissions
from server.domain.permissions import Person
from server.households import requests
from server.web.bodies import answers, takes_json
from server.web.devices_api import answer_struct
from server.web.household_requests import asker_of, new_key
from server.web.services import services_of

Short = Annotated[str, msgspec.Meta(max_length=200)]
Text = Annotated[str, msgspec.Meta(max_length=2000)]
Facts = Annotated[list[Short], msgspec.Meta(max_length=20)]


class RequestBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/requests`: which household, by an `address` in words; a period in days (`2026-11-27`); which `facts`
    (address, contact_name, contact_phone, residents_count, housing, members, birth_years, member_phones, visit_days)."""

    township: Short
    basis: Short
    document_no: Text
    purpose: Text
    address: Text
    period_from: Short
    period_to: Short
    facts: Facts
    days: int = rules.DAYS_USUAL


class DecisionBody(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/requests/{id}/decision`: to approve, the household's file, the facts granted, and for how many days
    they can be read."""

    verdict: Literal["approve", "refuse"]
    reason: Text = ""
    grid: Short = ""
    household: Short = ""
    facts: Facts = []
    days: int = 0


class ReasonBody(msgspec.Struct, forbid_unknown_fields=True):
    """Why a request is withdrawn or an approval ended."""

    reason: Text = ""


class RequestAnswer(msgspec.Struct, omit_defaults=True):
    """A request. `standing`: requested, approved, refused, withdrawn, ended, expired or lapsed. Only those who decide are told
    which household it is."""

    id: str
    standing: str
    township: str
    requested_by: str
    requested_at: str
    basis: str
    document_no: str
    purpose: str
    address: str
    period_from: str
    period_to: str
    facts: list[str]
    days: int
    granted: list[str] | None = None
    expires_at: str | None = None
    decided_by: str | None = None
    decided_at: str | None = None
    decision_reason: str | None = None
    closed_by: str | None = None
    closed_at: str | None = None
    closing_reason: str | None = None
    grid: str | None = None
    household: str | None = None


class RequestList(msgspec.Struct):
    """The answer of `GET /api/requests`: those that wait first, then the newest."""

    requests: list[RequestAnswer]


class ExcerptAnswer(msgspec.Struct):
    """What was granted, `{fact: values}`, and until when it can be read."""

    facts: dict[str, list[str]]
    expires_at: str


@answers(RequestList)
def list_requests(request: Request) -> Response:
    """`GET /api/requests`: an officer's own requests, or those to the townships the person decides for."""
    person = asker_of(request)
    found = requests.listed(services_of(request).couch, person)
    return answer_struct(RequestList([_as_answer(one, person) for one in found]))


@answers(RequestAnswer)
@takes_json(RequestBody)
def add_request(request: Request, body: RequestBody) -> Response:
    """`POST /api/requests`: asks; 201, 403 for a township without a grid of the officer's. With an `Idempotency-Key` (a version 7
    uuid) the same again is the same request."""
    person, key = asker_of(request), request.headers.get("idempotency-key", "").strip('"') or new_key()
    asked = rules.Asked(**msgspec.structs.asdict(body))
    made = requests.ask(services_of(request).couch, person, asked, key, datetime.now(UTC))
    return answer_struct(_as_answer(made, person), 201)


@answers(RequestAnswer)
def show_request(request: Request) -> Response:
    """`GET /api/requests/{id}`: one request."""
    person = asker_of(request)
    return answer_struct(_as_answer(requests.find(services_of(request).couch, person, _id(request)), person))


@answers(RequestAnswer)
@takes_json(DecisionBody)
def decide(request: Request, body: DecisionBody) -> Response:
    """`POST /api/requests/{id}/decision`: approves or refuses (with a reason); 409 when somebody decided before."""
    person, couch, now = asker_of(request), services_of(request).couch, datetime.now(UTC)
    if body.verdict == "approve":
        granted = rules.Granted(body.grid, body.household, body.facts, body.days)
        after = requests.approve(couch, person, _id(request), granted, body.reason, now)
    else:
        after = requests.refuse(couch, person, _id(request), body.reason, now)
    return answer_struct(_as_answer(after, person))


@answers(RequestAnswer)
@takes_json(ReasonBody)
def withdraw(request: Request, body: ReasonBody) -> Response:
    """`POST /api/requests/{id}/withdrawal`: the officer needs it no more; 409 when it is over."""
    return _close(request, body, "withdrawal")


@answers(RequestAnswer)
@takes_json(ReasonBody)
def end(request: Request, body: ReasonBody) -> Response:
    """`POST /api/requests/{id}/ending`: the township ends an approval, with a reason; 409 when it is over."""
    return _close(request, body, "ending")


@answers(ExcerptAnswer)
def read_excerpt(request: Request) -> Response:
    """`POST /api/requests/{id}/reading`: what was granted, as the file says now; logged each time. 409 when it is over."""
    excerpt = requests.read(services_of(request).couch, asker_of(request), _id(request), datetime.now(UTC))
    return answer_struct(ExcerptAnswer(excerpt.facts, excerpt.expires_at))


def _close(request: Request, body: ReasonBody, how: str) -> Response:
    person = asker_of(request)
    after = requests.STEPS[how](services_of(request).couch, person, _id(request), body.reason, datetime.now(UTC))
    return answer_struct(_as_answer(after, person))


def _id(request: Request) -> str:
    return str(request.path_params["id"])


def _as_answer(one: rules.Request, person: Person) -> RequestAnswer:
    told: dict[str, Any] = {name: one[name] for name in RequestAnswer.__struct_fields__ if name in one}
    if not permissions.may_decide_household_requests(person, one["township"]):
        told |= {"grid": None, "household": None}
    return RequestAnswer(id=one["_id"], standing=rules.standing(one, datetime.now(UTC)), **told)
