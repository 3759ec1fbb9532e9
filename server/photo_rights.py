"""Who may see a photo: whoever may open its record, and whoever may see the case it belongs to (DESIGN §7).

A phone's photo says of which report, note, reply or errand it is, that one of which case; a desk's names the case itself. The
way from a photo to its case is at most three documents long. Of a household's records a desk sees an errand's photos alone.
"""

from typing import Any

from server.domain import case_rights, ids, permissions
from server.domain.permissions import Person
from sync.couch import Couch
from sync.databases import cases_db, parse
from sync.errors import NotFound

HOPS_MOST = 3
Document = dict[str, Any]


def may_see(couch: Couch, person: Person, doc: Document) -> bool:
    """True when this person may see a kept photo (`media/store.py`). Reads nothing when the place alone says so."""
    name = parse(doc["database"])
    if name is None or (name.kind != "cases" and name.grid is None):
        return False
    if doc.get("unclaimed_since") and doc["author"] != person["name"]:
        return False  # no record yet: nobody but its sender is known to have a part in it
    if name.grid is not None and permissions.may_see_records(person, name.kind, name.grid):
        return True
    if name.kind not in ("cases", "grid", "home-quarter") or not permissions.may_use_desk(person):
        return False
    case = _case_of(couch, doc["database"], doc["_id"], name.area or str(name.grid)[:9])
    return case is not None and case_rights.may_see(person, case)


def _case_of(couch: Couch, database: str, photo: str, township: str) -> Document | None:
    """The case a photo belongs to, or None."""
    of: str = photo
    for _ in range(HOPS_MOST):
        record = _find(couch, database, of)
        of = str((record or {}).get("of") or (record or {}).get("task") or "")
        if ids.is_record_id(of, "report") or ids.is_record_id(of, "errand"):
            of = ids.case_id(of)
        if ids.is_record_id(of, "case"):
            return _find(couch, cases_db(township), of)
        if not ids.is_record_id(of):
            return None
    return None


def _find(couch: Couch, database: str, id: str) -> Document | None:
    try:
        return couch.database(database).find(id)
    except NotFound:
        return None
