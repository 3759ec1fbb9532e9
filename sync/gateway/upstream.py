"""The gateway's own way to the store: async, pooled, with every URL built from segments and every failure made a `StoreDown`.

aiohttp because it was measured to cost least per proxied batch (`tests/bench/gateway.py`). Answers are handed on unread; only
errors are looked at here.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

import aiohttp
from yarl import URL

from sync.databases import is_replicated
from sync.gateway.answers import StoreDown

CONNECT_TIMEOUT_S = 3.0
ANSWER_TIMEOUT_S = 30.0
WAIT_TIMEOUT_S = 75.0
CONNECTIONS = 200
OWN_HEADERS = {"accept": "application/json", "content-type": "application/json"}


class Upstream:
    """The store behind the gate. `url` carries the credentials, which no client ever sees."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        self._base = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self._headers = dict(OWN_HEADERS)
        if parts.username is not None:
            user, password = unquote(parts.username), unquote(parts.password or "")
            self._headers["authorization"] = aiohttp.encode_basic_auth(user, password, encoding="utf-8")
        self._session: aiohttp.ClientSession | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def close(self) -> None:
        """Close the connections. The app that mounts the gateway calls it when it ends."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    @asynccontextmanager
    async def asking(
        self,
        method: str,
        segments: Sequence[str],
        params: Mapping[str, str],
        body: bytes | None = None,
        timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask the store; a database of ours that is not there yet is made and asked again. Raises StoreDown."""
        try:
            answer = await self._send(method, segments, params, body, timeout_s)
            if answer.status == 404 and await _is_database_missing(answer):
                await self._create(segments[0])
                answer = await self._send(method, segments, params, body, timeout_s)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise StoreDown from error
        try:
            await _raise_when_down(answer)
            yield answer
        finally:
            answer.release()

    async def read(
        self, method: str, segments: Sequence[str], params: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Ask the store for a small answer: its status and its whole body. Raises StoreDown."""
        async with self.asking(method, segments, params, body) as answer:
            try:
                return answer.status, await answer.read()
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                raise StoreDown from error

    async def _send(
        self, method: str, segments: Sequence[str], params: Mapping[str, str], body: bytes | None, timeout_s: float
    ) -> aiohttp.ClientResponse:
        path = "/".join(quote(segment, safe=":") for segment in segments)
        query = "?" + urlencode(params) if params else ""
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_TIMEOUT_S, sock_read=timeout_s)
        return await self._connected().request(
            method, URL(f"{self._base}/{path}{query}", encoded=True), data=body, timeout=timeout, allow_redirects=False
        )

    async def _create(self, database: str) -> None:
        answer = await self._send("PUT", [database], {"q": "1"} if is_replicated(database) else {}, None, ANSWER_TIMEOUT_S)
        async with answer:
            if answer.status not in (201, 202, 412):
                await _raise_when_down(answer)
                raise StoreDown("database_not_created")

    def _connected(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if self._session is None or self._loop is not loop:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=4),
                headers=self._headers,
                skip_auto_headers=("user-agent", "accept-encoding"),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
            )
        return self._session


async def _is_database_missing(answer: aiohttp.ClientResponse) -> bool:
    # The body is read once and kept by the response, so that a caller can still hand it on.
    return b"Database does not exist" in await answer.read()


async def _raise_when_down(answer: aiohttp.ClientResponse) -> None:
    """A store's 5xx, a write that missed its quorum (202) and a refusal of our own credentials are all "try again later"."""
    status = answer.status
    if status == 202:
        raise StoreDown("quorum_missed")
    if status in (401, 403) or (status >= 500 and status != 501):
        text = await answer.read()
        raise StoreDown("storage_full" if status == 507 or b"insufficient_storage" in text else "store_unreachable")
