"""Reading what a request carries, before any rule: size is bounded, shape by a msgspec struct, form or JSON.

Endpoints made here are async only to read the body; the handler itself is a plain function and runs in the thread pool.
"""

import contextlib
import functools
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, NamedTuple, TypeVar
from urllib.parse import parse_qsl

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import InvalidInput

JSON_BYTES = 64 * 1024
FORM_BYTES = 64 * 1024
FORM_FIELDS = 80

Shape = TypeVar("Shape")
Handler = TypeVar("Handler", bound=Callable[..., Any])
Form = dict[str, str]
Endpoint = Callable[[Request], Awaitable[Response]]


class Upload(NamedTuple):
    """A file from a form: the name its sender gave it, to be shown and never used as a path, and its bytes."""

    name: str
    content: bytes


def takes_json(shape: type[Shape]) -> Callable[[Callable[[Request, Shape], Response]], Endpoint]:
    """An endpoint whose handler is given the JSON body as a struct. 400 for what is no JSON, 415 for another type, 422 fields."""

    def wrap(handler: Callable[[Request, Shape], Response]) -> Endpoint:
        @functools.wraps(handler)
        async def endpoint(request: Request) -> Response:
            if _type_of(request) != "application/json":
                raise HTTPException(415, "not_json")
            return await run_in_threadpool(handler, request, decode(await read_body(request, JSON_BYTES), shape))

        # What `/api/openapi.json` says of it.
        endpoint.takes = shape  # type: ignore[attr-defined]
        return endpoint

    return wrap


def answers(shape: type[Any]) -> Callable[[Handler], Handler]:
    """Marks a handler or endpoint with the struct its answer is made of, for `/api/openapi.json`."""

    def mark(handler: Handler) -> Handler:
        handler.answers = shape  # type: ignore[attr-defined]
        return handler

    return mark


def takes_form(handler: Callable[[Request, Form], Response]) -> Endpoint:
    """An endpoint whose handler is given the fields of a plain form; of a field given twice, the last."""

    async def endpoint(request: Request) -> Response:
        if _type_of(request) != "application/x-www-form-urlencoded":
            raise HTTPException(415, "wrong_type")
        raw = await read_body(request, FORM_BYTES)
        try:
            fields = dict(parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS, errors="strict"))
        except ValueError as error:
            raise HTTPException(400, "bad_request") from error
        return await run_in_threadpool(handler, request, fields)

    return endpoint


def takes_upload(most_bytes: int) -> Callable[[Callable[[Request, Form, Upload | None], Response]], Endpoint]:
    """An endpoint whose handler is given the fields of a multipart form and its one file (None when none was chosen).

    413 for a body over `most_bytes`, 415 for another type, 400 for a broken one. The file is in memory: keep the bound small.
    """

    def wrap(handler: Callable[[Request, Form, Upload | None], Response]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            if _type_of(request) != "multipart/form-data":
                raise HTTPException(415, "wrong_type")
            raw = await read_body(request, most_bytes)
            try:
                form = await MultiPartParser(request.headers, _once(raw), max_files=1, max_fields=FORM_FIELDS).parse()
            except (MultiPartException, KeyError, UnicodeDecodeError) as error:
                raise HTTPException(400, "bad_request") from error
            fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
            files = [value for value in form.values() if not isinstance(value, str)]
            upload = Upload(files[0].filename or "", await files[0].read()) if files and files[0].filename else None
            await form.close()
            return await run_in_threadpool(handler, request, fields, upload)

        return endpoint

    return wrap


def takes_files(most_files: int, most_bytes: int) -> Callable[[Callable[[Request, Form, list[bytes]], Response]], Endpoint]:
    """An endpoint whose handler is given the fields of a form and the content of its files; a plain form has none.

    413 for a body over `most_bytes`, counted while it comes; it lies on disk meanwhile. 400 for a broken one or too many files.
    """

    def wrap(handler: Callable[[Request, Form, list[bytes]], Response]) -> Endpoint:
        plain = takes_form(lambda request, form: handler(request, form, []))

        async def endpoint(request: Request) -> Response:
            if _type_of(request) != "multipart/form-data":
                return await plain(request)
            form = await read_files(request, most_files, most_bytes)
            async with contextlib.AsyncExitStack() as stack:
                stack.push_async_callback(form.close)
                fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
                chosen = [value for _, value in form.multi_items() if not isinstance(value, str) and value.filename]
                files = [await one.read() for one in chosen]
                return await run_in_threadpool(handler, request, fields, files)

        return endpoint

    return wrap


async def read_files(request: Request, most_files: int, most_bytes: int) -> FormData:
    """A multipart form; its files lie on disk until it is closed. Raises HTTPException 413 (counted as it comes), 415, 400."""
    if _type_of(request) != "multipart/form-data":
        raise HTTPException(415, "wrong_type")
    check_length(request, most_bytes)
    parser = MultiPartParser(request.headers, _counted(request, most_bytes), max_files=most_files, max_fields=FORM_FIELDS)
    try:
        return await parser.parse()
    except (MultiPartException, KeyError, UnicodeDecodeError) as error:
        raise HTTPException(400, "bad_request") from error


async def _counted(request: Request, most_bytes: int) -> AsyncGenerator[bytes, None]:
    """The body as it comes. Raises HTTPException 413 as soon as it is more than allowed."""
    size_bytes = 0
    async for chunk in request.stream():
        size_bytes += len(chunk)
        if size_bytes > most_bytes:
            raise HTTPException(413, "too_large")
        yield chunk


async def _once(raw: bytes) -> AsyncGenerator[bytes, None]:
    yield raw


async def read_body(request: Request, most_bytes: int) -> bytes:
    """The whole body. Raises HTTPException 413 as soon as it is more than allowed."""
    check_length(request, most_bytes)
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > most_bytes:
            raise HTTPException(413, "too_large")
    return bytes(raw)


def check_length(request: Request, most_bytes: int) -> None:
    """Refuses a body that says it is too long, before a byte of it is read."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > most_bytes:
        raise HTTPException(413, "too_large")


def decode(raw: bytes, shape: type[Shape]) -> Shape:
    """JSON bytes as a struct. Raises HTTPException 400 for broken JSON and InvalidInput that names the field."""
    try:
        return msgspec.json.decode(raw, type=shape)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `$")
        raise InvalidInput({path.rstrip("`").lstrip(".") or "body": message}) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise HTTPException(400, "malformed_json") from error


def _type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
