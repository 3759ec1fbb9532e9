"""Reading what a request carries, before any rule: size is bounded by the route, shape by a msgspec struct, form or JSON.

Endpoints made here are async only to read the body; the handler itself is a plain function and runs in the thread pool.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import InvalidInput

JSON_BYTES = 64 * 1024
FORM_BYTES = 64 * 1024
FORM_FIELDS = 30

Shape = TypeVar("Shape")
Form = dict[str, str]
Endpoint = Callable[[Request], Awaitable[Response]]


def takes_json(shape: type[Shape]) -> Callable[[Callable[[Request, Shape], Response]], Endpoint]:
    """An endpoint whose handler is given the JSON body as a struct. 400 for what is no JSON, 415 for another type, 422 fields."""

    def wrap(handler: Callable[[Request, Shape], Response]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
                raise HTTPException(415, "not_json")
            return await run_in_threadpool(handler, request, decode(await request.body(), shape))

        return endpoint

    return wrap


def takes_form(handler: Callable[[Request, Form], Response]) -> Endpoint:
    """An endpoint whose handler is given the form's text fields; files are not taken here."""

    async def endpoint(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=FORM_FIELDS) as form:
            fields = {name: value for name, value in form.items() if isinstance(value, str)}
        return await run_in_threadpool(handler, request, fields)

    return endpoint


def decode(raw: bytes, shape: type[Shape]) -> Shape:
    """JSON bytes as a struct. Raises HTTPException 400 for broken JSON and InvalidInput that names the field."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise InvalidInput({path.rstrip("`").lstrip(".") or "body": message}) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(400, "malformed_json") from error
