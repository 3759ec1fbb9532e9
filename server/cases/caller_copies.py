"""A copy of what is kept of who called about a case, for that person (个人信息保护法 Art. 45). Who may is `may_erase_caller`.

It holds what is kept and who read it in the last half year; it is made while it is asked for and lies nowhere.
"""

from datetime import datetime
from typing import Any

from server.audit import readings
from server.audit.searching import Wanted
from server.cases import callers
from server.domain import case_rights, times
from server.domain.errors import Forbidden
from server.domain.grids import township_of
from server.domain.permissions import Person
from sync.couch import Couch

ACTIONS = ("caller.read", "caller.export")
KEPT = (*callers.FIELDS, "source", "kept_at")
Document = dict[str, Any]


def make(couch: Couch, person: Person, case: Document, purpose: str, now: datetime) -> Document:
    """The copy; that it was made is in the log before. Raises Forbidden, Erased, InvalidInput without a purpose, Missing."""
    if not case_rights.may_erase_caller(person, case):
        raise Forbidden
    kept = callers.opened(couch, person, case, purpose, action="caller.export")
    township, subject = township_of(case["grid"]), str(case["_id"])
    return {
        "made_at": times.to_text(now),
        "made_by": person["name"],
        "purpose": purpose.strip(),
        "case": {"id": subject, "case_no": case["case_no"]},
        "caller": {name: kept.get(name) for name in KEPT},
        "readings": readings.of(couch, township, [Wanted(subject=subject, action=action) for action in ACTIONS], now),
    }
