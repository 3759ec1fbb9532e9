"""Enrolment of phones and what a phone asks about itself (`/api/devices`, DESIGN §7). Rules are in `server/people/devices.py`."""

import base64
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response

from server import audit, epochs
from server.domain import times
from server.domain.errors import Forbidden, InvalidInput, NotSignedIn
from server.domain.permissions import may_use_phone
from server.households import requests
from server.people import devices, losses
from server.people.devices import Holder
from server.push.keys import public_key
from server.rescue import proofs
from server.rescue.seals import open_data_key
from server.web import locale, phone_cookie
from server.web.bodies import answers, takes_json
from server.web.services import services_of
from server.web.session_routes import check
from server.web.sessions import bearer_of

Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]


class Enrolment(msgspec.Struct):
    """The body of `POST /api/devices`; `name` is what the person calls the phone, `previous` the device whose data it has."""

    username: str
    password: str
    name: Annotated[str, msgspec.Meta(max_length=100)] = ""
    previous: Annotated[str, msgspec.Meta(max_length=100)] = ""


class Unsent(msgspec.Struct):
    """The body of `POST /api/devices/me`: what waits on the phone, in all, and the quarter of the oldest of it."""

    records: Count = 0
    photos: Count = 0
    size_bytes: Annotated[int, msgspec.Meta(ge=0, le=10**15)] = 0
    oldest_quarter: Annotated[str, msgspec.Meta(max_length=6)] | None = None


class Opened(msgspec.Struct):
    """A database and what the device may do with it."""

    name: str
    pull: bool
    push: bool


class User(msgspec.Struct):
    """Whose phone it is; `name` in the language asked for."""

    id: str
    name: str
    roles: list[str]


class SealTo(msgspec.Struct):
    """What a phone seals to so that only this server opens it: a point of P-256 in base64; with another secret another `id`.

    `proof` is what a rescue file of this device is believed by (`server/rescue/proofs.py`).
    """

    id: str
    point: str
    proof: str


class About(msgspec.Struct):
    """What a device is told of itself."""

    device_id: str
    user: User
    grids: list[str]
    databases: list[Opened]
    server_time: str
    seal_key: SealTo


class Before(msgspec.Struct):
    """A phone of this user whose data may be gone, and what it last said it held unsent; `is_certain`: it is this very one."""

    device: str
    name: str
    last_seen_on: str
    records: int
    photos: int
    is_certain: bool


class Enrolled(About, kw_only=True):
    """The answer of an enrolment."""

    token: str
    before: Before | None = None


class Own(About, kw_only=True):
    """The answer to a device that asks about itself; `token` when it should use another from now on.

    `epoch` is another one after the store came back from a backup (`server/epochs.py`); `push_key` is what a phone that wants to
    be pushed to subscribes with, `push_endpoint` the subscription of it that this server has, empty for none. As many of an
    officer's requests for household data as `requests_answered` says have an answer that was not looked at.
    """

    wipe: bool
    epoch: str
    push_key: str
    push_endpoint: str
    requests_answered: int
    token: str | msgspec.UnsetType = msgspec.UNSET


class Locked(msgspec.Struct):
    """The body of `POST /api/devices/me/data-key`: the data key of this phone's vault, sealed for the server, in base64."""

    password: str
    sealed: Annotated[str, msgspec.Meta(max_length=1000)]


class DataKey(msgspec.Struct):
    """That key, in base64."""

    key: str


class Renewed(msgspec.Struct):
    """A token that is due to be replaced was, by this one."""

    token: str


@answers(Enrolled)
@takes_json(Enrolment)
def enrol(request: Request, body: Enrolment) -> Response:
    """`POST /api/devices`: 201 with the token, which is shown this once; a desk's session in the same browser is over."""
    person = check(request, body.username, body.password)
    if not may_use_phone(person):
        raise Forbidden("no_phone_role")
    services = services_of(request)
    device, token = devices.enrol(services.couch, person, body.name)
    holder, kept = Holder(person, device), phone_cookie.read(request)
    lost = losses.begin(services.couch, person, holder.device_id, previous=body.previous, kept=kept, now=datetime.now(UTC))
    before = Before(**lost._asdict()) if lost else None
    answer = answer_struct(Enrolled(**_about(request, holder), token=token, before=before), 201)
    phone_cookie.write(request, answer, holder.device_id)
    services.sessions.end(request, answer)  # of whoever used this browser before, at a desk page
    return answer


@answers(Own)
def show_own(request: Request) -> Response:
    """`GET /api/devices/me`: the same without the token, and whether the phone must wipe itself.

    `token` is there when the phone should use a new one from now on.
    """
    # A phone that was told of a grid pushes to it at once.
    services = services_of(request)
    services.policy.forget(bearer_of(request) or "")
    holder = holder_of(request)
    token = _renewed(request, holder) or msgspec.UNSET
    own = Own(
        **_about(request, holder),
        wipe=bool(holder.device["wipe"]),
        epoch=epochs.epoch_of(services.couch),
        push_key=public_key(services.settings.secret),
        push_endpoint=(holder.device.get("push") or {}).get("endpoint", ""),
        requests_answered=requests.unseen(services.couch, holder.person, datetime.now(UTC)),
        token=token,
    )
    return answer_struct(own)


@answers(Renewed)
@takes_json(Unsent)
def report_unsent(request: Request, body: Unsent) -> Response:
    """`POST /api/devices/me`: notes what waits on the phone; 204, or 200 with a new `token`."""
    holder = holder_of(request)
    counts = {"records": body.records, "photos": body.photos, "size_bytes": body.size_bytes}
    devices.note_unsent(services_of(request).couch, holder, counts, oldest_quarter=body.oldest_quarter)
    token = _renewed(request, holder)
    return answer_struct(Renewed(token)) if token else Response(status_code=204)


@answers(DataKey)
@takes_json(Locked)
def open_own(request: Request, body: Locked) -> Response:
    """`POST /api/devices/me/data-key`: for whoever forgot the PIN; 403 for a wrong password, 422 for what it cannot open.

    Only with a token that is good and the password of its person: a phone that was revoked is opened to nobody. It is logged.
    """
    holder, services = holder_of(request), services_of(request)
    name = holder.person["name"]
    try:
        check(request, name, body.password)
    except NotSignedIn as error:
        raise Forbidden(error.code) from None
    key = open_data_key(services.seal_key, body.sealed, name)
    if key is None:
        raise InvalidInput({"sealed": "unreadable"})
    audit.note(services.couch, by=name, action="device.unlock", subject=f"device:{holder.device_id}")
    return answer_struct(DataKey(base64.b64encode(key).decode()))


def report_loss(request: Request) -> Response:
    """`POST /api/devices/{id}/loss`: this phone's user says that it is that one, and that its data are gone; 204."""
    holder = holder_of(request)
    lost = str(request.path_params["id"])
    losses.report(services_of(request).couch, holder.person, lost, holder.device_id, datetime.now(UTC))
    return Response(status_code=204)


def revoke(request: Request) -> Response:
    """`DELETE /api/devices/{id}`: by the phone itself, its owner at a desk, or an administrator; 204."""
    services = services_of(request)
    person = holder_of(request).person if bearer_of(request) else services.sessions.person_of(request)
    devices.revoke(services.couch, request.path_params["id"], by=person)
    return Response(status_code=204)


def holder_of(request: Request) -> Holder:
    """The device and person of the request's token. Raises NotSignedIn (`token_unknown`, `token_expired`, `token_revoked`)."""
    token = bearer_of(request)
    if not token:
        raise NotSignedIn("token_unknown")
    return devices.find(services_of(request).couch, token)


def databases_of(holder: Holder) -> list[dict[str, Any]]:
    """The databases this device may open now: `[{name, pull, push}]`."""
    return devices.databases_of(holder.person, datetime.now(UTC), holder.device)


def answer_json(body: Any, status: int = 200) -> Response:
    """A JSON answer nobody may keep."""
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, "application/json")


def answer_struct(body: msgspec.Struct, status: int = 200) -> Response:
    """The same of a struct."""
    return Response(msgspec.json.encode(body), status, {"Cache-Control": "no-store"}, "application/json")


def _renewed(request: Request, holder: Holder) -> str | None:
    return devices.renew(services_of(request).couch, holder, bearer_of(request) or "")


def _about(request: Request, holder: Holder) -> dict[str, Any]:
    person, shown = holder.person, locale.language_of(request)
    seal_key = services_of(request).seal_key
    return {
        "device_id": holder.device_id,
        "user": User(person["name"], locale.named(person.get("display"), shown, person["name"]), list(person["roles"])),
        "grids": list(person.get("grids", ())),
        "databases": [Opened(**one) for one in databases_of(holder)],
        "server_time": times.to_text(datetime.now(UTC)),
        "seal_key": SealTo(seal_key.id, seal_key.point, proofs.prove(seal_key, holder.device_id, person["name"])),
    }
