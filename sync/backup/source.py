"""Reading a store as a backup needs it: pages of changes, all leaves with histories, attachments as streams.

Only what CouchDB's documentation promises is used. Nothing is kept here; what is done with it is in `saving`.
"""

import secrets
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import requests

from sync.couch import Couch, split_login
from sync.embedded.codec import parse
from sync.errors import NotFound, Refused, Unreachable, is_transient

CHUNK_BYTES = 1 << 18
TIMEOUT_S = 120.0
_MARK = "xunge-incarnation"


class Info(NamedTuple):
    """What is asked of a database before it is read. Sequences are opaque: they are compared by equality only."""

    live: int
    deleted: int
    seq: str
    purge_seq: str


class Row(NamedTuple):
    """A changed document: the revisions of all its leaves."""

    id: str
    revisions: list[str]


class Page(NamedTuple):
    """Some changes, the sequence after them, and how many more there were."""

    rows: list[Row]
    seq: str
    pending: int


class Document(NamedTuple):
    """A leaf as `_bulk_get` gives it; `stubs` are its attachments by name."""

    doc: dict[str, Any]
    stubs: dict[str, dict[str, Any]]


class Source:
    """One store, by its URL with credentials."""

    def __init__(self, url: str) -> None:
        self.couch = Couch(url, timeout_s=TIMEOUT_S)
        self._base, self._session = split_login(url)[0], requests.Session()
        self._session.trust_env = False
        self._session.auth = split_login(url)[1]

    def names(self) -> list[str]:
        """All databases but the store's own, whose names begin with `_`."""
        return [name for name in self.couch.all_databases() if not name.startswith("_")]

    def info(self, name: str) -> Info:
        """Figures of a database. Raises NotFound."""
        found = self.couch.json("GET", [name])
        return Info(found["doc_count"], found["doc_del_count"], str(found["update_seq"]), str(found["purge_seq"]))

    def settings(self, name: str) -> tuple[dict[str, Any], int]:
        """(security object, how many revisions of a branch are remembered)."""
        return self.couch.json("GET", [name, "_security"]), int(self.couch.json("GET", [name, "_revs_limit"]))

    def incarnation(self, name: str) -> str:
        """A word that stays with this database and dies with it; one deleted and made again has another.

        It is a `_local` document, written once, which nobody replicates.
        """
        database = self.couch.database(name)
        found = database.local_get(_MARK)
        if found is None:
            database.local_put(_MARK, {"word": secrets.token_hex(16)})
            found = database.local_get(_MARK) or {}
        return str(found.get("word", ""))

    def changes(self, name: str, since: str | None, limit: int) -> Page:
        """The next changed documents, each once, with the revisions of all its leaves."""
        page = self.couch.database(name).changes(since, limit, style="all_docs", include_docs=False)
        rows = [Row(row["id"], [each["rev"] for each in row["changes"]]) for row in page.results]
        return Page(rows, str(page.last_seq), page.pending)

    def leaves(self, name: str, rows: Sequence[Row]) -> dict[str, list[Document]]:
        """id → leaves of these documents. One that moved on since is read as it is now; one that is gone has none."""
        asked = [{"id": row.id, "rev": revision} for row in rows for revision in row.revisions]
        answer = self.couch.send("POST", [name, "_bulk_get"], body={"docs": asked}, params={"revs": "true"})
        found: dict[str, list[Document]] = {row.id: [] for row in rows}
        for result in parse(answer.content)["results"]:
            found[result["id"]] += [_take(each["ok"]) for each in result["docs"] if "ok" in each]
        for row in rows:
            if len(found[row.id]) != len(row.revisions):
                found[row.id] = self._open_leaves(name, row.id)
        return found

    def _open_leaves(self, name: str, id_: str) -> list[Document]:
        params = {"open_revs": "all", "revs": "true"}
        try:
            answer = self.couch.send("GET", [name, *_split(id_)], params=params)
        except NotFound:
            return []
        return [_take(each["ok"]) for each in parse(answer.content) if "ok" in each]

    def read_attachment(self, name: str, id_: str, revision: str, attachment: str) -> Iterator[bytes]:
        """The bytes of one attachment, in chunks. Raises NotFound, Unreachable."""
        url = self._url(name, *_split(id_), attachment)
        headers = {"accept": "*/*", "accept-encoding": "identity"}
        try:
            with self._session.get(
                url, params={"rev": revision}, headers=headers, stream=True, timeout=TIMEOUT_S, allow_redirects=False
            ) as answer:
                if answer.status_code == 404:
                    raise NotFound(attachment)
                if answer.status_code != 200:
                    raise Unreachable(f"{answer.status_code} for an attachment")
                yield from answer.iter_content(CHUNK_BYTES)
        except requests.RequestException as error:
            raise Unreachable(type(error).__name__) from error

    def write(self, name: str, body: Iterator[bytes]) -> None:
        """Sends a `_bulk_docs` body as it is made. Raises Refused when a document is not taken, Unreachable."""
        headers = {"content-type": "application/json", "accept": "application/json"}
        try:
            answer = self._session.post(
                self._url(name, "_bulk_docs"), data=body, headers=headers, timeout=TIMEOUT_S, allow_redirects=False
            )
        except requests.RequestException as error:
            raise Unreachable(type(error).__name__) from error
        if answer.status_code == 202 or is_transient(answer.status_code):
            raise Unreachable(f"{answer.status_code} for documents")
        if answer.status_code != 201:
            raise Refused(answer.status_code, answer.text[:300])
        refused = [row for row in answer.json() if "error" in row]
        if refused:
            raise Refused(403, f"{len(refused)} documents, the first: {refused[0]['error']} {refused[0].get('reason', '')}")

    def lacks(self, name: str, rows: Sequence[Row]) -> int:
        """How many of these revisions the store does not know."""
        body = {row.id: row.revisions for row in rows}
        answer = self.couch.json("POST", [name, "_revs_diff"], body=body)
        return sum(len(each["missing"]) for each in answer.values())

    def put_settings(self, name: str, security: dict[str, Any], revs_limit: int) -> None:
        """Gives a database the settings it had."""
        self.couch.send("PUT", [name, "_revs_limit"], body=revs_limit, accept_quorum_missed=True)
        self.couch.send("PUT", [name, "_security"], body=security, accept_quorum_missed=True)

    def _url(self, *segments: str) -> str:
        return self._base + "/" + "/".join(quote(each, safe="") for each in segments)


def _take(doc: dict[str, Any]) -> Document:
    stubs = doc.pop("_attachments", {})
    return Document(doc, stubs)


def _split(id_: str) -> list[str]:
    return id_.split("/", 1) if id_.startswith("_design/") else [id_]
