"""One request as it came in: its path taken apart and decoded once, its query, its bounded body. ASGI types, too.

Nothing of a request reaches the store as it came: segments and parameters are rebuilt from what is parsed here.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PATH_BYTES = 2000
QUERY_BYTES = 16_000
QUERY_FIELDS = 40
TOKEN_LENGTH = 300


class Malformed(Exception):
    """The request cannot be read; the text says what is wrong with it."""


class TooLarge(Exception):
    """The body is longer than this endpoint takes."""


class Disconnected(Exception):
    """The client went away while it was sending."""


class Sending:
    """An ASGI `send` that remembers whether the answer has begun."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.has_begun = False

    async def __call__(self, message: Message) -> None:
        """Pass the message on."""
        self.has_begun = True
        await self._send(message)


class Inbound:
    """A request below the gateway's mount point."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.receive = receive
        self._scope = scope

    def segments(self) -> list[str]:
        """The path's segments, percent-decoded exactly once, without the trailing empty one. Raises Malformed."""
        raw: bytes = self._scope.get("raw_path") or self._scope["path"].encode()
        raw = raw.partition(b"?")[0]
        root = self._scope.get("root_path", "").encode()
        if root and raw.startswith(root):
            raw = raw[len(root) :]
        if len(raw) > PATH_BYTES:
            raise Malformed("path_too_long")
        try:
            parts = [unquote_to_bytes(part).decode() for part in raw.lstrip(b"/").split(b"/")]
        except UnicodeDecodeError:
            raise Malformed("path_encoding") from None
        if parts[-1] == "":
            parts.pop()
        if any(part in ("", ".", "..") or not part.isprintable() for part in parts):
            raise Malformed("path_segment")
        return parts

    def params(self) -> dict[str, str]:
        """The query's fields; each may be given once. Raises Malformed."""
        query: bytes = self._scope.get("query_string", b"")
        if len(query) > QUERY_BYTES:
            raise Malformed("query_too_long")
        try:
            pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=QUERY_FIELDS)
        except ValueError:
            raise Malformed("query_encoding") from None
        if len({name for name, _ in pairs}) != len(pairs):
            raise Malformed("query_repeated")
        return dict(pairs)

    def token(self) -> str | None:
        """The bearer token, or None when there is none or more than one."""
        values = [value for name, value in self._scope["headers"] if name == b"authorization"]
        if len(values) != 1 or len(values[0]) > TOKEN_LENGTH:
            return None
        scheme, _, token = values[0].decode("latin-1").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None

    async def body(self, limit_bytes: int) -> bytes:
        """The whole body. Raises TooLarge as soon as it is known to be too long, and Disconnected."""
        declared = next((value for name, value in self._scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit():
            raise Malformed("content_length")
        if int(declared) > limit_bytes:
            raise TooLarge
        chunks: list[bytes] = []
        size_bytes = 0
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk = message.get("body", b"")
            size_bytes += len(chunk)
            if size_bytes > limit_bytes:
                raise TooLarge
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)
