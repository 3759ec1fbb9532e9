"""One database of the store: documents, pages, changes, views, attachments. Part of `couch.py`, which sends the requests.

Documents go in and out as plain dicts with `_id` and `_rev`. Nothing here retries: what a conflict means is the caller's to say.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import orjson
import requests

from sync.errors import Conflict, NotFound, Unreachable

Document = dict[str, Any]
LOCAL_TRIES = 4
# What CouchDB takes in one purge.
PURGED_DOCUMENTS, PURGED_REVISIONS = 100, 1000
# CouchDB reads design documents through a cache that lags a moment: asked by one that was just replaced, a view is a 404 with
# these words.
STALE_DESIGN, STALE_TRIES, STALE_PAUSE_S = "Design document was updated or deleted", 7, 0.05


class Changes(NamedTuple):
    """A page of the changes feed. `last_seq` is opaque: compare it by equality only. `pending` is how many changes follow."""

    results: list[dict[str, Any]]
    last_seq: str | int
    pending: int


class Sender(Protocol):
    """What a database needs of the connection; see `Couch.json` and `Couch.send`."""

    def json(self, method: str, path: Iterable[str], body: Any = None, params: Mapping[str, Any] | None = None) -> Any: ...

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
    ) -> requests.Response: ...


class Database:
    """A handle; making one asks nothing of the store. Every method raises NotFound when the database is not there."""

    def __init__(self, couch: Sender, name: str) -> None:
        self._couch = couch
        self.name = name

    def get(self, id: str, **params: Any) -> Document:
        """The document's winning revision. Raises NotFound when it is missing or deleted. `params` are sent as JSON."""
        return dict(self._couch.json("GET", self._path(id), params=_as_json(params)))

    def find(self, id: str) -> Document | None:
        """The document, or None when it is missing or deleted."""
        try:
            return self.get(id)
        except NotFound:
            return None

    def put(self, doc: Document) -> str:
        """Write one document and return its new revision. Raises Conflict when `_rev` is not the present one."""
        return str(self._couch.json("PUT", self._path(doc["_id"]), body=doc)["rev"])

    def bulk(self, docs: Sequence[Document], new_edits: bool = True) -> list[dict[str, Any]]:
        """Write many: `[{id, rev} | {id, error, reason}]`. With `new_edits=False` the answer holds only what failed."""
        if not docs:
            return []
        return list(self._couch.json("POST", [self.name, "_bulk_docs"], body={"docs": list(docs), "new_edits": new_edits}))

    def many(self, ids: Sequence[str]) -> dict[str, Document | None]:
        """`{id: document | None}` for every id asked for; None when missing or deleted."""
        if not ids:
            return {}
        path = [self.name, "_all_docs"]
        rows = self._couch.json("POST", path, body={"keys": list(ids)}, params={"include_docs": "true"})["rows"]
        return {row["key"]: row.get("doc") for row in rows}

    def range(self, start: str, end: str, limit: int, descending: bool = False) -> list[Document]:
        """Documents with `start` ≤ id ≤ `end` in id order (from `start` down to `end` when descending), at most `limit`."""
        params = {"startkey": start, "endkey": end, "limit": limit, "descending": descending, "include_docs": True}
        rows = self._couch.json("GET", [self.name, "_all_docs"], params=_as_json(params))["rows"]
        return [row["doc"] for row in rows if row.get("doc")]

    def changes(self, since: str | int | None, limit: int, style: str = "main_only", include_docs: bool = True) -> Changes:
        """One page of the feed after `since` (None: from the start). With `style="all_docs"` each row lists every leaf."""
        params = {"limit": str(limit), "style": style, "include_docs": "true" if include_docs else "false"}
        if since is not None:
            params["since"] = str(since)
        page = self._couch.json("GET", [self.name, "_changes"], params=params)
        return Changes(page["results"], page["last_seq"], page.get("pending", 0))

    def leaves(self, ids_and_revs: Sequence[tuple[str, str]]) -> list[Document]:
        """Named revisions of documents by `_bulk_get`, each with `_revisions`; what is not there is left out."""
        if not ids_and_revs:
            return []
        body = {"docs": [{"id": id, "rev": rev} for id, rev in ids_and_revs]}
        answer = self._couch.json("POST", [self.name, "_bulk_get"], body=body, params={"revs": "true"})
        return [found["ok"] for row in answer["results"] for found in row["docs"] if "ok" in found]

    def purge(self, revisions: Mapping[str, Sequence[str]]) -> None:
        """Remove leaves `{id: [rev]}` as if they had never been, and have the store give back their place."""
        for some in _in_purges(revisions):
            self._couch.json("POST", [self.name, "_purge"], body=some)
        if revisions:
            self._couch.send("POST", [self.name, "_compact"], body={}, accept_quorum_missed=True)

    def local_get(self, id: str) -> Document | None:
        """A `_local` document (never replicated), or None."""
        try:
            return dict(self._couch.json("GET", [self.name, "_local", id]))
        except NotFound:
            return None

    def local_put(self, id: str, body: Document, rev: str | None = None, *, is_new: bool = False) -> None:
        """Write a `_local` document over whatever is there: the last writer stays.

        With `rev`, the revision it had when the caller read it, or `is_new`, when it was not there, this is one request unless
        somebody wrote meanwhile.
        """
        for attempt in range(LOCAL_TRIES):
            if rev is None and not (is_new and attempt == 0):
                present = self.local_get(id)
                rev = present["_rev"] if present else None
            doc = {**body, "_id": f"_local/{id}"} | ({"_rev": rev} if rev else {})
            try:
                self._couch.json("PUT", [self.name, "_local", id], body=doc)
            except Conflict:
                rev = None
                if attempt == LOCAL_TRIES - 1:
                    raise
            else:
                return

    def view(self, design: str, view: str, **params: Any) -> dict[str, Any]:
        """A view's answer `{rows, total_rows, offset}`. `params` are sent as JSON; `keys` goes in the body.

        NotFound means that database, design document or view is not there; one that is being replaced is waited for.
        """
        path = [self.name, "_design", design, "_view", view]
        keys = params.pop("keys", None)
        for attempt in range(STALE_TRIES):
            time.sleep(STALE_PAUSE_S * 2 ** (attempt - 1) if attempt else 0)
            try:
                if keys is None:
                    return dict(self._couch.json("GET", path, params=_as_json(params)))
                return dict(self._couch.json("POST", path, body={"keys": keys}, params=_as_json(params)))
            except NotFound as error:
                if STALE_DESIGN not in str(error):
                    raise
        raise Unreachable(f"{self.name}: {STALE_DESIGN}")

    def attach(self, id: str, rev: str, name: str, data: bytes, content_type: str) -> str:
        """Put an attachment on a document and return the document's new revision."""
        headers = {"content-type": content_type}
        answer = self._couch.send("PUT", [*self._path(id), name], params={"rev": rev}, data=data, headers=headers)
        return str(orjson.loads(answer.content)["rev"])

    def attachment(self, id: str, name: str) -> bytes:
        """An attachment's bytes."""
        return bytes(self._couch.send("GET", [*self._path(id), name], headers={"accept": "*/*"}).content)

    def _path(self, id: str) -> list[str]:
        prefix, slash, rest = id.partition("/")
        return [self.name, prefix, rest] if slash and prefix in ("_design", "_local") else [self.name, id]


def _in_purges(revisions: Mapping[str, Sequence[str]]) -> Iterator[dict[str, list[str]]]:
    """The same in portions of which CouchDB takes each."""
    some: dict[str, list[str]] = {}
    for id, revs in revisions.items():
        if some and (len(some) == PURGED_DOCUMENTS or sum(map(len, some.values())) + len(revs) > PURGED_REVISIONS):
            yield some
            some = {}
        some[id] = list(revs)
    if some:
        yield some


def _as_json(params: Mapping[str, Any]) -> dict[str, str]:
    """Query parameters as CouchDB wants them: JSON, except the few that are plain words."""
    words = {"rev", "stale", "update", "startkey_docid", "endkey_docid"}
    given = {name: value for name, value in params.items() if value is not None}
    return {
        name: value if name in words and isinstance(value, str) else orjson.dumps(value).decode() for name, value in given.items()
    }
