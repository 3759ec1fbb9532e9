"""Lists of cases, of one township or of many: filters, newest first, in pages of bounded work.

One filter picks the index rows (the one with the fewest), the others are checked on the documents. Several townships are merged
as they are read, by one order and with one cursor. The views are in `sync/designs/cases/`, how many there are is `counting.py`.
Who may ask for which place is the caller's to check (`reach.places_of`).
"""

import heapq
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from server import cursors
from server.cases import index
from server.cases.index import Facet, Key, Row
from server.cases.reach import Place
from server.domain import case_rights, times, workflow
from server.domain.errors import InvalidInput
from sync.couch import Couch

LIMIT_MOST = 100
# What a page may look at when it looks for words: more would keep the asker, and everybody else, waiting.
SCAN_MOST = 250
LEAST = 8
NUMBERS_MOST = 200
CASE_NO = re.compile(r"[0-9A-Z-]{3,20}")
QUERY_LENGTH = 100
FIELDS = ("case_no", "state", "category", "grid", "unit", "urgency", "due_at", "reports", "photos", "captured_at", "received_at")
MORE_FIELDS = ("updated_at", "author", "text", "source", "place", "clock_offset_ms", "corrected_at", "filed_at", "origin")
DESK_FIELDS = (
    "level",
    "phase",
    "turn",
    "state_due_at",
    "stopped_at",
    "is_provisional",
    "sample",
    "request",
    "urges",
    "supporting",
)
PLAIN = ("state", "phase", "category", "grid", "unit", "level", "sample")

Document = dict[str, Any]


@dataclass(frozen=True)
class Filters:
    """What to list; None means any. `overdue_at` asks for cases whose time was up at that instant. `q` is a number or words.

    `turns` are the parties whose turn it is, `parts` the units that have or had a part in a case; one of them is enough.
    """

    state: str | None = None
    phase: str | None = None
    category: str | None = None
    grid: str | None = None
    community: str | None = None
    unit: str | None = None
    level: str | None = None
    sample: str | None = None
    turns: tuple[str, ...] | None = None
    parts: tuple[str, ...] | None = None
    q: str | None = None
    overdue_at: datetime | None = None

    def facets(self) -> list[list[Facet]]:
        """The ways to the index rows, each of one facet or of several to be put together; a pair stands for both its filters."""
        named = {name: getattr(self, name) for name in (*PLAIN, "community")}
        found = {name: [value] for name, value in named.items() if value is not None}
        if self.level == "community":
            del found["level"]
        found |= {"turn": list(self.turns)} if self.turns is not None else {}
        found |= {"part": list(self.parts)} if self.parts is not None else {}
        pairs = [("state", "category"), ("state", "community"), ("phase", "category"), ("phase", "community"), ("part", "phase")]
        for one, other in pairs:
            if one in found and other in found:
                found[f"{one}+{other}"] = [f"{value} {found[other][0]}" for value in found[one]]
        covered = {part for name in found if "+" in name for part in name.split("+")}
        return [[Facet(name, value) for value in values] for name, values in found.items() if name not in covered]

    def accepts(self, case: Document) -> bool:
        """True when a case passes every filter."""
        return (
            all(getattr(self, name) in (None, case.get(name)) for name in PLAIN)
            and (self.community is None or case["grid"][:12] == self.community)
            and (self.turns is None or case.get("turn") in self.turns)
            and (self.parts is None or not case_rights.units_of(case).isdisjoint(self.parts))
            and (self.overdue_at is None or _is_overdue(case, times.to_text(self.overdue_at)))
            and (self.q is None or _is_about(case, self.q))
        )

    def at(self, place: Place) -> "Filters":
        """The same, kept to what may be seen of a place, and to the turns that can be there."""
        found = replace(self, community=place.community or self.community)
        if place.units is not None:
            found = replace(found, parts=tuple(unit for unit in place.units if self.parts is None or unit in self.parts))
        if self.turns is not None:
            found = replace(found, turns=tuple(party for party in self.turns if _may_hold(party, place.township)))
        return found


@dataclass(frozen=True)
class Found:
    """A page: `cases` as the API shows them, `next` the cursor of the page behind it, or None at the end."""

    cases: list[Document]
    next: str | None


def search(couch: Couch, places: str | Sequence[Place], filters: Filters, limit: int = 50, cursor: str | None = None) -> Found:
    """Cases of a township (9 digits) or of places, newest first, at most `limit` (≤ 100); overdue ones by date, the last first.

    A page may hold fewer than `limit`, even none, and still have a `next`: a search in the text reads a bounded number of cases a
    page. Raises InvalidInput for a bad limit, cursor or query.
    """
    if not 1 <= limit <= LIMIT_MOST:
        raise InvalidInput({"limit": "out_of_range"})
    if filters.q is not None and len(filters.q) > QUERY_LENGTH:
        raise InvalidInput({"q": "too_long"})
    after = cursors.read(cursor)
    wanted = [Place(places)] if isinstance(places, str) else places
    if filters.q and after is None and CASE_NO.fullmatch(filters.q.strip().upper()):
        numbered = [case for place in wanted for case in _by_number(couch, place, filters)]
        if numbered:
            newest = sorted(numbered, key=lambda case: (case["received_at"], case["_id"]), reverse=True)
            return Found([summary(case) for case in newest[:limit]], None)
    return _search(couch, wanted, filters, limit, after)


def summary(case: Document) -> Document:
    """A case as lists show it."""
    return {"id": case["_id"]} | {name: case.get(name) for name in FIELDS + MORE_FIELDS + DESK_FIELDS}


def _search(couch: Couch, places: Sequence[Place], filters: Filters, limit: int, after: Key | None) -> Found:
    size = max(LEAST, (limit + 2) * 2 // len(places)) if len(places) > 1 else limit + 2
    streams = [_rows(couch, place, filters.at(place), after, size) for place in places]
    found: list[Document] = []
    for scanned, row in enumerate(_merged(streams)):
        if len(found) == limit or scanned == SCAN_MOST:
            return Found(found, cursors.write(after))
        if row["is_wanted"] and (not found or found[-1]["id"] != row["id"]):
            found.append(summary(row["doc"]))
        after = [row["at"], row["id"]]
    return Found(found, None)


def _rows(couch: Couch, place: Place, filters: Filters, after: Key | None, size: int) -> Iterator[Row]:
    """A place's rows in order; `is_wanted` says whether the case passes every filter."""
    if filters.turns == () or filters.parts == ():
        return
    if filters.overdue_at is not None:
        now, whose = times.to_text(filters.overdue_at), _owners(place, filters)
        rows = _merged([index.overdue(couch, (place.township, one), now, after, size) for one in whose])
    else:
        facets = index.fewest(couch, place.township, filters.facets())
        rows = _merged([index.newest(couch, place.township, facet, after, size) for facet in facets])
    yield from ({**row, "is_wanted": bool(row["doc"]) and filters.accepts(row["doc"])} for row in rows)


def _owners(place: Place, filters: Filters) -> Sequence[str]:
    """Whose rows of dates to go through: the narrowest there are."""
    if place.units is not None:
        return [unit for unit in place.units if filters.unit in (None, unit)]
    return [filters.unit or filters.community or ""]


def _merged(streams: Sequence[Iterator[Row]]) -> Iterator[Row]:
    if len(streams) == 1:
        return streams[0]
    return heapq.merge(*streams, key=lambda row: (row["at"], row["id"]), reverse=True)


def _by_number(couch: Couch, place: Place, filters: Filters) -> list[Document]:
    start = (filters.q or "").strip().upper()
    span = {"startkey": start, "endkey": start + "\ufff0", "limit": NUMBERS_MOST}
    rows = index.view(couch, place.township, "numbers", include_docs=True, **span)
    here = filters.at(place)
    return list({row["id"]: row["doc"] for row in rows if row["doc"] and here.accepts(row["doc"])}.values())


def _may_hold(party: str, township: str) -> bool:
    """Whether a party's turn can come in a township: any unit's, and of places those above or below it."""
    kind, _, code = party.partition(":")
    return kind == "unit" or (kind != "user" and (code.startswith(township) or township.startswith(code)))


def _is_overdue(case: Document, now: str) -> bool:
    is_running = case["state"] in workflow.OPEN_STATES and not case.get("stopped_at")
    return case["due_at"] is not None and case["due_at"] < now and is_running


def _is_about(case: Document, q: str) -> bool:
    words = q.strip().casefold()
    place = case.get("place") or {}
    return words in case["case_no"].casefold() or words in f"{case['text']}\n{place.get('address') or ''}".casefold()
