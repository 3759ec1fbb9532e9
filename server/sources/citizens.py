"""What anybody may know of what citizens' apps reported (Open311 GeoReport v2): no words of theirs, no names, no exact home.

Public is what a source of kind `open311` brought: which problem, where about, since when, and how far it is. The text a citizen
wrote may name people, so it stays inside; the place is the community's name, and a point only for what lies in public space,
rounded to about ten metres. Shapes and addresses of the protocol are `server/web/open311.py`.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, NamedTuple

from server.cases import categories
from server.domain import catalogue, ids, times, workflow
from server.sources import placing, store
from sync.couch import Couch
from sync.databases import SOURCES, cases_db
from sync.errors import NotFound

# Disputes, services and relief concern persons; emergencies belong on the telephone.
OFFERED = frozenset({"component", "event", "hazard"})
POINT_SHOWN = frozenset({"component", "event"})
DECIMALS = 4
FOUND_MOST = 1000
PAGE = 200
Document = dict[str, Any]


class Shown(NamedTuple):
    """One report as anybody may see it; `case` for the codes that become words."""

    case: Document
    is_open: bool
    lat: float | None
    lon: float | None


def services(couch: Couch) -> dict[str, Document]:
    """The categories that citizens may report, by code."""
    known = categories.by_code(couch)
    return {code: doc for code, doc in sorted(known.items()) if doc.get("kind") in OFFERED and not doc.get("valid_to")}


def find(couch: Couch, uuids: Collection[str]) -> list[Shown]:
    """Reports by their numbers, in the order asked for; those that are none of ours are left out."""
    keys = [["case", f"case:{uuid}"] for uuid in uuids]
    claims = [row["doc"] for row in _view(couch, keys=keys, include_docs=True)]
    found = {ids.uuid_of(one.case["_id"]): one for one in _shown(couch, claims)}
    return [found[uuid] for uuid in uuids if uuid in found]


def search(couch: Couch, start: datetime, end: datetime, codes: Collection[str], is_open: bool | None) -> list[Shown]:
    """Reports that arrived in a span, the newest first, at most a thousand; of some categories or states when asked."""
    found: list[Shown] = []
    span = {"startkey": ["at", times.to_text(end)], "endkey": ["at", times.to_text(start)]}
    rows = _view(couch, descending=True, include_docs=True, limit=FOUND_MOST, **span)
    for first in range(0, len(rows), PAGE):
        for one in _shown(couch, [row["doc"] for row in rows[first : first + PAGE]]):
            if (not codes or one.case["category"] in codes) and is_open in (None, one.is_open):
                found.append(one)
    return found


def community_of(couch: Couch, case: Document) -> Any:
    """The name of the community a report's grid belongs to, or None."""
    docs = placing.grids_of(couch, case["grid"][:9])
    return next((doc["community"].get("name") for doc in docs if doc["code"] == case["grid"] and doc.get("community")), None)


def _shown(couch: Couch, claims: list[Document]) -> Iterator[Shown]:
    by_township = defaultdict(list)
    for claim in claims:
        by_township[claim["township"]].append(claim["case"])
    cases: dict[str, Document | None] = {}
    for township, wanted in by_township.items():
        try:
            cases |= couch.database(cases_db(township)).many(wanted)
        except NotFound:
            continue
    for claim in claims:
        case = cases.get(claim["case"])
        # Amended into something that concerns persons, it is public no more.
        if case and _kind(couch, case) in OFFERED:
            yield _public(case, _kind(couch, case))


def _kind(couch: Couch, case: Document) -> str:
    known = categories.by_code(couch).get(case["category"]) or {}
    return str(known.get("kind") or "")


def _public(case: Document, kind: str) -> Shown:
    place = case.get("place") or {}
    has_point = kind in POINT_SHOWN and place.get("lat") is not None and place.get("lon") is not None
    lat, lon = (round(place[name], DECIMALS) if has_point else None for name in ("lat", "lon"))
    return Shown(case, case["state"] in workflow.OPEN_STATES, lat, lon)


def _view(couch: Couch, **asked: Any) -> list[Document]:
    try:
        rows = couch.database(SOURCES).view(store.DESIGN, "citizens", **asked)["rows"]
    except NotFound:
        rows = store.ensure(couch).view(store.DESIGN, "citizens", **asked)["rows"]
    return [row for row in rows if row.get("doc")]


def group_name(code: str) -> tuple[str, str]:
    """The name of a category's class (大类), in Chinese and English."""
    _, zh, en = catalogue.CLASSES.get(code[:2], ("", "", ""))
    return zh, en
