"""One HTTP exchange: the request as the routes see it, and the answers they give. ASGI is known here and in `app`."""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

from sync.embedded.codec import dump, parse
from sync.embedded.options import Options
from sync.embedded.refusals import Refusal, bad_request, not_implemented

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MOST_REQUEST_BYTES = 256 << 20


@dataclass(slots=True)
class Answer:
    """A whole answer. `body` None sends none (HEAD, 304)."""

    status: int
    body: bytes | None
    headers: dict[str, str] = field(default_factory=dict)


def answer_json(status: int, value: Any, headers: dict[str, str] | None = None) -> Answer:
    """An answer of JSON; `value` may be text that is JSON already."""
    body = value if isinstance(value, bytes) else dump(value)
    return Answer(status, body + b"\n", {"content-type": "application/json", **(headers or {})})


class Request:
    """Method, decoded path segments, query, headers and body of one request."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.method: str = scope["method"]
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw_path.split(b"?")[0].decode("utf-8", "replace")
        self.segments = [unquote_plus(part) for part in path.split("/")[1:]]
        if self.segments and self.segments[-1] == "":
            self.segments.pop()
        self.query = dict(parse_qsl(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True))
        self.headers: dict[str, str] = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._receive = receive
        self._send = send
        self._body: bytes | None = None
        self.has_started = False

    async def body(self) -> bytes:
        """The whole body. Raises 413 above `MOST_REQUEST_BYTES`."""
        if self._body is None:
            parts: list[bytes] = []
            size_bytes = 0
            while True:
                message = await self._receive()
                if message["type"] == "http.disconnect":
                    raise bad_request("The client went away.")
                parts.append(message.get("body", b""))
                size_bytes += len(parts[-1])
                if size_bytes > MOST_REQUEST_BYTES:
                    raise Refusal(413, "too_large", "The request entity is too large.")
                if not message.get("more_body", False):
                    break
            self._body = b"".join(parts)
        return self._body

    def content_type(self) -> str:
        """The content type without parameters."""
        given: str = self.headers.get("content-type", "")
        return given.split(";", maxsplit=1)[0].strip().lower()

    def need_json(self) -> None:
        """CouchDB takes POSTs only as JSON. Raises 415."""
        if self.content_type() != "application/json":
            raise Refusal(415, "bad_content_type", "Content-Type must be application/json")

    def refuse_multipart(self) -> None:
        """Raises 501 for bodies this node does not take apart."""
        if self.content_type().startswith("multipart/"):
            raise not_implemented("A multipart body")

    async def json_object(self) -> dict[str, Any]:
        """The body of a POST as an object. Raises 400, 415."""
        self.need_json()
        value = parse(await self.body())
        if not isinstance(value, dict):
            raise bad_request("Request body must be a JSON object")
        return value

    async def options(self) -> Options:
        """The query's parameters, and for a POST those of its body."""
        return Options(self.query, await self.json_object() if self.method == "POST" else None)

    async def start(self, status: int, headers: dict[str, str]) -> None:
        """Begins a streamed answer."""
        self.has_started = True
        await self._send({"type": "http.response.start", "status": status, "headers": _encode_headers(headers)})

    async def send(self, data: bytes, is_last: bool = False) -> None:
        """A part of a streamed answer."""
        await self._send({"type": "http.response.body", "body": data, "more_body": not is_last})

    async def give(self, answer: Answer) -> None:
        """Sends a whole answer; of a HEAD only its head."""
        body = answer.body or b""
        headers = dict(answer.headers)
        if answer.status != 304:
            headers.setdefault("content-length", str(len(body)))
        await self.start(answer.status, headers)
        await self.send(b"" if self.method == "HEAD" else body, is_last=True)

    async def wait_until_gone(self) -> None:
        """Returns when the client has closed the connection; the body must have been read."""
        message = await self._receive()
        while message["type"] != "http.disconnect":
            message = await self._receive()


def _encode_headers(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
