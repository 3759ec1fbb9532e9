"""Which databases a device may open: a pure function of the person, the device and the time (DESIGN §5, §6.3).

Current and last quarter both ways, the current one first; older quarters and former grids push-only while the device may still
hold something unsent from then; `ref` pull-only; tracks and reading logs push-only.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from server.domain import times
from server.domain.permissions import Person, database_kinds, writable_types
from sync import databases
from sync.databases import DatabaseName

QUARTERS_BACK = 8


class Opened(NamedTuple):
    """One database and what may be done with it."""

    name: str
    pull: bool
    push: bool


def databases_of(person: Person, now: datetime, oldest_quarter: str | None = None, settled_at: str | None = None) -> list[Opened]:
    """Every database this person's device may open.

    `oldest_quarter`: the oldest one it may still hold unsent records of; `settled_at`: when it last said that it holds none,
    which closes the grids given up before.
    """
    quarters = _quarters(databases.quarter_at(now), oldest_quarter)
    kinds = database_kinds(person)
    found = [Opened(databases.REF, pull=True, push=False)]
    for grid in person.get("grids", ()):
        found += _of_grid(grid, kinds, quarters[:2], pull=True)
    for grid in person.get("grids", ()):
        found += _of_grid(grid, kinds - {"home"}, quarters[2:], pull=False)
    for period in _former(person, settled_at):
        first = databases.quarter_at(times.from_text(period["from_at"]))
        last = databases.quarter_at(times.from_text(period["to_at"]))
        held = [quarter for quarter in quarters if first <= quarter <= last]
        found += _of_grid(period["grid"], kinds, held, pull=False) if held else []
    return list(dict.fromkeys(found)) + list(_own(person, now))


def is_archived(quarter: str, now: datetime) -> bool:
    """True for a quarter so long past that nobody pushes to it any more: its databases may be put away as files (DESIGN §5).

    The one place that says so; it follows from the server's time alone, so nothing has to be marked and nothing can disagree.
    """
    return quarter < _quarters(databases.quarter_at(now), "0000q1")[-1]


def as_json(opened: list[Opened]) -> list[dict[str, Any]]:
    """As `/api/devices` answers it."""
    return [one._asdict() for one in opened]


def has_held(person: Person, grid: str, at: datetime) -> bool:
    """True when this person holds the grid now, or held it at that instant."""
    if grid in person.get("grids", ()):
        return True
    periods = (period for period in person.get("grid_periods", ()) if period["grid"] == grid)
    return any(times.from_text(period["from_at"]) <= at <= times.from_text(period["to_at"]) for period in periods)


def has_former_grids(person: Person, now: datetime, settled_at: str | None) -> bool:
    """True when a grid given up by now is still open to a device that last settled then."""
    return any(times.from_text(period["to_at"]) <= now for period in _former(person, settled_at))


def is_pushed_to(name: DatabaseName | None) -> bool:
    """True for the kinds of databases that phones push to at all."""
    return name is not None and name.kind in {"grid", "home", "home-quarter", "beat", "track", "log"}


def _former(person: Person, settled_at: str | None) -> list[dict[str, str]]:
    """The periods of grids held before, given up since the device last said that it holds nothing unsent."""
    settled = times.from_text(settled_at) if settled_at else None
    periods: list[dict[str, str]] = person.get("grid_periods", [])
    given_up = [period for period in periods if period["grid"] not in person.get("grids", ())]
    return [period for period in given_up if settled is None or times.from_text(period["to_at"]) > settled]


def _of_grid(grid: str, kinds: frozenset[str], quarters: list[str], pull: bool) -> Iterator[Opened]:
    if "home" in kinds and quarters:
        yield Opened(databases.home_db(grid), pull, push=True)
    names = {"grid": databases.grid_db, "home-quarter": databases.home_quarter_db, "beat": databases.beat_db}
    for quarter in quarters:
        for kind, name in names.items():
            if kind in kinds:
                yield Opened(name(grid, quarter), pull, push=True)


def _own(person: Person, now: datetime) -> Iterator[Opened]:
    """A person's own track, this month's and, while it may still be on its way, the last one's."""
    if writable_types(person, "track"):
        month = databases.month_at(now)
        year, number = int(month[:4]), int(month[4:])
        before = f"{year - 1}12" if number == 1 else f"{year}{number - 1:02d}"
        for one in (month, before):
            yield Opened(databases.track_db(person["name"], one), pull=False, push=True)


def _quarters(current: str, oldest: str | None) -> list[str]:
    """From the current quarter back to the oldest that is asked for, at least two, at most `QUARTERS_BACK`."""
    found = [current, databases.previous_quarter(current)]
    while oldest and found[-1] > oldest and len(found) < QUARTERS_BACK:
        found.append(databases.previous_quarter(found[-1]))
    return found
