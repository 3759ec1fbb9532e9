"""The parties a person acts for and is told things as: `unit:<id>`, `community:<12>`, `township:<9>`, `district:<6>`, `city:<4>`,
`user:<name>`; on a phone `grid:<15>` and `home:<15>`. A notice is addressed to parties, a case is held by one; who may do what
there is `permissions.py`.
"""

from collections.abc import Callable, Iterable

from server.domain.grids import district_of
from server.domain.permissions import Person, database_kinds

CITY_DIGITS = 4


def city_of(code: str) -> str:
    """The first four digits of any longer code."""
    return code[:CITY_DIGITS]


# What a role stands for, out of what its holder holds. Roles that are not named stand for nobody but the person.
PARTIES_OF_ROLE: dict[str, Callable[[Person], Iterable[str]]] = {
    "department": lambda person: person.get("units", ()),
    "community": lambda person: (f"community:{code}" for code in person.get("communities", ())),
    "triage": lambda person: (f"township:{code}" for code in person.get("townships", ())),
    "district": lambda person: (f"district:{district_of(code)}" for code in person.get("townships", ())),
    "city": lambda person: (f"city:{city_of(code)}" for code in person.get("townships", ())),
}


def parties_of(person: Person) -> frozenset[str]:
    """Every party this person acts for, themselves always included."""
    held = [party for role in person["roles"] if role in PARTIES_OF_ROLE for party in PARTIES_OF_ROLE[role](person)]
    return frozenset([*held, f"user:{person['name']}"])


def phone_parties_of(person: Person) -> frozenset[str]:
    """Whom a person's phone is told things as: themselves, and whoever holds their grids. `home:<15>` are those who may know of
    its households: workers, never police."""
    kinds = database_kinds(person)
    names = {"grid": "grid" in kinds, "home": "home" in kinds}
    held = [f"{kind}:{grid}" for kind, is_theirs in names.items() if is_theirs for grid in person.get("grids", ())]
    return frozenset([*held, f"user:{person['name']}"])
