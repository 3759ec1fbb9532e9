"""Who may see a case and make which move on it: the actors that the table of moves names (`workflow/moves.py`). Pure.

An actor is a relation between a person and one case, and it says in whose name the person acts (the event's `party`):

- `holder`: staff of the level that holds it; the township also for what its community holds (it takes it up by doing so);
- `above`: staff of a higher level; `approver`: of the holding level or a higher one;
- `unit`: whoever handles it; `supporting`: a unit named to help;
- `other`: holder or above, as somebody who looks at what another has done; `reporter`: who reported it.
"""

from collections.abc import Callable, Iterable
from typing import Any

from server.domain import permissions
from server.domain.grids import community_of, district_of, township_of
from server.domain.parties import city_of, parties_of
from server.domain.permissions import Person
from server.domain.workflow import LEVELS, MOVES, holder_of, rank

Case = dict[str, Any]
# Which role stands at which level, and whether the person's own places cover the case's grid.
STANDS_AT: dict[str, Callable[[Person, str], bool]] = {
    "community": lambda person, grid: "community" in person["roles"] and community_of(grid) in person.get("communities", ()),
    "township": lambda person, grid: "triage" in person["roles"] and township_of(grid) in person.get("townships", ()),
    "district": lambda person, grid: "district" in person["roles"] and district_of(grid) in _starts(person, district_of),
    "city": lambda person, grid: "city" in person["roles"] and city_of(grid) in _starts(person, city_of),
}


def _starts(person: Person, cut: Callable[[str], str]) -> frozenset[str]:
    return frozenset(cut(code) for code in person.get("townships", ()))


def levels_of(person: Person, grid: str) -> list[str]:
    """The levels at which this person stands over a grid, lowest first."""
    return [level for level in LEVELS if STANDS_AT[level](person, grid)]


def may_see(person: Person, case: Case) -> bool:
    """True when a case is for this person to read: their place's, or held, supported or asked for by their unit."""
    if not permissions.may_use_desk(person):
        return False
    return permissions.may_see_case(person, case["grid"]) or not units_of(case).isdisjoint(person.get("units", ()))


def units_of(case: Case) -> frozenset[str]:
    """The units that have a part in a case: handling it, helping, having handled it, called to the spot."""
    named = [case.get("unit"), *case.get("supporting", ()), *case.get("handlers", ()), *case.get("called_units", ())]
    return frozenset(unit for unit in named if unit and unit.startswith("unit:"))


def acting_parties(person: Person, case: Case, move: str) -> list[str]:
    """In whose names this person may make this move on this case, the fittest first; empty when they may not."""
    row = MOVES.get(move)
    return list(dict.fromkeys(party for actor in row.who for party in ACTORS[actor](person, case))) if row else []


def may_move(person: Person, move: str, case: Case) -> bool:
    """True when this person has a part in the case that this move is for. State and rules are asked elsewhere."""
    return bool(acting_parties(person, case, move))


def may_read_caller(person: Person, case: Case) -> bool:
    """True for those whose task needs the caller's name: the holder, and the handling unit once it was released (DESIGN §10)."""
    if acting_parties(person, case, "accept"):
        return True
    return bool(case["caller_released"]) and bool(acting_parties(person, case, "answer"))


def may_erase_caller(person: Person, case: Case) -> bool:
    """True for those who give a caller a copy of their data or erase it: staff of the level that answers for the case.

    个人信息保护法 Art. 45, 47 and 50 bind whoever decides what the data is for: the level that holds the case and may release the
    caller (DESIGN §10), the township also for what its community holds (`holder`). Never the unit that handles it: it borrows
    name and telephone for its task, released or not.
    """
    return bool(case["has_caller"]) and bool(acting_parties(person, case, "release_caller"))


def _holder(person: Person, case: Case) -> Iterable[str]:
    mine = levels_of(person, case["grid"])
    wanted = [case["level"], "township"] if case["level"] == "community" else [case["level"]]
    return [holder_of(level, case["grid"]) for level in wanted if level in mine]


def _above(person: Person, case: Case) -> Iterable[str]:
    mine = levels_of(person, case["grid"])
    return [holder_of(level, case["grid"]) for level in mine if rank(level) > rank(case["level"])]


def _unit(person: Person, case: Case) -> Iterable[str]:
    return [case["handler"]] if case["handler"] in parties_of(person) else []


def _supporting(person: Person, case: Case) -> Iterable[str]:
    return [unit for unit in case["supporting"] if unit in person.get("units", ())]


def _other(person: Person, case: Case) -> Iterable[str]:
    found = [*_holder(person, case), *_above(person, case)]
    return sorted(found, key=lambda party: party in case["handlers"])


def _reporter(person: Person, case: Case) -> Iterable[str]:
    return [f"user:{person['name']}"] if person["name"] == case["author"] else []


ACTORS: dict[str, Callable[[Person, Case], Iterable[str]]] = {
    "holder": _holder,
    "above": _above,
    "approver": _other,
    "unit": _unit,
    "supporting": _supporting,
    "other": _other,
    "reporter": _reporter,
}
