"""Asking for an erasure: what would go, what stays and why, and the request itself. Who may is `may_erase_households`.

Once asked for it is as good as done: from the first mark on nothing of it is taken in any more, and the worker does the rest
(`carrying.py`) however often it is killed.
"""

from collections import Counter
from datetime import datetime
from typing import Any, NamedTuple

from server import audit
from server.domain import erasure, ids, permissions, times
from server.domain.errors import InvalidInput, Missing
from server.domain.grids import township_of
from server.domain.permissions import Person
from server.erasure import marks, store
from server.households.files import File
from sync.couch import Couch
from sync.databases import home_db

Document = dict[str, Any]


class Asked(NamedTuple):
    """What somebody wants erased (`of` a household or one of its members), on which ground; `key` is their page's own id."""

    of: str
    basis: str
    note: str
    typed: str
    key: str


class Preview(NamedTuple):
    """What an erasure takes: `goes` {what: how many}, the name that has to be typed, and how many texts that stay tell it."""

    what: str
    of: str
    name: str
    goes: dict[str, int]
    telling: int
    cases: int


def preview(person: Person, file: File, of: str) -> Preview:
    """What would go. Raises Missing for what is not of this file, and for whoever may not erase."""
    doc = file.document(of)
    if doc is None or not permissions.may_erase_households(person, str(file.household["grid"])):
        raise Missing(of=of)
    cases = {case["_id"] for visit in file.visits for case in visit.cases} | {case["_id"] for case in file.case_of.values()}
    if doc is file.household:
        goes = {"household": 1, "member": len(file.members), "errand": len(file.errands), "visit": len(file.visits)}
        return Preview("household", of, str(doc["address"]), goes, 0, len(cases))
    contact = len(set(erasure.contact_values(file.household, [doc])))
    goes = {"member": 1, "contact": contact}
    return Preview("member", of, str(doc["name"]), goes, _telling(file, str(doc["name"])), len(cases))


def ask(couch: Couch, person: Person, file: File, asked: Asked, now: datetime) -> str:
    """Have a member or a household erased for ever; the erasure's id. The same `key` again is the same erasure.

    Raises Missing, and InvalidInput without a ground or when what was typed is not the name. Logged before anything happens.
    """
    about = preview(person, file, asked.of)
    check(asked, about)
    grid = str(file.household["grid"])
    id = f"erasure:{township_of(grid)}:{asked.key}"
    if store.find(couch, id) is not None:
        return id
    facts = {"grid": grid, "what": about.what, "basis": asked.basis}
    audit.note(couch, by=person["name"], action="household.erase", subject=id, why=asked.basis, facts=facts, at=now, key=id)
    doc = made(id, grid, about.what, asked, person, now)
    # Marks and request in one write: a request without marks would find nothing to do, and say that it is done.
    store.write(couch, [*store.marks_of(id, {asked.of: about.what} | _values(couch, file, asked.of)), doc])
    return id


def made(id: str, grid: str, what: str, asked: Asked, person: Person, now: datetime) -> Document:  # noqa: PLR0917 - all it says
    """The document of an erasure that is asked for now."""
    number = ids.case_no(f"erasure:{asked.key}", grid, now)
    doc = {"_id": id, "type": "erasure", "v": 1, "number": number, "grid": grid, "what": what, "basis": asked.basis}
    doc |= {
        "note": asked.note.strip(),
        "by": person["name"],
        "at": times.to_text(now),
        "state": "asked",
        "key_id": marks.key_id(),
    }
    return doc | {"steps": {"done": 0, "of": 0}, "counts": {}, "done_at": None, "proved_at": None, "purged_at": None}


def find(couch: Couch, person: Person, id: str) -> Document:
    """An erasure, for those who may erase there. Raises Missing."""
    doc = store.find(couch, id)
    if doc is None or not permissions.may_erase_households(person, str(doc["grid"])):
        raise Missing(erasure=id)
    return doc


def listed(couch: Couch, person: Person, most: int) -> list[Document]:
    """Erasures of this person's communities, the newest first."""
    mine = [doc for doc in store.everything(couch, "erasure:") if permissions.may_erase_households(person, str(doc["grid"]))]
    return sorted(mine, key=lambda doc: str(doc["at"]), reverse=True)[:most]


def check(asked: Asked, about: Preview) -> None:
    """Raises InvalidInput without a ground, and when what was typed is not the name."""
    wrong = {}
    if asked.basis not in erasure.BASES:
        wrong["basis"] = "required"
    if len(asked.note) > erasure.NOTE_LENGTH:
        wrong["note"] = "too_long"
    if asked.typed.strip() != about.name.strip():
        wrong["typed"] = "not_the_name"
    if not ids.is_record_id(f"erasure:{asked.key}"):
        wrong["key"] = "invalid"
    if wrong:
        raise InvalidInput(wrong)


def _values(couch: Couch, file: File, of: str) -> dict[str, str]:
    """Marks of the household's contact facts that are the member's own, with those that lie spilled beside it."""
    member = file.document(of)
    if member is None or member is file.household:
        return {}
    household = file.household
    prefix = f"superseded:{household['_id']}:"
    spilled = couch.database(home_db(str(household["grid"]))).range(prefix, f"{prefix}\ufff0", 1000)
    beside = [{"field": doc["field"], "stamp": doc["stamp"], "value": doc.get("value")} for doc in spilled]
    whole = household | {"superseded": [*household.get("superseded", []), *beside]}
    return {erasure.value_name(value): "value" for value in erasure.contact_values(whole, [member])}


def _telling(file: File, name: str) -> int:
    """How many texts that stay name the member: nobody can cut a name out of what somebody wrote."""
    texts = [file.household.get("remark"), *(visit.doc.get("findings") for visit in file.visits if visit.doc)]
    return Counter(name in str(text or "") for text in texts)[True]
