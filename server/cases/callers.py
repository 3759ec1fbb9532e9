"""Who called about a case: kept beside it in `cases-<9>` as `caller:<the case's uuid>`, read only with a purpose (DESIGN §10).

It is in no event, no list and no copy. Who may read it is `case_rights.may_read_caller`; who puts it there are the sources.
"""

from typing import Any

from server import audit
from server.domain import case_rights, ids
from server.domain.errors import Forbidden, InvalidInput, Missing
from server.domain.grids import township_of
from server.domain.permissions import Person
from sync.couch import Couch
from sync.databases import cases_db

Document = dict[str, Any]
PURPOSE_LENGTH = 200
# What is shown of the document besides its own bookkeeping, in this order.
FIELDS = ("name", "phone", "address")


def caller_id(case_id: str) -> str:
    """Where a case's caller is kept."""
    return f"caller:{ids.uuid_of(case_id)}"


def read(couch: Couch, person: Person, case: Document, purpose: str) -> Document:
    """Name, telephone and address as far as known; the reading is in the log before. Raises Forbidden, InvalidInput, Missing."""
    if not case["has_caller"] or not case_rights.may_read_caller(person, case):
        raise Forbidden
    why = purpose.strip()
    if not why or len(why) > PURPOSE_LENGTH:
        raise InvalidInput({"purpose": "required" if not why else "too_long"})
    found = couch.database(cases_db(township_of(case["grid"]))).find(caller_id(case["_id"]))
    if found is None:
        raise Missing(case=case["_id"])
    audit.note(couch, by=person["name"], action="caller.read", subject=case["_id"], why=why)
    return {name: found.get(name) for name in FIELDS}
