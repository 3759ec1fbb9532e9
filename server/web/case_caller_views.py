"""What the case page shows of who called: that it is hidden, what was opened, that it was erased. No HTTP here."""

from collections.abc import Mapping
from typing import Any

from server.domain import case_rights, permissions
from server.domain.permissions import Person
from server.erasure import caller_asking
from server.web.household_list import ERASURES
from sync.couch import Couch

View = dict[str, Any]


def panel(couch: Couch, person: Person, case: View) -> View:
    """`{caller, caller_problem, caller_erased, may_erase_caller}` of the page, for this person, before anything was opened."""
    may_read = case["has_caller"] and case_rights.may_read_caller(person, case)
    found = caller_asking.find(couch, case) if may_read else None
    return {
        "caller": None,
        "caller_problem": None,
        "caller_erased": _erased(person, found) if found else None,
        "may_erase_caller": case_rights.may_erase_caller(person, case),
    }


def opened(kept: Mapping[str, Any]) -> list[View]:
    """What is known of a caller, line by line."""
    return [{"name": name, "label": f"caller.{name}", "value": str(value)} for name, value in kept.items() if value]


def _erased(person: Person, doc: View) -> View:
    """What is told of an erasure; its own page is for those who may see that."""
    may_see = permissions.may_erase_households(person, str(doc["grid"]))
    state = "purged" if doc["purged_at"] else doc["state"]
    told = {name: doc[name] for name in ("at", "number", "basis")}
    return told | {"state": state, "path": f"{ERASURES}/{doc['_id']}" if may_see else None}
