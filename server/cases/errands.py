"""Errands 代办 of households become cases of kind 服务: one each, by the errand's id, and each later version of it an event.

Only what handling needs goes to the desk: what is to be done, which materials it takes, where they stand, and the ids of their
pictures and of the signature under it (who may see one: `server/photo_rights.py`). No household, no address, no name, no remark:
who may see those opens the household file on a phone, and a task sent from the case names the household there alone (`tasks.py`).
Copies of the case lie among the household databases, which police never open.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from server.cases import categories, clock, copies, moves, store
from server.domain import grids, ids, times, workflow
from sync.couch import Couch
from sync.databases import cases_db, home_quarter_db, quarter_at

Document = dict[str, Any]
CATEGORY = "4104"
SOURCE = "errand"


def take_in(couch: Couch, errands: Iterable[Document], now: datetime) -> tuple[int, set[str]]:
    """Make cases and events of these errands as they are now: how many new cases, and which case databases changed.

    May run twice, at once, and be killed anywhere: the case is the errand's own, an event its revision's.
    """
    made, changed = 0, set()
    for errand in errands:
        township = grids.township_of(errand["grid"])
        case_id = ids.case_id(errand["_id"])
        known = store.create(couch, township, [_first_event(couch, errand, now)], now)[case_id]
        is_new = known.events[0]["report"]["rev"] == errand["_rev"] and known.case["events"] == 1
        if is_new:
            copies.write(couch, [known.case], now)
            made += 1
        elif _said(known.case["errand"]) != _said(facts_of(errand)):
            key = f"errand-{errand['_rev']}"
            fields, author = {"errand": facts_of(errand)}, errand["author"]
            moves.record(couch, township, case_id, "errand", fields, key=key, now=now, by=author, party=f"user:{author}")
        else:
            continue
        changed.add(cases_db(township))
    return made, changed


def facts_of(errand: Document) -> Document:
    """What the desk is told of an errand. `rev` says which version it was: an older one never replaces a newer; `ends`, that its
    case ends with it (`workflow/errands.py`)."""
    materials = [_material(one) for one in errand.get("materials", [])]
    signed = {"signature": errand["signature"]} if errand.get("signature") else {}
    state = errand.get("state", "open")
    ends = {"ends": True} if state == "withdrawn" else {}
    return {"item": errand["item"], "state": state, "materials": materials, "rev": errand["_rev"]} | signed | ends


def _material(one: Document) -> Document:
    photos = {"photos": one["photos"]} if one.get("photos") else {}
    return {"key": one["key"], "name": one["name"], "state": one.get("state", "missing")} | photos


def _said(facts: Document) -> Document:
    return {name: value for name, value in facts.items() if name != "rev"}


def _first_event(couch: Couch, errand: Document, now: datetime) -> Document:
    report = errand | {"category": CATEGORY, "text": errand["item"], "urgency": "normal", "place": None, "source": SOURCE}
    at = times.to_text(now)
    kind, is_direct = categories.facts_of(couch, CATEGORY)
    return workflow.reported_event(
        report,
        home_quarter_db(errand["grid"], quarter_at(now)),
        at,
        [],
        level=workflow.first_level("normal", is_direct),
        kind=kind or "service",
        clock=clock.opening(couch, report, at),
        extra={"errand": facts_of(errand)},
    )
