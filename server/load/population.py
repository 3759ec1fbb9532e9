"""The people and phones of a bench: accounts, devices, grids of a division code that no place has. Made and taken away again."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from server.domain.permissions import Person
from server.people import accounts, devices
from sync import databases
from sync.couch import Couch
from sync.errors import NotFound

DISTRICT = "990199"
GRIDS_OF_TOWNSHIP = 60
PREFIX = "bench-"
SLICE = 500


class Enrolled(NamedTuple):
    """One phone: whose it is, which grid it serves, its token."""

    user: str
    grid: str
    device: str
    token: str


def grid_code(number: int) -> str:
    """The n-th grid of the bench: sixty to a township, as in a real district."""
    township, grid = divmod(number, GRIDS_OF_TOWNSHIP)
    return f"{DISTRICT}{township + 1:03d}{1:03d}{grid + 1:03d}"


def townships_of(count: int) -> list[str]:
    """The townships that so many grids lie in."""
    return sorted({grid_code(number)[:9] for number in range(count)})


def make(couch: Couch, count: int) -> list[Enrolled]:
    """One worker with one phone for each grid. Signing in is not part of what is measured, so all share one password's hash."""
    now = datetime.now(UTC)
    first = accounts.make(f"{PREFIX}00000", ["worker"], {"zh-CN": "网格员", "en": "worker"}, secrets.token_urlsafe(16))
    people = []
    for number in range(count):
        name = f"{PREFIX}{number:05d}"
        people.append(first | {"_id": f"user:{name}", "name": name, "grids": [grid_code(number)]})
    for start in range(0, count, SLICE):
        accounts.save_all(couch, people[start : start + SLICE])
    return [_enrol(couch, person, now) for person in people]


def _enrol(couch: Couch, person: Person, now: datetime) -> Enrolled:
    device, token = devices.enrol(couch, person, "bench", now)
    return Enrolled(person["name"], person["grids"][0], device["_id"].partition(":")[2], token)


def remove(couch: Couch) -> None:
    """Take away every database and account of the bench."""
    for name in couch.all_databases():
        parts = databases.parse(name)
        place = (parts.grid or name.partition("-")[2]) if parts else ""
        if place.startswith((DISTRICT, PREFIX)):
            couch.delete(name)
    gone = {person["name"] for person in _documents(couch, databases.PEOPLE, f"user:{PREFIX}")}
    phones = [doc for doc in _documents(couch, databases.DEVICES, "device:") if doc.get("user") in gone]
    for doc in phones:
        couch.delete(databases.log_db(doc["_id"].partition(":")[2]))
    _erase(couch, databases.DEVICES, phones)
    _erase(couch, databases.PEOPLE, list(_documents(couch, databases.PEOPLE, f"user:{PREFIX}")))


def _documents(couch: Couch, name: str, prefix: str) -> Iterator[Person]:
    start = prefix
    while True:
        try:
            page = couch.database(name).range(start, prefix + "\ufff0", SLICE)
        except NotFound:
            return
        yield from page
        if len(page) < SLICE:
            return
        start = page[-1]["_id"] + "\0"


def _erase(couch: Couch, name: str, docs: Sequence[Person]) -> None:
    gone = [{"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True} for doc in docs]
    for start in range(0, len(gone), SLICE):
        couch.database(name).bulk(gone[start : start + SLICE])
