"""Finding entries of the access log, for those who may read it: by person, by subject (an id or a case number), by action.

A scope is a township (9 digits), a district (6 digits) or, for administrators, `EVERYWHERE`. One of the filters is looked up, the
others are compared, over a bounded number of entries a page. Reading is itself logged by whoever asks: `server/web/audit_log.py`.
"""

from typing import Any, NamedTuple

from server import cursors
from server.audit.sealing import DESIGN
from server.domain.errors import InvalidInput
from sync import designs
from sync.couch import Couch
from sync.databases import audit_db
from sync.errors import NotFound

LIMIT_MOST, LOOKED_AT_MOST = 200, 2000
STEP = 200

Document = dict[str, Any]


class Wanted(NamedTuple):
    """Which entries: all fields that are given must fit."""

    by: str = ""
    subject: str = ""
    action: str = ""

    def takes(self, entry: Document) -> bool:
        """True when this entry is one of them."""
        names = (entry["subject"], (entry.get("facts") or {}).get("case_no"))
        fits_subject = not self.subject or self.subject in names
        return fits_subject and self.by in ("", entry["by"]) and self.action in ("", entry["action"])

    def facet(self) -> tuple[str, str]:
        """The filter that is looked up: what there is least of."""
        given = ((name, str(getattr(self, name))) for name in ("subject", "by", "action") if getattr(self, name))
        return next(given, ("all", ""))


class Page(NamedTuple):
    """Entries, newest first, and the cursor of what follows (None: nothing does)."""

    entries: list[Document]
    next: str | None


def page(couch: Couch, month: str, scope: str, wanted: Wanted, limit: int = 50, cursor: str | None = None) -> Page:  # noqa: PLR0917
    """A page of a month's entries. It may hold fewer than `limit` and still have a `next`. Raises InvalidInput."""
    if not 1 <= limit <= LIMIT_MOST:
        raise InvalidInput({"limit": "out_of_range"})
    database, after = couch.database(audit_db(month)), cursors.read(cursor)
    found: list[Document] = []
    prefix = [scope, *wanted.facet()]
    for _ in range(LOOKED_AT_MOST // STEP):
        try:
            rows = _rows(couch, database.name, prefix, after)
        except NotFound:
            return Page(found, None)
        for row in rows:
            after = [row["key"][3], row["id"]]
            if row.get("doc") and wanted.takes(row["doc"]):
                found.append(row["doc"])
            if len(found) == limit:
                return Page(found, cursors.write(after))
        if len(rows) < STEP:
            return Page(found, None)
    return Page(found, cursors.write(after))


def _rows(couch: Couch, name: str, prefix: list[str], after: list[str] | None) -> list[Document]:
    """Up to `STEP` rows behind a place, newest first; the view is put in when it is not there."""
    database = couch.database(name)
    span: dict[str, Any] = {"startkey": [*prefix, after[0] if after else {}], "endkey": prefix, "descending": True}
    if after:
        span["startkey_docid"] = after[1]
    asked = span | {"include_docs": True, "limit": STEP + (1 if after else 0)}
    try:
        rows: list[Document] = database.view(DESIGN, "entries", **asked)["rows"]
    except NotFound:
        designs.install(database, DESIGN)
        rows = database.view(DESIGN, "entries", **asked)["rows"]
    return [row for row in rows if after is None or row["id"] != after[1]]
