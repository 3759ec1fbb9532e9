"""`/api/ingest/{source}`: other systems report, signed; the same number is the same case. What it means: `server/sources/`."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.cases.moves import KEY
from server.domain import source_fields
from server.domain.errors import InvalidInput, Missing, NotSignedIn
from server.domain.sources import Item
from server.sources import intake, signing, store
from server.web.bodies import JSON_BYTES, answers, read_body
from server.web.devices_api import answer_struct
from server.web.services import services_of


class Accepted(msgspec.Struct):
    """What became of an item: the case, its number for people, and its state."""

    case: str
    case_no: str
    state: str
    number: str
    is_new: bool


def signed(handler: Callable[[Request, dict[str, Any], bytes], Response]) -> Callable[[Request], Any]:
    """An endpoint whose handler is given the source that signed the body. 401 for everything that proves nothing."""

    async def endpoint(request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise HTTPException(415, "not_json")
        body = await read_body(request, JSON_BYTES)
        return await run_in_threadpool(lambda: handler(request, _signer(request, body), body))

    endpoint.__doc__ = handler.__doc__
    endpoint.security = "signature"  # type: ignore[attr-defined]
    return endpoint


def _signer(request: Request, body: bytes) -> dict[str, Any]:
    """The source that signed. Raises NotSignedIn, whatever is wrong: a stranger learns not even which sources there are."""
    services = services_of(request)
    timestamp, signature = (request.headers.get(name, "") for name in (signing.TIMESTAMP, signing.SIGNATURE))
    try:
        source = store.find(services.couch, str(request.path_params["source"]))
    except Missing:
        source = {"id": "", "salt": "", "is_disabled": True}
    is_right = signing.is_signed(store.secret_of(services.settings.secret, source), timestamp, signature, body, datetime.now(UTC))
    if not is_right or source["is_disabled"]:
        raise NotSignedIn("bad_signature")
    services.patience.send(str(source["id"]))
    return source


@answers(Accepted)
@signed
def take_in(request: Request, source: dict[str, Any], body: bytes) -> Response:
    """`POST /api/ingest/{source}`: takes a report in; 201 with its case, 200 when it was there, 409 when it differs from that.

    Headers: `X-Xunge-Timestamp` (seconds since 1970, at most five minutes off), `X-Xunge-Signature` (`sha256=` and the hex of
    HMAC-SHA256 over `<timestamp>.<body>` with the source's secret), and if wanted `Idempotency-Key`. Kinds of sources that have
    field names of their own (12345, video) are read by these. `links`: where pictures lie at the sender's; nobody
    fetches them.
    """
    key = request.headers.get("idempotency-key", "").strip('"') or None
    if key is not None and not KEY.fullmatch(key):
        raise InvalidInput({"Idempotency-Key": "invalid"})
    item = source_fields.read(source["kind"], _fields(body), source.get("fields"))
    services = services_of(request)
    taken = intake.take(services.couch, services.nudges, source, item, datetime.now(UTC), key=key)
    case = taken.case
    told = Accepted(case["_id"], case["case_no"], case["state"], item.number, taken.is_new)
    return answer_struct(told, 201 if taken.is_new else 200)


take_in.takes = Item  # type: ignore[attr-defined]


def _fields(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(400, "malformed_json") from error
    if not isinstance(found, dict):
        raise InvalidInput({"body": "invalid"})
    return found
