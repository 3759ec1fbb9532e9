"""Asking for the erasure of who called about a case: what goes, what stays, the request. Who may is `may_erase_caller`.

There is one erasure a case, named after it: asked for twice or at once it is the same. Asked for, it counts: from the mark on the
caller is neither read nor kept again (`server/cases/callers.py`), and the worker does the rest (`callers.py`).
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from server import audit
from server.cases import callers
from server.domain import case_rights, erasure, ids
from server.domain.errors import Erased, Forbidden, Missing
from server.domain.grids import township_of
from server.domain.permissions import Person
from server.erasure import asking, store
from server.erasure.asking import Asked, Preview
from sync.couch import Couch
from sync.databases import cases_db

Document = dict[str, Any]


def find(couch: Couch, case: Document) -> Document | None:
    """The erasure of a case's caller, or None."""
    return store.find(couch, _id_of(case))


def preview(couch: Couch, person: Person, case: Document, events: Iterable[Document]) -> Preview:
    """What would go, and how many texts of the case tell the name or the telephone; what has to be typed is the case's number.

    Raises Forbidden, Missing when nobody is kept, Erased.
    """
    if not case_rights.may_erase_caller(person, case):
        raise Forbidden
    if find(couch, case) is not None:
        raise Erased("caller_erased", case=case["_id"])
    kept = couch.database(cases_db(township_of(case["grid"]))).find(callers.caller_id(case["_id"]))
    if kept is None:
        raise Missing(case=case["_id"])
    goes = {name: 1 for name in callers.FIELDS if kept.get(name)}
    telling = erasure.telling(erasure.texts_of(events), kept.get("name"), kept.get("phone"))
    return Preview(erasure.CALLER, str(case["_id"]), str(case["case_no"]), goes, telling, 1)


def ask(  # noqa: PLR0917 - who, of which case, what
    couch: Couch, person: Person, case: Document, events: Iterable[Document], asked: Asked, now: datetime
) -> str:
    """Have the caller of a case erased for ever; the erasure's id, the same again for the same case.

    Raises Forbidden, Missing, and InvalidInput without a ground or when what was typed is not the case's number. Logged before
    anything happens.
    """
    if not case_rights.may_erase_caller(person, case):
        raise Forbidden
    id, grid = _id_of(case), str(case["grid"])
    if store.find(couch, id) is not None:
        return id
    whole = asked._replace(key=ids.uuid_of(case["_id"]))
    asking.check(whole, preview(couch, person, case, events))
    facts = {"grid": grid, "case_no": case["case_no"], "erasure": id}
    audit.note(couch, by=person["name"], action="caller.erase", subject=case["_id"], why=asked.basis, facts=facts, at=now)
    doc = asking.made(id, grid, erasure.CALLER, whole, person, now) | {"case": case["_id"], "case_no": case["case_no"]}
    store.write(couch, [*store.marks_of(id, {callers.caller_id(case["_id"]): erasure.CALLER}), doc])
    return id


def _id_of(case: Document) -> str:
    return f"erasure:{township_of(case['grid'])}:{ids.uuid_of(case['_id'])}"
