"""How Open311 answers look, as JSON and as XML: lists of flat things, empty where nothing is known, errors in their own shape.

The specification (GeoReport v2) is wiki.open311.org/GeoReport_v2. Nothing is decided here.
"""

import functools
import re
from collections.abc import Awaitable, Callable
from typing import Any
from xml.etree import ElementTree

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import DomainError, InvalidInput
from server.web import locale
from server.web.bodies import FORM_BYTES, read_body
from server.web.errors import Answer
from server.web.services import services_of
from server.web.session_routes import address_of
from sync.errors import StoreError

JSON_TYPE, XML_TYPE = "application/json; charset=utf-8", "text/xml; charset=utf-8"
TYPES = ("application/json", "text/xml", "application/problem+json")
# What XML 1.0 has no way to say.
UNSAYABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
Row = dict[str, Any]
Handler = Callable[[Request], Response]


def speaks(handler: Handler) -> Handler:
    """A handler whose errors are answered in the protocol's own shape."""

    @functools.wraps(handler)
    def endpoint(request: Request) -> Response:
        try:
            _format_of(request)
            services_of(request).patience.ask(address_of(request))
            return handler(request)
        except (DomainError, StoreError, HTTPException) as error:
            return _failed(request, error)

    endpoint.speaks = TYPES  # type: ignore[attr-defined]
    return endpoint


def speaks_with_form(handler: Callable[[Request, bytes], Response]) -> Callable[[Request], Awaitable[Response]]:
    """The same for one that takes a plain form."""

    @functools.wraps(handler)
    async def endpoint(request: Request) -> Response:
        try:
            _format_of(request)
            await run_in_threadpool(services_of(request).patience.ask, address_of(request))
            return await run_in_threadpool(handler, request, await _form_of(request))
        except (DomainError, StoreError, HTTPException) as error:
            return _failed(request, error)

    endpoint.speaks = TYPES  # type: ignore[attr-defined]
    endpoint.takes_form = True  # type: ignore[attr-defined]
    return endpoint


async def _form_of(request: Request) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise HTTPException(415, "wrong_type")
    return await read_body(request, FORM_BYTES)


def answer_list(request: Request, root: str, each: str, rows: list[Row], status: int = 200) -> Response:
    """A list: in JSON an array, in XML `root` with an `each` for every row."""
    if _format_of(request) == "json":
        return _bytes(orjson.dumps(rows), JSON_TYPE, status)
    top = ElementTree.Element(root)
    for row in rows:
        _fill(ElementTree.SubElement(top, each), row)
    return _xml(top, status)


def answer_one(request: Request, root: str, row: Row) -> Response:
    """One thing: in JSON an object, in XML `root`."""
    if _format_of(request) == "json":
        return _bytes(orjson.dumps(row), JSON_TYPE, 200)
    top = ElementTree.Element(root)
    _fill(top, row)
    return _xml(top, 200)


def _format_of(request: Request) -> str:
    """`json` or `xml`, by the address. Raises HTTPException for another."""
    found = str(request.path_params["format"])
    if found not in ("json", "xml"):
        raise HTTPException(404, "not_found")
    return found


def _failed(request: Request, error: Exception) -> Response:
    answer = Answer(error)
    # The protocol says 400 for what a client got wrong.
    status = 400 if answer.status == 422 else answer.status
    text = answer.text(locale.language_of(request))
    if isinstance(error, InvalidInput):
        text += " (" + ", ".join(f"{field}: {code}" for field, code in error.fields.items()) + ")"
    rows = [{"code": status, "description": text}]
    if request.path_params["format"] != "xml":
        return _bytes(orjson.dumps(rows), JSON_TYPE, status)
    top = ElementTree.Element("errors")
    _fill(ElementTree.SubElement(top, "error"), rows[0])
    return _xml(top, status)


def _fill(element: ElementTree.Element, row: Row) -> None:
    for name, value in row.items():
        child = ElementTree.SubElement(element, name)
        if value is None or isinstance(value, list):
            continue
        child.text = str(value).lower() if isinstance(value, bool) else UNSAYABLE.sub("", str(value))


def _xml(top: ElementTree.Element, status: int) -> Response:
    return _bytes(ElementTree.tostring(top, encoding="utf-8", xml_declaration=True), XML_TYPE, status)


def _bytes(body: bytes, content_type: str, status: int) -> Response:
    return Response(body, status, {"Cache-Control": "no-store"}, content_type)
