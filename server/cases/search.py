"""The list of a township's cases: filters, newest first, in pages of bounded work; and how many there are in each state.

One filter picks the index rows (the one with the fewest), the others are checked on the documents. The views are in
`sync/designs/cases/`. Who may ask for which township or community is the caller's to check.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from server import cursors
from server.cases import store
from server.domain import times, workflow
from server.domain.errors import InvalidInput
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db
from sync.errors import NotFound

LIMIT_MOST = 100
SCAN_MOST = 1000
PAGE = 300
NUMBERS_MOST = 200
CASE_NO = re.compile(r"[0-9A-Z-]{3,20}")
QUERY_LENGTH = 100
FIELDS = ("case_no", "state", "category", "grid", "unit", "urgency", "due_at", "reports", "photos", "captured_at", "received_at")
MORE_FIELDS = ("updated_at", "author", "text", "source", "place", "clock_offset_ms", "corrected_at", "filed_at")

Document = dict[str, Any]
Row = dict[str, Any]
Key = list[Any]


@dataclass(frozen=True)
class Filters:
    """What to list; None means any. `overdue_at` asks for cases whose time was up at that instant. `q` is a number or words."""

    state: str | None = None
    category: str | None = None
    grid: str | None = None
    community: str | None = None
    unit: str | None = None
    q: str | None = None
    overdue_at: datetime | None = None

    def facets(self) -> list[tuple[str, str]]:
        """The filters that have index rows of their own; a pair that has its own stands for both."""
        named = {name: getattr(self, name) for name in ("grid", "unit", "category", "community", "state")}
        found = {name: value for name, value in named.items() if value is not None}
        for other in ("category", "community"):
            if "state" in found and other in found:
                found[f"state+{other}"] = f"{found['state']} {found[other]}"
        pairs = {part for name in found if "+" in name for part in name.split("+")}
        return [facet for facet in found.items() if facet[0] not in pairs]

    def accepts(self, case: Document) -> bool:
        """True when a case passes every filter."""
        return (
            all(getattr(self, name) in (None, case[name]) for name in ("state", "category", "grid", "unit"))
            and (self.community is None or case["grid"][:12] == self.community)
            and (self.overdue_at is None or _is_overdue(case, times.to_text(self.overdue_at)))
            and (self.q is None or _is_about(case, self.q))
        )


@dataclass(frozen=True)
class Found:
    """A page: `cases` as the API shows them, `next` the cursor of the page behind it, or None at the end."""

    cases: list[Document]
    next: str | None


def search(couch: Couch, township: str, filters: Filters, limit: int = 50, cursor: str | None = None) -> Found:
    """Cases of a township, newest received first, at most `limit` (≤ 100); overdue ones by their date, the last one first.

    A page may hold fewer than `limit`, even none, and still have a `next`: a search in the text reads a bounded number of cases a
    page. Raises InvalidInput for a bad limit, cursor or query.
    """
    if not 1 <= limit <= LIMIT_MOST:
        raise InvalidInput({"limit": "out_of_range"})
    if filters.q is not None and len(filters.q) > QUERY_LENGTH:
        raise InvalidInput({"q": "too_long"})
    after = cursors.read(cursor)
    try:
        return _search(couch.database(cases_db(township)), filters, limit, after)
    except NotFound:
        if not _has_database(couch, township):
            return Found([], None)
        return _search(store.ensure(couch, township), filters, limit, after)


def counts(couch: Couch, township: str, community: str | None = None) -> dict[str, int]:
    """`{state: how many}` of a township or one of its communities; every state is named."""
    span = {"startkey": [community], "endkey": [community, {}]} if community else {}
    try:
        rows = couch.database(cases_db(township)).view(store.DESIGN, "states", group_level=2, **span)["rows"]
    except NotFound:
        if not _has_database(couch, township):
            return dict.fromkeys(workflow.STATES, 0)
        rows = store.ensure(couch, township).view(store.DESIGN, "states", group_level=2, **span)["rows"]
    totals = dict.fromkeys(workflow.STATES, 0)
    for row in rows:
        totals[row["key"][1]] = totals.get(row["key"][1], 0) + row["value"]
    return totals


def summary(case: Document) -> Document:
    """A case as lists show it."""
    return {"id": case["_id"]} | {name: case.get(name) for name in FIELDS + MORE_FIELDS}


def _has_database(couch: Couch, township: str) -> bool:
    name = cases_db(township)
    return couch.info([name])[name] is not None


def _search(database: Database, filters: Filters, limit: int, after: Key | None) -> Found:
    if filters.q and after is None and CASE_NO.fullmatch(filters.q.strip().upper()):
        numbered = _by_number(database, filters, limit)
        if numbered:
            return Found(numbered, None)
    if filters.overdue_at is not None:
        # Only these rows are in the order of dates, so that those that are not up yet need not be gone through.
        rows = _rows(database, "due", "", after, limit, newest=times.to_text(filters.overdue_at))
    else:
        rows = _rows(database, *_fewest(database, filters.facets()), after, limit)
    found: list[Document] = []
    for scanned, row in enumerate(rows):
        if len(found) == limit or scanned == SCAN_MOST:
            return Found(found, cursors.write(after))
        after = [row["key"][2], row["id"]]
        if row["doc"] and filters.accepts(row["doc"]):
            found.append(summary(row["doc"]))
    return Found(found, None)


def _rows(  # noqa: PLR0917 - the index, and where to begin in it
    database: Database, facet: str, value: str, after: Key | None, limit: int, newest: str | None = None
) -> Iterator[Row]:
    """Index rows of a facet with their cases, newest first, from behind `after`, none newer than `newest`."""
    size = limit + 2
    while True:
        start: dict[str, Any] = {"startkey": [facet, value, after[0] if after else newest or {}]}
        if after:
            start["startkey_docid"] = after[1]
        page = {"descending": True, "include_docs": True, "reduce": False, "limit": size, "endkey": [facet, value]}
        rows = database.view(store.DESIGN, "facets", **start, **page)["rows"]
        yield from (row for row in rows if after is None or [row["key"][2], row["id"]] != after)
        if len(rows) < size:
            return
        after, size = [rows[-1]["key"][2], rows[-1]["id"]], PAGE


def _fewest(database: Database, facets: list[tuple[str, str]]) -> tuple[str, str]:
    """The facet with the fewest rows; nothing is asked when there is no choice."""
    if len(facets) < 2:
        return facets[0] if facets else ("all", "")
    sizes = []
    for facet in facets:
        rows = database.view(store.DESIGN, "facets", startkey=list(facet), endkey=[*facet, {}], reduce=True)["rows"]
        sizes.append((rows[0]["value"] if rows else 0, facet))
    return min(sizes)[1]


def _by_number(database: Database, filters: Filters, limit: int) -> list[Document]:
    start = (filters.q or "").strip().upper()
    span = {"startkey": start, "endkey": start + "\ufff0", "limit": NUMBERS_MOST}
    rows = database.view(store.DESIGN, "numbers", include_docs=True, **span)["rows"]
    cases = {row["id"]: row["doc"] for row in rows if row["doc"] and filters.accepts(row["doc"])}
    newest = sorted(cases.values(), key=lambda case: (case["received_at"], case["_id"]), reverse=True)
    return [summary(case) for case in newest[:limit]]


def _is_overdue(case: Document, now: str) -> bool:
    """Open, its clock running, its time up. One that is stopped or shelved has no date; one that left the flow keeps its own."""
    is_running = case["state"] in workflow.OPEN_STATES and not case.get("stopped_at")
    return is_running and case["due_at"] is not None and case["due_at"] < now


def _is_about(case: Document, q: str) -> bool:
    words = q.strip().casefold()
    place = case.get("place") or {}
    return words in case["case_no"].casefold() or words in f"{case['text']}\n{place.get('address') or ''}".casefold()
