"""What a connection may cost before anybody is known: uvicorn's HTTP protocol with bounds on time, size and number.

uvicorn waits for ever for a request's head or body, takes a head of any length, and has no bound on idle connections that is
fair to those who come next. A server that stands behind no proxy needs all of that, and one strict reading of a request: what two
programs could read in two ways is refused (RFC 9112, sections 3, 5.1 and 6.3). Answers may take their time: nothing here ends a
long poll, an event stream or a slow download that moves. Who may do what is decided far behind this.
"""

import asyncio
import resource
from http import HTTPStatus
from typing import Any, ClassVar
from weakref import WeakSet

import httptools
import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

# A phone on 2 KB/s sends its head in half a second; one that has sent nothing may be a browser's connection in reserve.
FIRST_BYTE_S = 30.0
HEAD_S = 15.0
# A body must come at 100 bytes a second on average: a tenth of the worst link there is, with half a minute of patience for a gap.
BODY_WINDOW_S = 30.0
BODY_WINDOW_BYTES = 3_000
# An answer must be taken by the client: 64 KB, what the transport holds, in this time is 550 bytes a second.
SENDING_S = 120.0
KEEP_ALIVE_S = 20
# uvicorn ends a connection that rests after an answer; not one whose body went on after its answer was whole.
IDLE_S = KEEP_ALIVE_S + 10.0
TICK_S = 1.0
# Phones that all come at once wait here until they are taken; the system may hold fewer.
BACKLOG = 4_096

TARGET_BYTES = 8 * 1024
HEAD_BYTES = 32 * 1024
HEADERS = 64
ONCE = frozenset({b"host", b"content-length", b"transfer-encoding", b"authorization", b"content-type"})
RETRY_AFTER_S = 5

NEW, HEAD, BODY, ANSWER, IDLE = "new", "head", "body", "answer", "idle"
# Nobody waits for an answer on these: they make room first when there are too many.
SPARE = frozenset({NEW, HEAD, IDLE})


class Refused(Exception):
    """This request is not read any further."""


class Connection(HttpToolsProtocol):
    """One connection. `most` is how many a process holds at once; `serving()` sets it by what the system allows."""

    most: ClassVar[int] = 4_000
    _ticking: ClassVar[WeakSet[ServerState]] = WeakSet()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.phase = NEW
        self.since_s = self.loop.time()
        self.stalled_since_s: float | None = None
        self.head_bytes = 0
        self.body_bytes = 0
        self.refusal = HTTPStatus.BAD_REQUEST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Part of asyncio's protocol."""
        super().connection_made(transport)
        self._keep_ticking()
        if len(self.connections) > self.most:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio's protocol."""
        self.phase = NEW
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio's protocol."""
        self._unset_keepalive_if_required()
        if self.phase is BODY:
            self.body_bytes += len(data)
        else:
            if self.phase is not ANSWER and self.phase is not HEAD:
                self._enter(HEAD)
            self.head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._turn_away()
            return
        # Also of what a client sends ahead while it waits for an answer: the parser itself would keep any length.
        if self.phase is not BODY and self.head_bytes > HEAD_BYTES:
            self.refusal = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            self._turn_away()

    def _turn_away(self) -> None:
        """Refuse what came. While an earlier request on this connection is being answered, nothing may be written between."""
        if self.transport.is_closing():
            return
        is_answering = self.cycle is not None and self.cycle.response_started and not self.cycle.response_complete
        if is_answering:
            self.transport.abort()
        else:
            self.transport.write(plain_answer(self.refusal))
            self.transport.close()

    def on_message_begin(self) -> None:
        """Part of httptools' protocol."""
        super().on_message_begin()
        self._held_bytes = 0

    def on_url(self, url: bytes) -> None:
        """Part of httptools' protocol."""
        super().on_url(url)
        if len(self.url) > TARGET_BYTES:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Part of httptools' protocol."""
        super().on_header(name, value)
        self._held_bytes += len(name) + len(value)
        if self._held_bytes > HEAD_BYTES or len(self.headers) > HEADERS:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_headers_complete(self) -> None:
        """Part of httptools' protocol."""
        is_sound = is_plain_target(self.url) and are_unambiguous(self.headers, self.parser.get_http_version())
        if not is_sound or self.parser.should_upgrade():
            self._refuse(HTTPStatus.BAD_REQUEST)
        self.scope["extensions"] = {"xunge.drop": self.transport.abort}  # type: ignore[dict-item]
        super().on_headers_complete()
        self._enter(BODY)

    def on_message_complete(self) -> None:
        """Part of httptools' protocol."""
        super().on_message_complete()
        self._enter(IDLE if self.cycle.response_complete else ANSWER)

    def on_response_complete(self) -> None:
        """uvicorn calls it when an answer is whole."""
        if self.phase is ANSWER and not self.pipeline:
            self._enter(IDLE)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Part of asyncio's protocol."""
        self.stalled_since_s = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """Part of asyncio's protocol."""
        self.stalled_since_s = None
        super().resume_writing()

    def _enter(self, phase: str) -> None:
        self.phase, self.since_s = phase, self.loop.time()
        self.head_bytes = self.body_bytes = 0

    def _refuse(self, status: HTTPStatus) -> None:
        self.refusal = status
        raise Refused

    def _keep_ticking(self) -> None:
        """One timer for all connections of a server: a timer each would cost more than the requests of a quiet phone."""
        if self.server_state not in self._ticking:
            self._ticking.add(self.server_state)
            self.loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now_s = self.loop.time()
        for one in list(self.connections):
            if isinstance(one, Connection):
                one.check_patience(now_s)
        if self.connections:
            self.loop.call_later(TICK_S, self._tick)
        else:
            self._ticking.discard(self.server_state)

    def _make_room(self) -> None:
        """Close what waits for nothing, the longest wait first, a twentieth at a time; refuse this one when all are at work."""
        spare = [one for one in self.connections if isinstance(one, Connection) and one.phase in SPARE and one is not self]
        spare.sort(key=lambda one: one.since_s)
        for one in spare[: max(1, self.most // 20)]:
            one.transport.abort()
        if not spare:
            self.transport.write(plain_answer(HTTPStatus.SERVICE_UNAVAILABLE))
            self.transport.close()

    def check_patience(self, now_s: float) -> None:
        """Called every second: ends what takes too long."""
        waited_s = now_s - self.since_s
        if self.stalled_since_s is not None and now_s - self.stalled_since_s > SENDING_S:
            self.transport.abort()
        elif (self.phase is NEW and waited_s > FIRST_BYTE_S) or (self.phase is IDLE and waited_s > IDLE_S):
            self.transport.close()
        elif self.phase is HEAD and waited_s > HEAD_S:
            self._give_up()
        elif self.phase is BODY and waited_s > BODY_WINDOW_S:
            # While we do not read, the client cannot send: that is our slowness, not its own.
            if self.body_bytes < BODY_WINDOW_BYTES and not self.flow.read_paused:
                self._give_up()
            self.since_s, self.body_bytes = now_s, 0

    def _give_up(self) -> None:
        """Say that it took too long, unless something was answered already, and end the connection."""
        if self.transport.is_closing():
            return
        is_answered = self.phase is BODY and self.cycle.response_started
        if not is_answered:
            self.transport.write(plain_answer(HTTPStatus.REQUEST_TIMEOUT))
        self.transport.close()


def is_plain_target(target: bytes) -> bool:
    """True for a path with a query and nothing else: no address of another server, no fragment, no byte that needs encoding."""
    is_path = target.startswith(b"/") and not target.startswith(b"//") and target.isascii()
    return is_path and target.decode("ascii").isprintable() and not any(bad in target for bad in (b" ", b"#", b"\\"))


def are_unambiguous(headers: list[tuple[bytes, bytes]], version: str) -> bool:
    """False for a head that two programs may read differently."""
    seen: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in ONCE:
            if name in seen:
                return False
            seen[name] = value
        # A folded line, a NUL or a lone carriage return would be read differently by whatever stands before us.
        if b"\n" in value or b"\r" in value or b"\0" in value or not name:
            return False
    length, coding = seen.get(b"content-length"), seen.get(b"transfer-encoding")
    if coding is not None and (length is not None or coding.lower() != b"chunked" or version != "1.1"):
        return False
    if b"host" not in seen and version == "1.1":
        return False
    return length is None or (length.isdigit() and len(length) <= 15)


def plain_answer(status: HTTPStatus) -> bytes:
    """A whole small answer that ends the connection, for requests that reach no handler."""
    code = {408: "too_slow", 431: "head_too_large", 414: "address_too_long", 503: "too_many_connections"}.get(
        status, "bad_request"
    )
    body = orjson.dumps({"type": f"urn:xunge:problem:{code}", "title": status.phrase, "status": status.value, "code": code})
    wait = f"retry-after: {RETRY_AFTER_S}\r\n" if status == HTTPStatus.SERVICE_UNAVAILABLE else ""
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/problem+json\r\ncache-control: no-store\r\n"
        f"{wait}content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


def serving() -> type[Connection]:
    """The protocol for this process, with as many connections as its file descriptors allow, store and files left aside."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = hard if hard != resource.RLIM_INFINITY else 65_536
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    Connection.most = max(100, min(Connection.most, soft - 600))
    return Connection
