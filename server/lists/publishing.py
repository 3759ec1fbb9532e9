"""What phones need of the lists, written into `ref`: categories, units, compounds, duty numbers, errands. The rest stays at the
office.

A document says what is in force on the day, or what was last, with its days (`valid_from`, `valid_to`): old cases still find a
name. Every phone pulls what changes here, so nothing is written that is the same. Lists become valid by date alone: the worker's
sweep publishes when the day is another one (`catch_up`).
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, cast

from server import reference
from server.domain import catalogue
from server.domain.list_versions import Book, Version, day_of
from server.domain.lists import Category, Compound, ErrandItem, Shift, Unit, material_key
from server.lists import store
from sync import databases
from sync.couch import Couch

Document = dict[str, Any]
MARK = "published"


def publish(couch: Couch, book: Book, day: str) -> int:
    """Bring `ref` up to the lists of a day; how many documents were written. Raises the store's errors."""
    return reference.write(couch, documents(book, day))


def catch_up(couch: Couch, now: datetime) -> int:
    """Publish what an import left unpublished when it was killed, and what a new day made valid; how many documents were written.

    Asked at every sweep: one small reading when there is nothing to do. Raises the store's errors.
    """
    kept = store.read(couch)
    if not kept.changes:
        return 0
    database, day = couch.database(databases.LISTS), day_of(now)
    mark = {"day": day, "change": kept.book.last_change}
    known = database.local_get(MARK) or {}
    if mark == {name: known.get(name) for name in mark}:
        return 0
    written = publish(couch, kept.book, day)
    database.local_put(MARK, mark)
    return written


def documents(book: Book, day: str) -> list[Document]:
    """The `ref` documents of a day: `category:`, `unit:`, `compound:`, `duty:<area>`, `erranditem:<key>`."""
    defaults = {doc["code"]: doc for doc in catalogue.categories()}
    return [
        *(_category(one, defaults.get(one.key, {})) | _validity(book, one) for one in _told(book, "catalogue", day)),
        *(_unit(one) | _validity(book, one) for one in _told(book, "units", day)),
        *(_compound(one) | _validity(book, one) for one in _told(book, "compounds", day)),
        *_duty(book, day),
        *(_errand_item(one) | _validity(book, one) for one in _told(book, "errands", day)),
    ]


def _told(book: Book, list_: str, day: str) -> list[Version]:
    found = (book.newest(list_, key, day) for key in book.keys(list_))
    return [version for version in found if version is not None]


def _validity(book: Book, version: Version) -> Document:
    """The first and last day of a version; one that ends the entry later makes the day before it the last."""
    history = book.history(version.list, version.key)
    ends = [_day_before(one.valid_from) for one in history[history.index(version) + 1 :] if one.body is None]
    last = min([*ends, *([version.valid_to] if version.valid_to else [])], default=None)
    return {"valid_from": version.valid_from, "valid_to": last}


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _named(zh: str, en: str) -> Mapping[str, str]:
    return {"zh-CN": zh, "en": en or zh}


def _category(version: Version, default: Document) -> Document:
    """A category; what the lists do not hold (limits of single states, …) comes from the catalogue of the code."""
    body, code = cast("Category", version.body), version.key
    class_zh, class_en = catalogue.CLASSES.get(code[:2], ("", code[:2], code[:2]))[1:]
    kind = catalogue.KINDS[body.kind]
    return {
        **default,
        "_id": f"category:{code}",
        "type": "category",
        "v": 1,
        "code": code,
        "name": _named(body.name, body.name_en),
        "kind": body.kind,
        "kind_name": {"zh-CN": kind.zh, "en": kind.en},
        "class": code[:2],
        "class_name": {"zh-CN": class_zh, "en": class_en},
        "unit": body.unit,
        "limit": {"amount": body.limit_amount, "unit": body.limit_unit},
        "direct": body.direct,
    }


def _unit(version: Version) -> Document:
    body = cast("Unit", version.body)
    return {
        "_id": f"unit:{version.key}",
        "type": "unit",
        "v": 1,
        "name": _named(body.name, body.name_en),
        "level": body.level,
        "area": body.area,
        "administered_by": body.administered_by,
        "belongs_to": body.belongs_to,
    }


def _compound(version: Version) -> Document:
    body = cast("Compound", version.body)
    return {
        "_id": f"compound:{version.key}",
        "type": "compound",
        "v": 1,
        "name": body.name,
        "grid": body.grid,
        "address": body.address,
        "police": {"name": body.police, "phone": body.police_phone},
        "enforcement": {"name": body.enforcement, "phone": body.enforcement_phone},
    }


def _errand_item(version: Version) -> Document:
    body = cast("ErrandItem", version.body)
    english = dict(zip(body.materials, body.materials_en, strict=False))
    materials = [{"key": material_key(one), "name": _named(one, english.get(one, ""))} for one in body.materials]
    return {
        "_id": f"erranditem:{version.key}",
        "type": "erranditem",
        "v": 1,
        "key": version.key,
        "name": _named(body.name, body.name_en),
        "unit": body.unit,
        "days": body.days,
        "materials": materials,
    }


def _duty(book: Book, day: str) -> list[Document]:
    """One document an area that ever had a shift: numbers and hours, no names."""
    ever = [one.body for key in book.keys("duty") for one in book.history("duty", key) if isinstance(one.body, Shift)]
    found: dict[str, list[Document]] = {shift.area: [] for shift in ever}
    for version in book.at("duty", day).values():
        shift = cast("Shift", version.body)
        hours = {"days": shift.days, "begins": shift.begins, "ends": shift.ends, "valid_to": version.valid_to}
        found[shift.area].append({"unit": shift.unit, "phone": shift.phone, **hours})
    return [{"_id": f"duty:{area}", "type": "duty", "v": 1, "area": area, "shifts": found[area]} for area in sorted(found)]
