"""The gateway's own way to the store: async, pooled, with every URL built from segments and every failure made a `StoreDown`.

Streams go through aiohttp, small whole answers through `pipes.py`: both were chosen by measurement (`tests/bench/gateway.py`).
Answers are handed on unread; only errors are looked at here.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

import aiohttp
from yarl import URL

from sync.databases import is_replicated
from sync.errors import is_transient
from sync.gateway.answers import StoreDown
from sync.gateway.pipes import CONNECT_TIMEOUT_S, Broken, Pipes

ANSWER_TIMEOUT_S = 30.0
WAIT_TIMEOUT_S = 75.0
CONNECTIONS = 200
# Never about what a phone asked, beside what is transient anyway: a redirection, our own credentials refused, a node that is down
# (CouchDB says 412).
DOWN = frozenset({301, 302, 303, 307, 308, 401, 403, 412})
OWN_HEADERS = {"accept": "application/json", "content-type": "application/json"}


class DatabaseMissing(Exception):
    """A database of ours that nobody has written to yet."""


class Upstream:
    """The store behind the gate. `url` carries the credentials, which no client ever sees."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._base = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], "", "", ""))
        self._root = parts.path.rstrip("/")
        self._headers = dict(OWN_HEADERS)
        if parts.username is not None:
            user, password = unquote(parts.username), unquote(parts.password or "")
            self._headers["authorization"] = aiohttp.encode_basic_auth(user, password, encoding="utf-8")
        self._session: aiohttp.ClientSession | None = None
        self._pipes: Pipes | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        """Close the connections. The app that mounts the gateway calls it when it ends."""
        if self._session is not None and self._pipes is not None:
            await self._session.close()
            self._pipes.close()
            self._session = self._pipes = None

    @asynccontextmanager
    async def asking(
        self, method: str, segments: Sequence[str], params: Mapping[str, str], body: bytes | None = None, *, makes: bool = True
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask the store for an answer of any length; a database of ours that is not there yet is made, unless `makes` is False.

        Raises StoreDown, and DatabaseMissing for a database that is not there and not to be made.
        """
        try:
            answer = await self._stream(method, segments, params, body)
            if answer.status == 404 and _is_database_missing(await answer.read()):
                if not makes:
                    raise DatabaseMissing
                await self._create(segments[0])
                answer = await self._stream(method, segments, params, body)
            if answer.status not in (200, 201):
                _raise_when_down(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StoreDown from error
        try:
            yield answer
        finally:
            answer.release()

    async def read(
        self, method: str, segments: Sequence[str], params: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Ask the store for a small answer: its status and its whole body; makes a missing database too. Raises StoreDown."""
        status, answer = await self._read(method, segments, params, body)
        if status == 404 and _is_database_missing(answer):
            await self._create(segments[0])
            status, answer = await self._read(method, segments, params, body)
        _raise_when_down(status, answer)
        return status, answer

    async def _read(
        self, method: str, segments: Sequence[str], params: Mapping[str, str], body: bytes | None
    ) -> tuple[int, bytes]:
        _, pipes = self._connected()
        try:
            return await pipes.ask(method, self._target(segments, params), body, ANSWER_TIMEOUT_S)
        except (Broken, TimeoutError, OSError) as error:
            raise StoreDown from error

    async def _stream(
        self, method: str, segments: Sequence[str], params: Mapping[str, str], body: bytes | None
    ) -> aiohttp.ClientResponse:
        session, _ = self._connected()
        url = URL(self._base + self._target(segments, params), encoded=True)
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT_S, sock_read=WAIT_TIMEOUT_S)
        return await session.request(method, url, data=body, timeout=timeout, allow_redirects=False)

    def _target(self, segments: Sequence[str], params: Mapping[str, str]) -> str:
        path = "/".join([self._root, *(quote(segment, safe=":") for segment in segments)])
        return f"{path}?{urlencode(params)}" if params else path

    async def _create(self, database: str) -> None:
        params = {"q": "1"} if is_replicated(database) else {}
        status, answer = await self._read("PUT", [database], params, None)
        if status not in (201, 202, 412):
            _raise_when_down(status, answer)
            raise StoreDown("database_not_created")

    def _connected(self) -> tuple[aiohttp.ClientSession, Pipes]:
        loop = asyncio.get_running_loop()
        if self._session is None or self._pipes is None or self._loop is not loop:
            self._loop = loop
            self._pipes = Pipes(self._base, self._headers)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=4),
                headers=self._headers,
                skip_auto_headers=("user-agent", "accept-encoding"),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session, self._pipes


def _is_database_missing(answer: bytes) -> bool:
    return b"Database does not exist" in answer


def _raise_when_down(status: int, answer: bytes) -> None:
    """What is transient, a write that missed its quorum (202) and what is in `DOWN` are all "try again later"."""
    if status == 202:
        raise StoreDown("quorum_missed")
    if status in DOWN or is_transient(status):
        is_full = status == 507 or b"insufficient_storage" in answer
        raise StoreDown("storage_full" if is_full else "store_unreachable")
