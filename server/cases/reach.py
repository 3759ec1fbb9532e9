"""In which townships a person's cases lie, and what they see of each: their own, and for units every township the unit serves."""

from typing import Any, NamedTuple

from server.cases.kept import Kept
from server.domain.grids import township_of
from server.domain.permissions import Person, may_use_desk, townships_seen
from sync.couch import Couch
from sync.databases import REF
from sync.errors import NotFound

MOST = 2000


class Place(NamedTuple):
    """A township, and what of it is seen: everything, one community's cases, or those in which one of the units has a part."""

    township: str
    community: str | None = None
    units: tuple[str, ...] | None = None


def places_of(couch: Couch, person: Person) -> list[Place]:
    """Everything a person may list, as places in order: no case lies in two of them."""
    if not may_use_desk(person):
        return []
    whole = sorted(person.get("townships", ()))
    communities = sorted(code for code in person.get("communities", ()) if township_of(code) not in whole)
    known = {*whole, *(township_of(code) for code in communities)}
    units = tuple(person.get("units", ()))
    served = [code for code in townships_of(couch, person) if code not in known] if units else []
    return sorted(
        [
            *(Place(code) for code in whole),
            *(Place(township_of(code), code) for code in communities),
            *(Place(code, None, units) for code in served),
        ]
    )


def townships_of(couch: Couch, person: Person) -> list[str]:
    """The townships (9 digits) in which this person may have cases to see, in order."""
    own = set(townships_seen(person)) if may_use_desk(person) else set()
    if person.get("units") and may_use_desk(person):
        own |= {township for unit in unit_docs(couch, person["units"]).values() for township in served_by(couch, unit)}
    return sorted(own)


def unit_docs(couch: Couch, units: list[str]) -> dict[str, dict[str, Any] | None]:
    """The `ref` documents of units by id, None for those that are not there."""
    try:
        return couch.database(REF).many(units)
    except NotFound:
        return dict.fromkeys(units)


def served_by(couch: Couch, unit: dict[str, Any] | None) -> list[str]:
    """The townships a unit serves: those below its `area` (a code's beginning), all when it has none."""
    area = (unit or {}).get("area") or ""
    return [code for code in all_townships(couch) if code.startswith(area) or area.startswith(code)]


def all_townships(couch: Couch) -> list[str]:
    """Every township that `ref` knows."""
    return _KEPT.of(couch)


def _read(couch: Couch) -> list[str]:
    try:
        docs = couch.database(REF).range("township:", "township:\ufff0", MOST)
    except NotFound:
        return []
    return [doc["_id"].partition(":")[2] for doc in docs]


_KEPT = Kept(_read)
