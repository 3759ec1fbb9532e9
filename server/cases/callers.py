"""Who called about a case: kept beside it in `cases-<9>` as `caller:<the case's uuid>`, read only with a purpose (DESIGN §10).

It is in no event, no list and no copy. Who may read it is `case_rights.may_read_caller`; who puts it there are the sources.
One that was erased (`server/erasure/`) is known by its mark: it is not kept again, not read, and compared with nobody.
"""

from datetime import datetime
from typing import Any, NamedTuple

from server import audit
from server.cases import store
from server.domain import case_rights, ids, times
from server.domain.errors import Erased, Forbidden, InvalidInput, Missing
from server.domain.grids import township_of
from server.domain.permissions import Person
from server.erasure import store as erasures
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

    One that was erased is not kept again, whoever tells it. Raises the store's errors.
    """
    if is_erased(couch, case_id):
        return
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


def is_erased(couch: Couch, case_id: str) -> bool:
    """True when who called about the case was erased."""
    id = caller_id(case_id)
    return erasures.among(couch, [id]).has(id)


def is_other(couch: Couch, township: str, case_id: str, said: Caller | None) -> bool:
    """True when somebody else is kept than is said now. What was erased is compared with nothing: the item is the same."""
    return find(couch, township, case_id) != said and not is_erased(couch, case_id)


def read(couch: Couch, person: Person, case: Document, purpose: str) -> Document:
    """Name, telephone and address as far as known; the reading is in the log before.

    Raises Forbidden, Erased, InvalidInput, Missing.
    """
    if not case["has_caller"] or not case_rights.may_read_caller(person, case):
        raise Forbidden
    found = opened(couch, person, case, purpose, action="caller.read")
    return {name: found.get(name) for name in FIELDS}


def opened(couch: Couch, person: Person, case: Document, purpose: str, *, action: str) -> Document:
    """Their document, for a purpose that is in the log before; who may is not asked. Raises Erased, InvalidInput, Missing."""
    if is_erased(couch, case["_id"]):
        raise Erased("caller_erased", case=case["_id"])
    why = purpose.strip()
    if not why or len(why) > PURPOSE_LENGTH:
        raise InvalidInput({"purpose": "required" if not why else "too_long"})
    township = township_of(case["grid"])
    found = couch.database(cases_db(township)).find(caller_id(case["_id"]))
    if found is None:
        raise Missing(case=case["_id"])
    facts = {"case_no": case["case_no"]}
    audit.note(couch, by=person["name"], action=action, subject=case["_id"], why=why, township=township, facts=facts)
    return found
