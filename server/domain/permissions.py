"""Who may do what, as one table (DESIGN §1, §5, §10). The gateway, the web and the phone's menus all read it here.

Access to records is which databases a person may open; there is no filter on single documents. A person is a plain mapping
from the `people` database: `name`, `roles`, and what they hold: `grids` (15 digits), `communities` (12), `townships` (9).
Who may see and move one case is `case_rights.py`.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from server.domain.grids import community_of, township_of

Person = dict[str, Any]

ROLES = ("worker", "police", "community", "triage", "department", "district", "city", "admin")

DATABASES_OF_ROLE: dict[str, tuple[str, ...]] = {
    "worker": ("grid", "home", "home-quarter"),
    "police": ("grid", "beat"),
}
TYPES_BY_KIND: dict[str, dict[str, frozenset[str]]] = {
    "grid": {
        "worker": frozenset({"report", "note", "photo", "patrol", "taskreply"}),
        "police": frozenset({"report", "note", "photo", "taskreply"}),
    },
    "home": {"worker": frozenset({"household", "member", "errand"})},
    "home-quarter": {"worker": frozenset({"visit", "photo", "note", "taskreply"})},
    "beat": {"police": frozenset({"visit", "photo"})},
    "track": {"worker": frozenset({"track"})},
    "log": {"worker": frozenset({"access"}), "police": frozenset({"access"})},
}
PULLED_KINDS = frozenset({"ref", "grid", "home", "home-quarter", "beat"})

DESK_ROLES = frozenset({"triage", "community", "department", "district", "city", "admin"})
PHONE_ROLES = frozenset(DATABASES_OF_ROLE)


class Access(NamedTuple):
    """What a device may do with one database."""

    pull: bool
    push: bool


NONE = Access(pull=False, push=False)
# The scope of the access log that is all of it.
AUDIT_EVERYWHERE = "*"


def database_kinds(person: Person) -> frozenset[str]:
    """The kinds of a grid's databases this person's roles open."""
    return frozenset(kind for role in person["roles"] for kind in DATABASES_OF_ROLE.get(role, ()))


def writable_types(person: Person, kind: str) -> frozenset[str]:
    """The document types this person may push into a database of this kind."""
    return _types_of(tuple(person["roles"]), kind)


@cache
def _types_of(roles: tuple[str, ...], kind: str) -> frozenset[str]:
    by_role = TYPES_BY_KIND.get(kind, {})
    return frozenset().union(*(by_role.get(role, frozenset()) for role in roles))


def may_use_phone(person: Person) -> bool:
    """True for the roles that carry a phone with records on it."""
    return not PHONE_ROLES.isdisjoint(person["roles"])


def may_use_desk(person: Person) -> bool:
    """True for the roles that work at a desk."""
    return not DESK_ROLES.isdisjoint(person["roles"])


def townships_seen(person: Person) -> frozenset[str]:
    """The townships (9 digits) whose case list this person may open; communities see their own share of it."""
    return frozenset(person.get("townships", ())) | frozenset(township_of(code) for code in person.get("communities", ()))


def may_see_case(person: Person, grid: str) -> bool:
    """True when the cases of this grid are for this person to read, by township or community; by unit: `case_rights.may_see`."""
    if not may_use_desk(person):
        return False
    return township_of(grid) in person.get("townships", ()) or community_of(grid) in person.get("communities", ())


def may_see_records(person: Person, kind: str, grid: str) -> bool:
    """True when this person may see a record (and its photos) that lives in a database of this kind and grid.

    On the phone: whoever may open the database. At the desk: `grid` records are the township's business;
    household and beat records are not shown at a desk in this version.
    """
    if kind in database_kinds(person) and grid in person.get("grids", ()):
        return True
    return kind == "grid" and may_see_case(person, grid)


def audit_scopes(person: Person) -> list[str]:
    """Which parts of the access log this person may read: everything, their townships, their districts; none for most.

    Administrators answer for the system, triage for its township, districts for their own; whoever else is named in an entry
    asks them.
    """
    roles, townships = person["roles"], sorted(person.get("townships", ()))
    everything = [AUDIT_EVERYWHERE] if "admin" in roles else []
    districts = sorted({code[:6] for code in townships}) if "district" in roles else []
    own = townships if not {"triage", "admin", "district"}.isdisjoint(roles) else []
    return [*everything, *districts, *own]


def may_read_audit(person: Person, scope: str) -> bool:
    """True when this person may read this part of the access log: a township (9 digits), a district (6) or everything."""
    return scope in audit_scopes(person)


def may_set_channels(person: Person) -> bool:
    """True when this person may set up where notices go outside the house: administrators."""
    return "admin" in person["roles"]


def has_audit_desk(person: Person) -> bool:
    """True for those who have a page of the access log at all."""
    return bool(audit_scopes(person))


def may_review_households(person: Person, grid: str) -> bool:
    """True when this person may look at superseded values of a grid's household files at a desk, restore them or let them go.

    The grid's own community only: it runs 一户一档 and the errands, knows the households, and answers for the workers who visit
    them. A township reads files (`may_read_household`) and corrects none; administrators keep accounts, not files.
    """
    return "community" in person["roles"] and community_of(grid) in person.get("communities", ())


def may_erase_households(person: Person, grid: str) -> bool:
    """True when this person may erase a member's or a household's data for ever: the grid's own community alone.

    It made the file, knows the people and answers for the grounds. Not the township, which only reads files, and not
    administrators, who keep accounts; both see in the access log that it was done.
    """
    return may_review_households(person, grid)


def has_household_reviews(person: Person) -> bool:
    """True for those who have a page of superseded values at all."""
    return "community" in person["roles"] and bool(person.get("communities"))


def may_read_household(person: Person, grid: str) -> bool:
    """True when this person may list a grid's household files at a desk and read one, its sensitive fields masked until they say
    what for: staff of the grid's community, and triage of its township, which sees that visits and errands are done.

    Departments, districts and the city need no household for what they decide; police ask in writing (`household_requests.py`).
    """
    if "police" in person["roles"]:
        return False
    return may_review_households(person, grid) or (
        "triage" in person["roles"] and township_of(grid) in person.get("townships", ())
    )


def household_places(person: Person) -> list[str]:
    """The townships (9 digits) and communities (12) whose household files this person may list."""
    if "police" in person["roles"]:
        return []
    townships = sorted(person.get("townships", ())) if "triage" in person["roles"] else []
    communities = sorted(person.get("communities", ())) if "community" in person["roles"] else []
    return [*townships, *(code for code in communities if township_of(code) not in townships)]


def has_household_desk(person: Person) -> bool:
    """True for those who have a page of household files at all."""
    return bool(household_places(person))


def may_request_households(person: Person, township: str) -> bool:
    """True when this person may ask a township in writing for facts of a household: police with a grid there."""
    return "police" in person["roles"] and any(township_of(grid) == township for grid in person.get("grids", ()))


def may_decide_household_requests(person: Person, township: str) -> bool:
    """True when this person may approve or refuse what police ask of this township: its triage, unless police themselves."""
    return "triage" in person["roles"] and "police" not in person["roles"] and township in person.get("townships", ())


def request_townships(person: Person) -> list[str]:
    """The townships to which this person makes such requests, or for which they decide."""
    places = {*(township_of(grid) for grid in person.get("grids", ())), *person.get("townships", ())}
    return sorted(code for code in places if may_request_households(person, code) or may_decide_household_requests(person, code))


def has_household_requests(person: Person) -> bool:
    """True for those who have a page of such requests at all."""
    return bool(request_townships(person))


def may_decide_refused(person: Person, townships: Iterable[str]) -> bool:
    """True when this person may list and decide (adopt, dismiss, reopen) refused records that concern these townships.

    Triage of one of the townships, and administrators; what concerns no township is an administrator's (DESIGN §7).
    """
    if "admin" in person["roles"]:
        return True
    return "triage" in person["roles"] and not set(townships).isdisjoint(person.get("townships", ()))


def may_adopt_into(person: Person, grid: str) -> bool:
    """True when this person may give a refused record a home in this grid."""
    return may_decide_refused(person, [township_of(grid)])


def has_refused_desk(person: Person) -> bool:
    """True for those who have a page of refused records at all."""
    return not {"triage", "admin"}.isdisjoint(person["roles"])


LIST_READERS = frozenset({"triage", "district", "city", "admin"})


def has_whistle_board(person: Person) -> bool:
    """True for those who blow whistles, are called by them, or look after those who are (吹哨报到)."""
    return not {"triage", "department", "district", "city"}.isdisjoint(person["roles"])


def may_read_lists(person: Person) -> bool:
    """True for staff of townships and above: the lists say who answers for what (DESIGN §4, DOMAIN "dynamic procedure")."""
    return not LIST_READERS.isdisjoint(person["roles"])


def may_edit_lists(person: Person) -> bool:
    """True for whoever imports lists, changes entries and undoes imports: administrators alone."""
    return "admin" in person["roles"]


HANDING_DOWN = frozenset({"department", "district"})


def may_hand_down(person: Person, unit: str) -> bool:
    """True when this person may hand tasks down to townships, or ask to be admitted, in this unit's name."""
    return not HANDING_DOWN.isdisjoint(person["roles"]) and unit in person.get("units", ())


def may_decide_admission(person: Person, township: str) -> bool:
    """True when this person approves or refuses what departments ask to hand down to this township: its own triage."""
    return "triage" in person["roles"] and township in person.get("townships", ())


def sees_handdowns(person: Person) -> bool:
    """True for whoever hands down, receives, or looks on: departments, townships, district, city, administrators."""
    return not {"department", "triage", "district", "city", "admin"}.isdisjoint(person["roles"])


def may_keep_calendar(person: Person) -> bool:
    """True for administrators: the calendar of working days decides every time limit of the place."""
    return "admin" in person["roles"]


def has_campaigns(person: Person) -> bool:
    """True for those who send one task to many grids at once and read its answers: the township's triage."""
    return "triage" in person["roles"] and bool(person.get("townships"))


def may_manage_sources(person: Person) -> bool:
    """True for whoever lets other systems in, gives them keys and looks after their call-backs: administrators alone."""
    return "admin" in person["roles"]


def may_register(person: Person, township: str) -> bool:
    """True when this person takes in at the counter or by telephone for a township, or for a community of it."""
    if "triage" in person["roles"] and township in person.get("townships", ()):
        return True
    return "community" in person["roles"] and any(township_of(code) == township for code in person.get("communities", ()))


def may_register_in(person: Person, township: str, grid: str) -> bool:
    """True when a case of this grid is theirs to register; a community's staff only those of its own grids."""
    if "triage" in person["roles"] and township in person.get("townships", ()):
        return township_of(grid) == township
    return may_register(person, township) and community_of(grid) in person.get("communities", ())
