"""A copy of what is kept of a household or of one of its members, for those it is about (个人信息保护法 Art. 45).

Staff make it for a stated purpose, which is in the access log before they get it. It holds what was replaced and waits for
review, too, and who looked at what in the last half year; not the store's own bookkeeping.
"""

from datetime import datetime
from typing import Any

from server import audit
from server.audit import readings
from server.audit.searching import Wanted
from server.domain import merge, times
from server.domain.errors import Missing
from server.domain.grids import township_of
from server.domain.permissions import Person
from server.households import files
from server.households.files import File
from sync import databases
from sync.couch import Couch

KINDS = ("json", "html")
SPILLED_MOST = 1000
# What the store and the phones keep beside the facts; `superseded` is told apart.
INNER = frozenset({"_rev", "_id", "type", "v", "device", "clock_offset_ms", *merge.BOOKS})
Document = dict[str, Any]


def make(couch: Couch, person: Person, file: File, of: str, *, as_: str, purpose: str, now: datetime) -> Document:
    """The copy of a household's file (`of` its id) or of one member. Raises Missing, and InvalidInput without a purpose."""
    doc = file.document(of)
    if doc is None or as_ not in KINDS:
        raise Missing(of=of)
    why, grid = files.stated(purpose), str(file.household["grid"])
    facts = {"grid": grid, "as": as_, "household": file.household["_id"]}
    audit.note(couch, by=person["name"], action="household.export", subject=of, why=why, facts=facts, at=now)
    members = file.members if doc is file.household else [doc]
    whole: Document = {"made_at": times.to_text(now), "made_by": person["name"], "purpose": why, "of": of, "grid": grid}
    if doc is file.household:
        whole |= {
            "household": copied(couch, grid, doc),
            "errands": [copied(couch, grid, one) | _case_of(file, one) for one in file.errands],
            "visits": [_visit(visit) for visit in file.visits],
        }
    else:
        whole["household"] = {name: file.household.get(name) for name in ("address", "building", "unit", "room")}
    whole["members"] = [copied(couch, grid, one) for one in members]
    subjects = [of, *(one["_id"] for one in members if one["_id"] != of)]
    return whole | {"readings": readings.of(couch, township_of(grid), [Wanted(subject=one) for one in subjects], now)}


def copied(couch: Couch, grid: str, doc: Document) -> Document:
    """A document's facts with its id, and under `replaced` the values that lost against later ones and are still kept."""
    edits = list(merge.superseded(doc))
    prefix = f"superseded:{doc['_id']}:"
    spilled = couch.database(databases.home_db(grid)).range(prefix, f"{prefix}\ufff0", SPILLED_MOST)
    edits += [merge.Edit(one["field"], one["stamp"], one.get("value")) for one in spilled]
    facts = {name: value for name, value in doc.items() if name not in INNER and not name.startswith("_")}
    return {"id": doc["_id"], **facts, "replaced": [{"field": edit.field, "value": edit.value} for edit in edits]}


def _case_of(file: File, errand: Document) -> Document:
    case = file.case_of.get(errand["_id"])
    return {"case_no": case["case_no"]} if case else {}


def _visit(visit: files.Visit) -> Document:
    """What was noted at a visit; of one whose quarter is archived only that it was made."""
    names = ("author", "findings", "answers", "form", "next_at", "address")
    said = {name: visit.doc[name] for name in names if visit.doc.get(name)} if visit.doc else {}
    known = {"id": visit.known["id"], "at": visit.known["at"], "kind": visit.known["kind"]}
    return known | said | {"cases": [case["case_no"] for case in visit.cases]}
