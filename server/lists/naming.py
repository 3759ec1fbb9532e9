"""What the codes in lists are called: units and categories from the lists themselves, places from `ref`; for sheets and pages."""

from collections import defaultdict
from datetime import datetime

from server.domain.list_versions import Book, day_of
from server.lists.cells import Names
from sync import databases
from sync.couch import Couch
from sync.database import Database
from sync.errors import NotFound

PLACES_MOST = 20_000
DISTRICT_DIGITS = (4, 6)


def names_of(couch: Couch, book: Book, now: datetime, language: str) -> Names:
    """Names in one language, as of an instant. Units and categories that begin later are known, too; ended ones are not."""
    day = day_of(now)
    units = {key: _called(book, "units", key, day, language) for key in book.keys("units") if _is_open(book, "units", key, day)}
    categories = {key: _called(book, "catalogue", key, day, language) for key in book.keys("catalogue")}
    called = [(_called(book, "units", key, day, other).casefold(), key) for key in units for other in ("zh-CN", "en")]
    keys: dict[str, set[str]] = defaultdict(set)
    for name, key in called:
        keys[name].add(key)
    by_name = {name: found.pop() for name, found in keys.items() if len(found) == 1}
    return Names(units, categories, places(couch, language), by_name)


def places(couch: Couch, language: str) -> dict[str, str]:
    """Names of grids, communities and townships by code, and the codes of their district and city; empty when `ref` has none."""
    database = couch.database(databases.REF)
    found: dict[str, str] = {}
    try:
        for prefix in ("township", "community", "grid"):
            found |= {doc["code"]: _name(doc["name"], language) for doc in _all(database, f"{prefix}:")}
    except NotFound:
        return {}
    return {code[:digits]: "" for code in found for digits in DISTRICT_DIGITS} | found


def _all(database: Database, prefix: str) -> list[dict[str, str]]:
    return database.range(prefix, prefix + "\ufff0", PLACES_MOST)


def _name(name: object, language: str) -> str:
    return str(name.get(language) or next(iter(name.values()), "")) if isinstance(name, dict) else str(name)


def _is_open(book: Book, list_: str, key: str, day: str) -> bool:
    return book.find(list_, key, day) is not None or any(one.valid_from > day and one.body for one in book.history(list_, key))


def _called(book: Book, list_: str, key: str, day: str, language: str) -> str:
    version = book.newest(list_, key, day)
    if version is None:
        return key
    name, english = str(getattr(version.body, "name", key)), str(getattr(version.body, "name_en", ""))
    return english or name if language == "en" else name
