"""Who called about a case: kept beside it in `cases-<9>` as `caller:<the case's uuid>`, read only with a purpose (DESIGN §10).

It is in no event, no list and no copy. Who may read it is `case_rights.may_read_caller`; who puts it there are the sources.
"""

from datetime import datetime
from typing import Any, NamedTuple

from server import audit
from server.cases import store
from server.domain import case_rights, ids, times
from server.domain.errors import Forbidden, InvalidInput, Missing
from server.domain.grids import township_of
from server.domain.permissions import Person
from sync.couch import Couch
from sync.databases import cases_db
from sync.errors import Conflict, NotFound

Document = dict[str, Any]
PURPOSE_LENGTH = 200
# What is shown of the document besides its own bookkeeping, in this order.
FIELDS = ("name", "phone", "address")


class Caller(NamedTuple):
    """What is known of whoever called; either may be unknown."""

    name: str | None
    phone: str | None


def caller_id(case_id: str) -> str:
    """Where a case's caller is kept."""
    return f"caller:{ids.uuid_of(case_id)}"


def keep(couch: Couch, township: str, case_id: str, caller: Caller, *, source: str, now: datetime) -> None:
    """Keep who called, before the case is made: a case that says `has_caller` has one. The first that is kept stays.

    Raises the store's errors.
    """
    doc = {"_id": caller_id(case_id), "type": "caller", "v": 1, "case": case_id, "source": source, "kept_at": times.to_text(now)}
    doc |= caller._asdict()
    database = couch.database(cases_db(township))
    try:
        database.put(doc)
    except NotFound:
        store.append(store.ensure(couch, township), doc)
    except Conflict:
        return


def find(couch: Couch, township: str, case_id: str) -> Caller | None:
    """Who called, for the program's own comparing; None when nobody is kept. Not to be shown: that is `read`."""
    try:
        doc = couch.database(cases_db(township)).find(caller_id(case_id))
    except NotFound:
        return None
    return None if doc is None else Caller(doc.get("name"), doc.get("phone"))


def read(couch: Couch, person: Person, case: Document, purpose: str) -> Document:
    """Name, telephone and address as far as known; the reading is in the log before. Raises Forbidden, InvalidInput, Missing."""
    if not case["has_caller"] or not case_rights.may_read_caller(person, case):
        raise Forbidden
    why = purpose.strip()
    if not why or len(why) > PURPOSE_LENGTH:
        raise InvalidInput({"purpose": "required" if not why else "too_long"})
    township = township_of(case["grid"])
    found = couch.database(cases_db(township)).find(caller_id(case["_id"]))
    if found is None:
        raise Missing(case=case["_id"])
    audit.note(couch, by=person["name"], action="caller.read", subject=case["_id"], why=why, township=township)
    return {name: found.get(name) for name in FIELDS}
