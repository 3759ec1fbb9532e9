"""Which unit a case should go to, by which list entry, and why (DOMAIN "Categories"). Pure; a proposal binds nobody.

The rules, in order. Things 部件 go by owner first (权责清单), then by place (属地管理清单); all other kinds by place first, then
by owner. Of several entries the smaller area counts, then the closer category. Where neither list knows, the catalogue's own unit
does. A power that was given to the township (赋权清单) is exercised there, the department it came from supports. In an emergency
the unit on duty there comes along. Staff may decide otherwise with a reason (`check_basis`).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast

from server.domain import catalogue, lists
from server.domain.errors import InvalidInput
from server.domain.ids import CHINA
from server.domain.list_versions import Book, Version, day_of
from server.domain.lists import Category, Duty, Power, Shift, Territory

REASON_LENGTH = 1000
OWNER, PLACE = "duties", "territory"
WHY = {OWNER: "owner", PLACE: "place"}


class Proposal(NamedTuple):
    """`why` is a key (`routing.why.<why>`) whose slots `facts` fill. `primary` and `entry_id` are None when no list knows."""

    primary: str | None
    supporting: tuple[str, ...]
    entry_id: str | None
    why: str
    facts: dict[str, str]


class Matter(NamedTuple):
    """What is to be routed: a category in a place (a code prefix), by the lists of a day."""

    category: str
    place: str
    book: Book
    day: str


def propose(category: str, grid: str, urgency: str, book: Book, at: datetime) -> Proposal:
    """The units for a case of this category in this grid at an instant (aware)."""
    found = _by_lists(Matter(category, grid, book, day_of(at)))
    if urgency == "emergency" and found.primary:
        here = [shift.unit for shift in on_duty(book, grid, at)]
        found = found._replace(supporting=_others(found.primary, [*found.supporting, *here]))
    return found


def _by_lists(matter: Matter) -> Proposal:
    default = matter.book.find("catalogue", matter.category, matter.day)
    for list_ in order_of(kind_of(matter.category, default)):
        for version in _covering(matter, list_):
            body = cast("Duty | Territory", version.body)
            primary = body.unit if isinstance(body, Duty) else body.primary
            if is_known(matter.book, primary, matter.day):
                found = Proposal(primary, _others(primary, body.supporting), version.id, WHY[list_], _facts(version))
                return _with_power(found, matter)
    if default is None:
        return Proposal(None, (), None, "nothing", {})
    return _with_power(Proposal(cast("Category", default.body).unit, (), default.id, "default", _facts(default)), matter)


def order_of(kind: str) -> tuple[str, str]:
    """The lists to ask for a kind of category: things by owner first, then by place; the rest the other way about."""
    return (OWNER, PLACE) if kind == "component" else (PLACE, OWNER)


def kind_of(category: str, version: Version | None) -> str:
    """A category's kind by the list, else by its class; "event" when neither is known."""
    if version is not None:
        return cast("Category", version.body).kind
    return catalogue.CLASSES.get(category[:2], ("event",))[0]


def is_known(book: Book, unit: str, day: str) -> bool:
    """False for a unit that the list of units has ended; one it never had is taken on trust."""
    key = unit.partition(":")[2]
    return book.find("units", key, day) is not None or not book.history("units", key)


def on_duty(book: Book, grid: str, at: datetime) -> list[Shift]:
    """The shifts that are on at an instant where this grid is, the smallest area first."""
    local = at.astimezone(CHINA)
    found = []
    for begun in (local, local - timedelta(days=1)):
        for version in book.at("duty", begun.date().isoformat()).values():
            shift = cast("Shift", version.body)
            if grid.startswith(shift.area) and begun.isoweekday() in shift.days and _is_on(shift, local, begun is local):
                found.append(shift)
    return sorted(found, key=lambda shift: -len(shift.area))


def _is_on(shift: Shift, local: datetime, is_today: bool) -> bool:
    now, is_overnight = local.strftime("%H:%M"), shift.ends <= shift.begins
    if is_today:
        return shift.begins <= now and (is_overnight or now < shift.ends)
    return is_overnight and now < shift.ends


def check_basis(book: Book, case: Mapping[str, Any], unit: str, fields: Mapping[str, Any], at: datetime) -> dict[str, str | None]:
    """`{entry, reason}` of a dispatch to a unit: an entry in force that sends this category here to this unit, or a reason.

    `case` has `category` and `grid`, `fields` are the move's own (`entry`, `reason`). Raises InvalidInput: `unknown` for an entry
    that is not in force, `not_covering` for one that says nothing of this case or names another unit, `required` for a missing
    reason, `too_long`.
    """
    entry, reason = fields.get("entry") or None, str(fields.get("reason") or "").strip()
    if len(reason) > REASON_LENGTH:
        raise InvalidInput({"reason": "too_long"})
    if entry is None:
        if not reason:
            raise InvalidInput({"reason": "required"})
        return {"entry": None, "reason": reason}
    parts, day = lists.parts_of(str(entry)), day_of(at)
    version = book.find(*parts, day) if parts else None
    if version is None:
        raise InvalidInput({"entry": "unknown"})
    if not _sends(version, case["category"], case["grid"], unit):
        raise InvalidInput({"entry": "not_covering"})
    return {"entry": version.id, "reason": reason or None}


def _sends(version: Version, category: str, grid: str, unit: str) -> bool:
    body = version.body
    if isinstance(body, Category):
        return version.key == category and body.unit == unit
    if not isinstance(body, Power | Duty | Territory):
        return False
    named = body.primary if isinstance(body, Territory) else body.unit
    return _closeness(version, category, grid) is not None and named == unit


def _with_power(found: Proposal, matter: Matter) -> Proposal:
    """The proposal, with the township's own unit in the place of a department whose power it was given."""
    for given in _covering(matter, "powers"):
        power = cast("Power", given.body)
        if power.competent == found.primary and is_known(matter.book, power.unit, matter.day):
            units = _others(power.unit, [power.competent, *found.supporting])
            return Proposal(power.unit, units, given.id, "power", _facts(given))
    return found


def _facts(version: Version) -> dict[str, str]:
    item = getattr(version.body, "item", None) or getattr(version.body, "name", "")
    return {"item": str(item), "area": str(getattr(version.body, "area", "")), "key": version.key, "since": version.valid_from}


def _others(primary: str, units: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(unit for unit in units if unit != primary))


def _covering(matter: Matter, list_: str) -> Iterator[Version]:
    """The entries of a list that cover a matter, the closest first."""
    entries = matter.book.at(list_, matter.day).values()
    found = ((_closeness(version, matter.category, matter.place), version) for version in entries)
    close = [(closeness, version) for closeness, version in found if closeness is not None]
    yield from (version for _, version in sorted(close, key=lambda one: (-one[0][0], -one[0][1], one[1].key)))


def _closeness(version: Version, category: str, place: str) -> tuple[int, int] | None:
    """Digits of the area and of the category that an entry matches; None when it says nothing of them."""
    body = cast("lists.Routed", version.body)
    digits = lists.names_category(body.categories, category)
    return (len(body.area), digits) if digits and place.startswith(body.area) else None


def admits(book: Book, unit: str, category: str, township: str, at: datetime) -> Version | None:
    """The entry that lets a department hand a task of this category down to a township, or None.

    An entry of the admission list for that department and place, or a power of that department which the township exercises.
    """
    matter = Matter(category, township, book, day_of(at))
    for list_, field in (("admission", "from_unit"), ("powers", "competent")):
        for version in _covering(matter, list_):
            if getattr(version.body, field) == unit:
                return version
    return None
