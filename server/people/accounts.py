"""Accounts: `user:<name>` documents of the `people` database, made, found and changed. No passwords are checked here.

An account: `{name, display {zh-CN, en}, password_hash, roles, grids (15 digits), communities (12), townships (9), units,
grid_periods [{grid, from_at, to_at}], grids_since {grid: instant}, disabled}`. `grids` are held now; `grid_periods` are those
held before, so that what a worker recorded there in time is still accepted after a move.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from server.domain import times
from server.domain.errors import InvalidInput, Missing
from server.domain.grids import is_grid
from server.domain.permissions import ROLES, Person
from server.people import passwords
from sync import databases
from sync.couch import Couch
from sync.errors import Conflict, NotFound

# A name is part of a database's name (`track-<user>-…`), so it is lower case and short.
NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
HELD = ("grids", "communities", "townships", "units")
PASSWORD_LENGTH = 8
# Since when a grid is held that was there before anybody noted it.
EVER = "2000-01-01T00:00:00.000Z"
TRIES = 5


def make(name: str, roles: list[str], display: Mapping[str, str], password: str, **held: list[str]) -> Person:
    """A new account's document. Raises InvalidInput that names what is wrong."""
    wrong = {} if NAME.fullmatch(name) else {"name": "invalid"}
    wrong |= {} if roles and set(roles) <= set(ROLES) else {"roles": "invalid"}
    wrong |= {} if len(password) >= PASSWORD_LENGTH else {"password": "too_short"}
    wrong |= {} if all(is_grid(grid) for grid in held.get("grids", [])) else {"grids": "invalid"}
    if wrong or set(held) - set(HELD):
        raise InvalidInput(wrong or {"held": "invalid"})
    return {
        "_id": f"user:{name}",
        "type": "user",
        "v": 1,
        "name": name,
        "display": dict(display),
        "password_hash": passwords.make_hash(password),
        "roles": list(roles),
        **{field: list(held.get(field, [])) for field in HELD},
        "grid_periods": [],
        "disabled": False,
    }


def save_all(couch: Couch, people: list[Person]) -> None:
    """Write accounts, over those of the same names."""
    database = couch.database(databases.PEOPLE, create=True)
    present = database.many([person["_id"] for person in people])
    docs = [person | ({"_rev": known["_rev"]} if (known := present[person["_id"]]) else {}) for person in people]
    failed = [row["id"] for row in database.bulk(docs) if "error" in row]
    if failed:
        raise Conflict(f"changed meanwhile: {failed}")


def find(couch: Couch, name: str) -> Person:
    """An account by name. Raises Missing when there is none or it is disabled."""
    try:
        person = couch.database(databases.PEOPLE).get(f"user:{name}") if NAME.fullmatch(name) else None
    except NotFound:
        person = None
    if person is None or person.get("disabled"):
        raise Missing("account_unknown")
    return person


def lookup(couch: Couch, name: str) -> Person | None:
    """An account by name, locked out or not; None when there is none. What somebody sent stays theirs whatever became of them."""
    try:
        return couch.database(databases.PEOPLE).find(f"user:{name}") if NAME.fullmatch(name) else None
    except NotFound:
        return None


def change(couch: Couch, name: str, fields: Mapping[str, Any]) -> Person:
    """Change fields of an account, whatever else changes meanwhile. Raises Missing when there is none."""
    return _change(couch, name, lambda _: fields)


def _change(couch: Couch, name: str, make_fields: Callable[[Person], Mapping[str, Any]]) -> Person:
    database = couch.database(databases.PEOPLE)
    for attempt in range(TRIES):
        try:
            present = database.get(f"user:{name}")
            person = present | dict(make_fields(present))
            return person | {"_rev": database.put(person)}
        except NotFound:
            raise Missing("account_unknown") from None
        except Conflict:
            if attempt == TRIES - 1:
                raise
    raise AssertionError


def move(couch: Couch, name: str, grids: list[str], now: datetime) -> Person:
    """Give an account other grids from now on. Those it no longer holds become periods that end now, so that what was recorded
    there before is still taken. Raises InvalidInput, and Missing when there is no such account."""
    if not all(is_grid(grid) for grid in grids):
        raise InvalidInput({"grids": "invalid"})
    at, wanted = times.to_text(now), list(dict.fromkeys(grids))

    def moved(person: Person) -> dict[str, Any]:
        since, left = person.get("grids_since", {}), [grid for grid in person["grids"] if grid not in wanted]
        ended = [{"grid": grid, "from_at": since.get(grid, EVER), "to_at": at} for grid in left]
        begun = {grid: since.get(grid, EVER if grid in person["grids"] else at) for grid in wanted}
        return {"grids": wanted, "grids_since": begun, "grid_periods": [*person.get("grid_periods", []), *ended]}

    return _change(couch, name, moved)
