"""`/api/openapi.json`: the public interface as an OpenAPI 3.1 document, made from the routes themselves.

Addresses, methods, bodies and texts come from where the server has them: the route table, a handler's docstring (what it answers,
its statuses and its query), the structs of its body and answer, the gate's own table, the shapes of documents. Nothing is written
down twice, and a route that is added is in the document. Pages for people are not.
"""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from media import tus
from server.domain import documents
from server.sources import signing
from server.web import move_docs
from server.web.health import our_version
from sync.gateway import endpoints

Json = dict[str, Any]
Operations = dict[str, dict[str, Json]]

REF = "#/components/schemas/{name}"
PUBLIC = frozenset({"/healthz", "/api/session", "/api/openapi.json"})
ENROL = ("/api/devices", "post")
PROBLEMS = ("400", "401", "403", "404", "405", "408", "409", "411", "412", "413", "414", "415", "422", "429", "431", "501", "503")
JSON_TYPE, PROBLEM_TYPE, STREAM_TYPE = "application/json", "application/problem+json", "text/event-stream"
TEXT: Json = {"type": "string"}
FREE: Json = {"type": "object"}
PAPERS = "/api/cases/{id}/papers/{kind}"
PAPER_TYPES = {f"{PAPERS}.pdf": "application/pdf", f"{PAPERS}.html": "text/html"}
OTHER_TYPES = {"/api/poke": STREAM_TYPE, "/api/photos/{photo}/{size}": "image/*", **PAPER_TYPES}
# Bodies that say more than their struct: which fields each move needs, who may make it and from where.
BODIES: Mapping[str, Callable[[], Json]] = {"MoveBody": move_docs.case_moves, "WhistleMoveBody": move_docs.whistle_moves}
# Headers that a handler's docstring names.
HEADERS = {
    "If-Match": "the version that was seen (an answer's ETag); 409 when it changed meanwhile",
    "Idempotency-Key": "8 to 64 letters, digits, `.`, `_`, `-`; the same again is the same thing once",
}


class Problem(msgspec.Struct):
    """An error (RFC 9457): `code` is for programs, `title` and `detail` for people in their language, `fields` for bad input."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    fields: dict[str, str] = {}
    retry_after_s: int = 0


class Refusal(msgspec.Struct):
    """An error below `/db`, as CouchDB's clients know them."""

    error: str
    reason: str


def show_interface(request: Request) -> Response:
    """`GET /api/openapi.json`: this document."""
    state = request.app.state
    if not hasattr(state, "interface"):
        state.interface = orjson.dumps(describe(request.app.routes))
    return Response(state.interface, media_type=JSON_TYPE, headers={"Cache-Control": "no-cache"})


def describe(routes: Sequence[BaseRoute]) -> Json:
    """The document. Raises KeyError for something mounted that nobody described."""
    shapes: list[Any] = [Problem, Refusal]
    paths: Operations = {}
    for route in routes:
        path = getattr(route, "path", "")
        if path in MOUNTED or (isinstance(route, Mount) and path not in ("/static", "/m")):
            _add(paths, MOUNTED[path](path))
        elif isinstance(route, Route) and (path.startswith(("/api/", "/open311/")) or path in PUBLIC):
            _add(paths, {path: _of_route(route, shapes)})
    _, schemas = msgspec.json.schema_components(shapes, ref_template=REF)
    return {
        "openapi": "3.1.0",
        "info": {"title": "巡格 Xunge", "version": our_version(), "description": (__doc__ or "").partition("\n")[0]},
        "paths": paths,
        "components": {
            "schemas": {**schemas, **_document_schemas()},
            "responses": {"Problem": _not_done("Problem"), "Refusal": _not_done("Problem", "Refusal")},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "a phone's token"},
                "signature": {"type": "apiKey", "in": "header", "name": signing.SIGNATURE, "description": signing.__doc__},
                "session": {"type": "apiKey", "in": "cookie", "name": "xunge_session", "description": "a desk's session"},
            },
        },
    }


def _add(paths: Operations, more: Operations) -> None:
    for path, operations in more.items():
        paths.setdefault(path, {}).update(operations)


def _of_route(route: Route, shapes: list[Any]) -> dict[str, Json]:
    """The operations of one route of the table."""
    text = inspect.getdoc(route.endpoint) or ""
    takes = getattr(route.endpoint, "takes", None)
    found = {}
    for method in sorted((route.methods or {"GET"}) - {"HEAD"}):
        names = re.findall(r"{(\w+)", route.path)
        query = sorted(set(re.findall(r"[?&](\w+)=", text.partition("\n")[0])))
        operation = _operation(text, names, query, _statuses(text))
        if takes is not None:
            shapes.append(takes)
            operation["requestBody"] = _body(BODIES.get(takes.__name__, lambda: {"$ref": REF.format(name=takes.__name__)})())
        elif method == "POST":
            operation["requestBody"] = _body(FREE, is_required=False)
        if route.path in PUBLIC or (route.path, method.lower()) == ENROL:
            operation["security"] = []
        elif scheme := getattr(route.endpoint, "security", None):
            operation["security"] = [{scheme: []}]
        answered = getattr(route.endpoint, "answers", None)
        shapes += [answered] if answered else []
        schema = {"$ref": REF.format(name=answered.__name__)} if answered else None
        _answers_with(operation, OTHER_TYPES.get(route.path, JSON_TYPE), schema)
        if types := getattr(route.endpoint, "speaks", None):
            _speaks(operation, types, has_form=hasattr(route.endpoint, "takes_form"))
        if route.path == "/healthz":
            operation["responses"]["503"] = {"description": "something is down", "content": {JSON_TYPE: {"schema": FREE}}}
        found[method.lower()] = operation
    return found


def _operation(text: str, path_names: Iterable[str], query: Iterable[str], statuses: Iterable[str]) -> Json:
    parameters = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in path_names]
    parameters += [{"name": name, "in": "query", "required": False, "schema": TEXT} for name in query]
    parameters += [
        {"name": name, "in": "header", "required": False, "schema": TEXT, "description": what}
        for name, what in HEADERS.items()
        if f"`{name}`" in text
    ]
    return {
        "summary": text.partition("\n")[0],
        "description": text,
        "parameters": parameters,
        "security": [{"token": []}, {"session": []}],
        "responses": {
            **{status: {"description": "done"} for status in statuses},
            **{status: {"$ref": "#/components/responses/Problem"} for status in PROBLEMS},
        },
    }


def _statuses(text: str) -> list[str]:
    """The good statuses that a docstring names; 200 where it names none."""
    found = re.findall(r"\b(20\d|304)\b", text)
    return found if any(status.startswith("20") for status in found) else [*found, "200"]


def _not_done(*names: str) -> Json:
    types = {"Problem": PROBLEM_TYPE, "Refusal": JSON_TYPE}
    content = {types[name]: {"schema": {"$ref": REF.format(name=name)}} for name in names}
    return {"description": "not done", "content": content}


def _answers_with(operation: Json, content_type: str, schema: Json | None = None) -> None:
    """Say what a success carries: JSON unless told otherwise, nothing where the status says so."""
    for status, response in operation["responses"].items():
        if status in ("200", "201"):
            is_json = content_type == JSON_TYPE
            response["content"] = {content_type: {"schema": schema or (FREE if is_json else TEXT)}}


def _speaks(operation: Json, types: Sequence[str], *, has_form: bool) -> None:
    """For whoever speaks a protocol of their own: these types in good and bad answers, open to all, a plain form if any."""
    operation["security"] = []
    for status in operation["responses"]:
        content: Json = {one: {"schema": {}} for one in types}
        operation["responses"][status] = {"description": "done" if status.startswith("2") else "not done", "content": content}
    if has_form:
        operation["requestBody"] = _body(FREE, "application/x-www-form-urlencoded")


def _body(schema: Json, content_type: str = JSON_TYPE, *, is_required: bool = True) -> Json:
    return {"required": is_required, "content": {content_type: {"schema": schema}}}


def _of_gate(mount: str) -> Operations:
    """The gate's table (`sync/gateway/endpoints.py`)."""
    found: Operations = {}
    for path, endpoint in endpoints.OFFERED.items():
        for method in sorted(endpoint.methods):
            right = {"pull": "what it may pull", "push": "what it may push to"}.get(endpoint.right, "what it may open")
            text = f"`{method} {mount}{path}`: CouchDB's replication protocol, for a device and {right}."
            operation = _operation(text, re.findall(r"{(\w+)", path), sorted(endpoint.params), ["200"])
            operation["security"] = [{"token": []}]
            operation["responses"] |= {status: {"$ref": "#/components/responses/Refusal"} for status in PROBLEMS}
            if method in ("POST", "PUT"):
                operation["requestBody"] = _body(_pushed() if endpoint is endpoints.PUSH else FREE)
                operation["responses"]["201"] = {"description": "done"}
            _answers_with(operation, JSON_TYPE, {"type": "array"} if endpoint is endpoints.PUSH else None)
            found.setdefault(mount + path, {})[method.lower()] = operation
    return found


def _pushed() -> Json:
    of_any = [{"$ref": REF.format(name=_schema_name(type_))} for type_ in documents.TYPES]
    docs = {"type": "array", "items": {"anyOf": of_any}, "maxItems": 1000}
    return {"type": "object", "required": ["docs", "new_edits"], "properties": {"docs": docs, "new_edits": {"const": False}}}


def _document_schemas() -> Json:
    """The shapes of documents as they are pushed, with `_id` and `_rev`."""
    found: Json = {}
    fields = [("id", str, msgspec.field(name="_id")), ("rev", str, msgspec.field(name="_rev"))]
    for type_, shape in documents.TYPES.items():
        pushed = msgspec.defstruct(_schema_name(type_), fields, bases=(shape,), kw_only=True, forbid_unknown_fields=True)
        _, schemas = msgspec.json.schema_components([pushed], ref_template=REF)
        schemas[_schema_name(type_)]["properties"]["type"] = {"const": type_}
        found |= schemas
    return found


def _schema_name(type_: str) -> str:
    return f"Pushed{documents.TYPES[type_].__name__}"


TUS_LINES = {
    "options": ("what is spoken here", "204", ()),
    "post": ("begins an upload, with its first bytes or without", "201", ("Upload-Length", "Upload-Metadata")),
    "head": ("how far it is", "200", ()),
    "patch": ("sends bytes from an offset on", "204", ("Upload-Offset",)),
    "delete": ("drops an unfinished one", "204", ()),
}


def _of_tus(mount: str) -> Operations:
    """The resumable protocol (`media/uploads.py`), https://tus.io/protocols/resumable-upload."""
    found: Operations = {}
    for path, methods in ((mount, ("options", "post")), (f"{mount}/{{upload}}", ("options", "head", "patch", "delete"))):
        for method in methods:
            what, status, needed = TUS_LINES[method]
            names = re.findall(r"{(\w+)", path)
            operation = _operation(f"`{method.upper()} {path}`: tus {tus.VERSION}, {what}.", names, [], [status])
            operation["security"] = [] if method == "options" else [{"token": []}]
            for name in ("Tus-Resumable", *needed) if method != "options" else ():
                schema = {"const": tus.VERSION} if name == "Tus-Resumable" else TEXT
                operation["parameters"].append({"name": name, "in": "header", "required": True, "schema": schema})
            for extra in ("410", "423", "460"):
                operation["responses"][extra] = operation["responses"]["400"]
            if method in ("post", "patch"):
                operation["requestBody"] = _body(TEXT, tus.CHUNK_TYPE, is_required=False)
            found.setdefault(path, {})[method] = operation
    return found


MOUNTED: Mapping[str, Callable[[str], Operations]] = {
    "/db": _of_gate,
    "/api/uploads": _of_tus,
    "/api/rescue/uploads": _of_tus,
}
