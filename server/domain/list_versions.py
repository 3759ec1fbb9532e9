"""Versions of list entries and what was in force on a day: a change is a new version, never an overwrite. Pure.

A version says from which day on an entry reads so, and perhaps until which day; one without a body ends the entry. Of the
versions that have begun, the one that began last counts (of one day, the one of the later change); it is in force unless its own
last day is over. Days are China's, written `2026-11-27`. Where versions are kept is `server/lists/store.py`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import NamedTuple

from server.domain import lists
from server.domain.ids import CHINA
from server.domain.lists import Entry


class Version(NamedTuple):
    """One version of one entry. `change` numbers the change that brought it; `body` is None when it ends the entry."""

    list: str
    key: str
    change: int
    valid_from: str
    valid_to: str | None
    body: Entry | None

    @property
    def id(self) -> str:
        """The entry's id (`entry:<list>:<key>`), the same for all its versions."""
        return lists.entry_id(self.list, self.key)


class Book:
    """All lists with all their versions; it never changes. Raises KeyError for a list that does not exist."""

    def __init__(self, versions: Iterable[Version], last_change: int = 0) -> None:
        self.last_change = last_change
        self._of: dict[str, dict[str, list[Version]]] = {name: defaultdict(list) for name in lists.SHAPES}
        for version in sorted(versions, key=lambda one: (one.valid_from, one.change)):
            self._of[version.list][version.key].append(version)
        self._at: dict[tuple[str, str], dict[str, Version]] = {}

    def at(self, list_: str, day: str) -> Mapping[str, Version]:
        """The versions in force on a day, by key in order."""
        known = self._at.get((list_, day))
        if known is None:
            found = ((key, _in_force(self._of[list_][key], day)) for key in sorted(self._of[list_]))
            known = self._at[list_, day] = {key: version for key, version in found if version}
        return known

    def find(self, list_: str, key: str, day: str) -> Version | None:
        """The version of an entry in force on a day."""
        return _in_force(self._of[list_].get(key, []), day)

    def history(self, list_: str, key: str) -> list[Version]:
        """All versions of an entry in the order they begin; empty when there never was one."""
        return list(self._of[list_].get(key, []))

    def keys(self, list_: str) -> list[str]:
        """Every key the list has ever had."""
        return sorted(self._of[list_])

    def newest(self, list_: str, key: str, day: str) -> Version | None:
        """What to tell of an entry on a day, in force or not: the last version that has begun and has a body, else the first."""
        versions = [version for version in self._of[list_].get(key, []) if version.body is not None]
        return next((one for one in reversed(versions) if one.valid_from <= day), versions[0] if versions else None)


def day_of(at: datetime) -> str:
    """The day of an aware instant in China."""
    return at.astimezone(CHINA).date().isoformat()


def is_day(text: object) -> bool:
    """True for a day of the calendar written `2026-11-27`."""
    try:
        return isinstance(text, str) and len(text) == 10 and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _in_force(versions: list[Version], day: str) -> Version | None:
    begun = [version for version in versions if version.valid_from <= day]
    if not begun or begun[-1].body is None or (begun[-1].valid_to or day) < day:
        return None
    return begun[-1]
