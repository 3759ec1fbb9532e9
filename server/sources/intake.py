"""One item of another system, or what staff register at the counter, becomes exactly one case, however often it is sent.

The order makes it safe to be killed anywhere: key, claim (township and time fixed), caller, first event, case. The worker does
what is left of the last step. Who the item is from is proven before (`signing.py`), what it says is `server/domain/sources.py`.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from server.cases import callers, categories, clock, store
from server.domain import grids, ids, sources, times, workflow
from server.domain.errors import Differs, InvalidInput
from server.domain.sources import Caller, Item
from server.nudges import Nudges
from server.sources import claims, placing
from sync.couch import Couch
from sync.databases import cases_db
from sync.errors import NotFound

Document = dict[str, Any]
FUTURE_MOST_S = 24 * 3600


class Taken(NamedTuple):
    """The case an item became, and whether it is new."""

    case: Document
    township: str
    is_new: bool


def take(
    couch: Couch,
    nudges: Nudges,
    source: Document,
    item: Item,
    now: datetime,
    *,
    key: str | None = None,
    by: str | None = None,
) -> Taken:
    """Take an item in; `by` is the clerk, when one brought it. The same number again is the same case.

    Raises InvalidInput for what the source may not write or nobody knows, Differs when the number (or the key) was used for
    something else, and the store's errors.
    """
    category = category_of(couch, source, item)
    grid = placing.place(couch, item, source["areas"], source.get("fallback"))
    if key:
        claims.bind_key(couch, source["id"], key, item.number)
    claim = claims.claim(couch, source, item.number, grids.township_of(grid), now)
    if claim["township"] != grids.township_of(grid):
        grid = grids.unplaced(claim["township"])
    report = _report(item, grid, category, source, claim["at"])
    report["author"] = by or report["author"]
    origin = {"system": source["id"], "number": item.number}
    first = _first_event(
        couch,
        report,
        claim["at"],
        level=sources.KINDS[source["kind"]].level,
        origin=origin,
        has_caller=_said(item.caller) is not None,
    )
    return _make(couch, nudges, first, item.caller, source=source["id"], now=now)


def register(couch: Couch, nudges: Nudges, item: Item, grid: str, *, by: str, how: str, now: datetime) -> Taken:
    """Register what somebody said at the counter or on the telephone; `item.number` is the form's own, so that twice is once.

    `how` is one of `sources.AT_THE_DESK`, `by` the clerk. Who may register in the grid is the caller's to check.
    """
    category = category_of(couch, {}, item)
    report = _report(item, grid, category, {"id": f"desk:{by}"}, times.to_text(now)) | {"author": by, "source": how}
    first = _first_event(couch, report, times.to_text(now), level=None, origin=None, has_caller=_said(item.caller) is not None)
    return _make(couch, nudges, first, item.caller, source=how, now=now)


def check(couch: Couch, source: Document, item: Item, now: datetime) -> str:
    """What `take` would refuse about the item, without taking it in; else its grid. Raises InvalidInput, Differs."""
    category = category_of(couch, source, item)
    grid = placing.place(couch, item, source["areas"], source.get("fallback"))
    report = _report(item, grid, category, source, times.to_text(now))
    claim = claims.find(couch, source["id"], item.number)
    kept = _kept(couch, claim["township"], claim["case"]) if claim else None
    if claim and kept:
        _same(kept, report, is_other=callers.is_other(couch, claim["township"], claim["case"], _said(item.caller)))
    return grid


def category_of(couch: Couch, source: Mapping[str, Any], item: Item) -> str:
    """Our code of an item's category: by the source's table, else as it stands. Raises InvalidInput for one nobody knows."""
    table = source.get("categories") or {}
    known = categories.by_code(couch)
    code = table.get(item.category) or (item.category if item.category in known else table.get("*"))
    if code not in known:
        raise InvalidInput({"category": "unknown"})
    return str(code)


def fresh_number() -> str:
    """A number for what has none of its own."""
    return secrets.token_hex(8)


def _report(item: Item, grid: str, category: str, source: Mapping[str, Any], received_at: str) -> Document:
    spot = item.place
    place: Document = {"accuracy_m": None, "datum": "WGS84", "compound": None}
    place |= {"lat": spot.lat, "lon": spot.lon, "address": spot.address} if spot else {}
    return {
        "_id": sources.report_id(source["id"], item.number),
        "grid": grid,
        "author": f"source:{source['id']}",
        "captured_at": _captured_at(item.reported_at, received_at),
        "clock_offset_ms": 0,
        "category": category,
        "text": item.text,
        "urgency": item.urgency,
        "place": place if spot else None,
        "photos": [],
        "links": item.links,
        "source": sources.KINDS[source["kind"]].source if "kind" in source else "counter",
    }


def _captured_at(said: str | None, received_at: str) -> str:
    """When it was reported there; the time of arrival when that is not said. Raises InvalidInput."""
    if said is None:
        return received_at
    try:
        ahead_s = (times.from_text(said) - times.from_text(received_at)).total_seconds()
    except ValueError:
        raise InvalidInput({"reported_at": "invalid"}) from None
    if ahead_s > FUTURE_MOST_S:
        raise InvalidInput({"reported_at": "in_future"})
    return said


def _first_event(
    couch: Couch, report: Document, received_at: str, *, level: str | None, origin: Document | None, has_caller: bool
) -> Document:
    kind, is_direct = categories.facts_of(couch, report["category"])
    first = workflow.first_level(report["urgency"], is_direct)
    # Where only the township is known, there is no community yet to hold it.
    level = "township" if level == "township" or grids.is_unplaced(report["grid"]) else first
    begun = clock.opening(couch, report, received_at)
    # Also where there are none: only what was kept before links were taken says nothing of them.
    extra: Document = {"has_caller": has_caller, "links": report["links"]} | ({"origin": origin} if origin else {})
    return workflow.reported_event(report, None, received_at, [], level=level, kind=kind, extra=extra, clock=begun)


def _make(couch: Couch, nudges: Nudges, first: Document, caller: Caller | None, *, source: str, now: datetime) -> Taken:
    """Caller, event and case; what is there already must say the same. Raises Differs."""
    township, case_id, said = grids.township_of(first["report"]["grid"]), first["case"], _said(caller)
    kept = _kept(couch, township, case_id)
    if kept is None and said is not None:
        # Before the case: one that says that it has a caller has one.
        callers.keep(couch, township, case_id, said, source=source, now=now)
    made = store.create(couch, township, [_plain(kept) if kept else first], now)[case_id]
    is_new = made.events[0] is first
    if not is_new or said is not None:
        _same(made.events[0], first["report"], is_other=callers.is_other(couch, township, case_id, said))
    nudges.announce([cases_db(township)])
    nudges.nudge(cases_db(township))
    if is_new:
        nudges.nudge_twins(township)
    return Taken(made.case, township, is_new)


def _kept(couch: Couch, township: str, case_id: str) -> Document | None:
    """The first event of a case, or None."""
    try:
        return couch.database(cases_db(township)).find(ids.event_id(case_id, workflow.FIRST_KEY))
    except NotFound:
        return None


def _plain(event: Document) -> Document:
    return {name: value for name, value in event.items() if name != "_rev"}


def _said(caller: Caller | None) -> callers.Caller | None:
    return callers.Caller(caller.name, caller.phone) if caller and (caller.name or caller.phone) else None


def _same(kept: Document, sent: Document, *, is_other: bool) -> None:
    """Raises Differs, with both contents, unless what is kept says what was sent; `is_other`: of another caller, never shown."""
    ours, theirs = sources.shown_fields(kept["report"]), sources.shown_fields(sent)
    wrong = {name: "differs" for name in ours if ours[name] != theirs[name]}
    if is_other:
        wrong["caller"] = "differs"
    if wrong:
        raise Differs(wrong, kept={"_id": kept["case"]} | ours, sent=theirs)
