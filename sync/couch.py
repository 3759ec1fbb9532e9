"""The connection to the store, for handlers and workers that may block: a thin layer over pycouchdb's sessions.

Basic authentication, TLS verification, a timeout on every request, one session per thread, and errors by name (`errors.py`).
The gateway streams and is async; it does not come through here. Which databases exist and who may open them is not known here.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import orjson
import requests
from pycouchdb.client import Server
from requests.auth import HTTPBasicAuth

from sync.database import Database
from sync.errors import Conflict, NotFound, Refused, StorageFull, StoreError, Unreachable, is_transient

CONNECT_TIMEOUT_S = 3.0
# Whoever asks whether the store is up wants to know soon: a store that stalls is not.
UP_TIMEOUT_S = 2.0
NODE_DOWN = '"nodedown"'
JSON_HEADERS = {"content-type": "application/json", "accept": "application/json"}


class Couch:
    """One store. `url` carries the credentials: `https://user:password@host:6984`. Safe to share between threads."""

    def __init__(self, url: str, timeout_s: float = 10.0) -> None:
        self._url = url.rstrip("/")
        self._timeout_s = timeout_s
        self._threads = threading.local()

    def database(self, name: str, create: bool = False) -> Database:
        """A handle on a database; nothing is asked of the store unless `create`, which makes it with the default shards."""
        if create:
            self.create(name, replicated=False)
        return Database(self, name)

    def create(self, name: str, replicated: bool) -> bool:
        """Make a database; False when it was there. `replicated` gives it one shard (`q=1`), so that its feed has one order."""
        try:
            self.send("PUT", [name], params={"q": "1"} if replicated else {}, accept_quorum_missed=True)
        except Conflict:
            return False
        return True

    def delete(self, name: str) -> None:
        """Delete a database; one that is not there is fine."""
        try:
            self.send("DELETE", [name], accept_quorum_missed=True)
        except NotFound:
            return

    def all_databases(self) -> list[str]:
        """The names of all databases, in order."""
        return [str(name) for name in self.json("GET", ["_all_dbs"])]

    def info(self, names: Sequence[str]) -> dict[str, dict[str, Any] | None]:
        """`{name: {"update_seq", "doc_count", …} | None}`, None for one that is not there or could not be looked at.

        CouchDB answers "not_found" for both here, so nothing may be decided by a None but to pass over it: `info_of` tells them
        apart. Asked in slices of 100, which is what CouchDB takes at most.
        """
        found: dict[str, dict[str, Any] | None] = {}
        for start in range(0, len(names), 100):
            rows = self.json("POST", ["_dbs_info"], body={"keys": list(names[start : start + 100])})
            found |= {row["key"]: row.get("info") for row in rows}
        return found

    def info_of(self, name: str) -> dict[str, Any] | None:
        """The figures of one database, None when it is not there for certain. Raises Unreachable when that cannot be said."""
        try:
            return dict(self.json("GET", [name]))
        except NotFound:
            return None

    def is_up(self) -> bool:
        """True when the store answers `/_up`."""
        try:
            self.send("GET", ["_up"], timeout_s=UP_TIMEOUT_S)
        except StoreError:
            return False
        return True

    def json(self, method: str, path: Iterable[str], body: Any = None, params: Mapping[str, Any] | None = None) -> Any:
        """Send a request and parse its answer. Raises the errors of `errors.py`."""
        content = self.send(method, path, body=body, params=params).content
        try:
            return orjson.loads(content)
        except orjson.JSONDecodeError as error:
            # What failed when the answer had begun: the status said 200 by then, and the rest never came.
            raise Unreachable("broken answer") from error

    def send(
        self,
        method: str,
        path: Iterable[str],
        *,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        accept_quorum_missed: bool = False,
        timeout_s: float | None = None,
    ) -> requests.Response:
        """Send one request; `path` are raw segments, `body` is JSON, `data` raw bytes. Raises the errors of `errors.py`.

        `timeout_s` is how long to wait for bytes, when it is not what this connection was made with.
        """
        session, base = self._session()
        url = base + "/" + "/".join(_quoted(segment) for segment in path)
        if body is not None:
            data = orjson.dumps(body)
        try:
            answer = session.request(
                method,
                url,
                params=dict(params or {}),
                data=data,
                headers={**JSON_HEADERS, **(headers or {})},
                timeout=(CONNECT_TIMEOUT_S, timeout_s or self._timeout_s),
                allow_redirects=False,
            )
        except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
            raise Unreachable(type(error).__name__) from error
        if answer.status_code == 202 and not accept_quorum_missed:
            raise Unreachable("quorum missed")
        if answer.status_code >= 300:
            raise _error_of(answer)
        return answer

    def _session(self) -> tuple[requests.Session, str]:
        server = getattr(self._threads, "server", None)
        if server is None:
            base, login = split_login(self._url)
            server = Server(base, authmethod="basic", verify=True, timeout=self._timeout_s)
            server.resource.session.auth = login
            # Settings come from XUNGE_* alone: no proxy and no netrc by accident.
            server.resource.session.trust_env = False
            self._threads.server = server
        session: requests.Session = server.resource.session
        return session, str(server.base_url).rstrip("/")


def split_login(url: str) -> tuple[str, HTTPBasicAuth | None]:
    """A store's URL without its credentials, and these as CouchDB reads them, in UTF-8 (`requests` itself would send Latin-1)."""
    parts = urlsplit(url)
    bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
    if parts.username is None:
        return bare, None
    return bare, HTTPBasicAuth(unquote(parts.username).encode(), unquote(parts.password or "").encode())


def _quoted(segment: str) -> str:
    """A path segment. A dotted one would be taken for a step up or none by everything on the way, quoted or not."""
    if segment in ("", ".", ".."):
        raise Refused(400, f"not a path segment: {segment!r}")
    return quote(segment, safe="")


def _error_of(answer: requests.Response) -> StoreError:
    status, text = answer.status_code, answer.text[:300]
    if status == 507 or (status >= 500 and "insufficient_storage" in text):
        return StorageFull(text)
    if status == 404:
        return NotFound(text)
    # A cluster says 412 of a node that is down, too.
    if is_transient(status) or (status == 412 and NODE_DOWN in text):
        return Unreachable(f"{status} {text}")
    if status in (409, 412):
        return Conflict(text)
    return Refused(status, text)
