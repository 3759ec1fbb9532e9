"""Which cases a page of the desk lists: a township's, a unit's, a district's, or those that wait for the reader.

Who works where is `server/cases/reach.py`; the page itself is `case_list.py`.
"""

from dataclasses import dataclass

from server.cases import reach
from server.cases.reach import Place
from server.domain.errors import Missing
from server.domain.grids import district_of, township_of
from server.domain.parties import parties_of
from server.domain.permissions import Person, may_use_desk
from sync.couch import Couch

TURN = "/turn"
ABOVE = frozenset({"district", "city"})


@dataclass(frozen=True)
class Scope:
    """A list's address and what it may show. `turns`: only what waits for these parties. `level`: the reader's."""

    path: str
    places: tuple[Place, ...]
    turns: tuple[str, ...] | None = None
    level: str | None = None

    @property
    def is_one_township(self) -> bool:
        """True when rows need not say which township they are of."""
        return len({place.township for place in self.places}) == 1


def township(person: Person, code: str, community: str | None = None) -> Scope:
    """A township's list, for its staff; for community staff their own part of it. Raises Missing for everybody else."""
    if may_use_desk(person) and code in person.get("townships", ()):
        return Scope(f"/township/{code}", (Place(code, community or None),))
    own = sorted(one for one in person.get("communities", ()) if township_of(one) == code)
    if not may_use_desk(person) or not own or (community and community not in own):
        raise Missing
    return Scope(f"/township/{code}", tuple(Place(code, one) for one in own if community in (None, "", one)))


def units(couch: Couch, person: Person) -> Scope:
    """What the person's units have a part in, wherever they serve. Raises Missing for people without a unit."""
    if "department" not in person["roles"] or not person.get("units"):
        raise Missing
    own = tuple(person["units"])
    return Scope("/unit", tuple(Place(code, None, own) for code in reach.townships_of(couch, person)))


def district(person: Person, code: str) -> Scope:
    """The person's townships of a district. Raises Missing for those who are not of a district or city."""
    role = next((role for role in ("city", "district") if role in person["roles"]), None)
    places = tuple(Place(one) for one in sorted(person.get("townships", ())) if district_of(one) == code)
    if role is None or not places:
        raise Missing
    return Scope(f"/district/{code}", places, level=role)


def home(couch: Couch, person: Person) -> Scope | None:
    """The list that is this person's own, None for those who have none."""
    townships = sorted(person.get("townships", ()))
    if not may_use_desk(person):
        return None
    if townships and not ABOVE.isdisjoint(person["roles"]):
        return district(person, district_of(townships[0]))
    if townships:
        return township(person, townships[0])
    if person.get("communities"):
        return township(person, township_of(min(person["communities"])))
    return units(couch, person) if "department" in person["roles"] and person.get("units") else None


def turn(couch: Couch, person: Person) -> Scope:
    """What waits for this person, wherever it lies."""
    places = tuple(dict.fromkeys(Place(place.township) for place in reach.places_of(couch, person)))
    return Scope(TURN, places, turns=turns_of(person))


def turns_of(person: Person) -> tuple[str, ...]:
    """The parties whose turn is this person's turn."""
    return tuple(sorted(party for party in parties_of(person) if not party.startswith("user:")))


def districts_of(person: Person) -> list[str]:
    """The districts whose page is for this person, by their 6 digits."""
    return [] if ABOVE.isdisjoint(person["roles"]) else sorted({district_of(code) for code in person.get("townships", ())})
