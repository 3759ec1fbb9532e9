"""准入申请: a department asks to be admitted to hand tasks down to a township; the township's own triage approves or refuses.

An approved request becomes an entry of the admission list (`entry:admission:a-…`) with the days it asked for, through a change of
its own: what covers hand-downs is the list alone. Requests are documents of the server's database `handdowns`:

    admission:<township>:<random>  {state requested|approved|refused, unit, township, categories, item, reason, valid_from, …}
"""

import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from server import audit, notices
from server.cases import categories, reach
from server.domain import times
from server.domain.errors import Changed, Forbidden, InvalidInput, Missing
from server.domain.list_versions import Version, is_day
from server.domain.lists import Admission
from server.domain.permissions import Person, may_decide_admission, may_hand_down
from server.lists import importing, store
from sync import databases
from sync.couch import Couch
from sync.errors import Conflict, NotFound

LISTED_MOST = 500
TEXT_LENGTH, ITEM_LENGTH = 1000, 200
Document = dict[str, Any]


class Wanted(NamedTuple):
    """What a department asks for: categories (2 or 4 digits) in a township, from a first to a last day."""

    unit: str
    township: str
    categories: Sequence[str]
    item: str
    reason: str
    valid_from: str
    valid_to: str


def ask(couch: Couch, person: Person, wanted: Wanted, now: datetime) -> str:
    """Ask for an admission; the request's id. Raises Forbidden, InvalidInput."""
    if not may_hand_down(person, wanted.unit):
        raise Forbidden
    _check(couch, wanted)
    id = f"admission:{wanted.township}:{secrets.token_hex(8)}"
    asked = {"state": "requested", "requested_by": person["name"], "requested_at": times.to_text(now)}
    doc = {"_id": id, "type": "admission", "v": 1, **wanted._asdict(), "categories": list(wanted.categories), **asked}
    audit.note(couch, by=person["name"], action="admission.ask", subject=id, why=wanted.reason, at=now)
    couch.create(databases.HANDDOWNS, replicated=False)
    couch.database(databases.HANDDOWNS).put(doc)
    _tell(couch, doc, "asked", [f"township:{wanted.township}"], now)
    return id


def decide(couch: Couch, person: Person, id: str, *, is_approved: bool, reason: str, now: datetime) -> Document:
    """Approve or refuse a request, with a reason. Raises Missing, InvalidInput, and Changed when somebody else was first.

    An approval whose entry is not in the list, because its maker was killed in between, is carried out by approving again.
    """
    doc = _find(couch, id)
    if doc is None or not may_decide_admission(person, doc["township"]):
        raise Missing(admission=id)
    if not reason.strip():
        raise InvalidInput({"reason": "required"})
    if len(reason) > TEXT_LENGTH:
        raise InvalidInput({"reason": "too_long"})
    verb = "approved" if is_approved else "refused"
    if doc["state"] == "requested":
        audit.note(couch, by=person["name"], action=f"admission.{verb}", subject=id, why=reason, at=now)
        decided = {"decided_by": person["name"], "decided_at": times.to_text(now), "decision_reason": reason.strip()}
        doc = doc | {"state": verb} | decided
        try:
            couch.database(databases.HANDDOWNS).put(doc)
        except Conflict:
            raise Changed("decided_meanwhile") from None
    elif doc["state"] != verb or not (is_approved and _is_without_entry(couch, doc)):
        raise Changed("decided_meanwhile")
    if is_approved:
        _list(couch, person, doc, now)
    _tell(couch, doc, verb, [doc["unit"]], now)
    return doc


def listed(couch: Couch, units: Iterable[str] | None, townships: Iterable[str] | None) -> list[Document]:
    """Requests of these units or to these townships (None: any), those that wait first, then the newest first."""
    try:
        found = couch.database(databases.HANDDOWNS).range("admission:", "admission:\ufff0", LISTED_MOST)
    except NotFound:
        return []
    by, to = (None if wanted is None else set(wanted) for wanted in (units, townships))
    mine = [doc for doc in found if (by is None or doc["unit"] in by) and (to is None or doc["township"] in to)]
    newest = sorted(mine, key=lambda doc: str(doc["requested_at"]), reverse=True)
    return sorted(newest, key=lambda doc: doc["state"] != "requested")


def _tell(couch: Couch, doc: Document, what: str, to: list[str], now: datetime) -> None:
    facts = {"unit": doc["unit"], "item": str(doc["item"])[:80]}
    key, township = f"{doc['_id']}:{what}", doc["township"]
    notices.notify(couch, to=to, what=f"handdown.{what}", subject=doc["_id"], key=key, township=township, facts=facts, at=now)


def _list(couch: Couch, person: Person, doc: Document, now: datetime) -> None:
    body = Admission(item=doc["item"], categories=doc["categories"], area=doc["township"], from_unit=doc["unit"])
    version = Version("admission", _key(doc), 0, doc["valid_from"], doc["valid_to"], body)
    importing.edit(couch, person["name"], version, now, reason=doc["decision_reason"], kind="admission")


def _is_without_entry(couch: Couch, doc: Document) -> bool:
    store.forget(couch)
    return not store.read(couch).book.history("admission", _key(doc))


def _key(doc: Document) -> str:
    return f"a-{doc['_id'].rpartition(':')[2]}"


def _check(couch: Couch, wanted: Wanted) -> None:
    texts = {"item": (wanted.item, ITEM_LENGTH), "reason": (wanted.reason, TEXT_LENGTH)}
    wrong = {name: "required" for name, (text, _) in texts.items() if not text.strip()}
    wrong |= {name: "too_long" for name, (text, most) in texts.items() if len(text) > most}
    known = categories.by_code(couch)
    if not wanted.categories or not all(any(code.startswith(one) for code in known) for one in wanted.categories):
        wrong["categories"] = "unknown" if wanted.categories else "required"
    if wanted.township not in reach.all_townships(couch):
        wrong["township"] = "unknown"
    wrong |= {name: "invalid" for name in ("valid_from", "valid_to") if not is_day(getattr(wanted, name))}
    if not wrong and wanted.valid_to < wanted.valid_from:
        wrong["valid_to"] = "days_reversed"
    if not wrong:
        wrong = _shape_of(wanted)
    if wrong:
        raise InvalidInput(wrong)


def _shape_of(wanted: Wanted) -> dict[str, str]:
    body = {"item": wanted.item, "categories": list(wanted.categories), "area": wanted.township, "from_unit": wanted.unit}
    try:
        msgspec.convert(body, Admission)
    except msgspec.ValidationError:
        return {"categories": "invalid"}
    return {}


def _find(couch: Couch, id: str) -> Document | None:
    try:
        return couch.database(databases.HANDDOWNS).find(id) if id.startswith("admission:") else None
    except NotFound:
        return None
