"""What the lists hold before anybody imported anything: the catalogue and its units as the code has them, and a demo's own.

Only keys the lists never had are added: what staff changed or ended stays as they left it, also after an upgrade.
"""

from collections.abc import Iterable
from datetime import datetime

from server.domain import catalogue
from server.domain.list_versions import Version, day_of
from server.domain.lists import Category, Unit
from server.lists import publishing, store
from sync.couch import Couch

EVER = "2000-01-01"


def entries() -> list[Version]:
    """The catalogue and its units (`server/domain/catalogue.py`), valid since ever."""
    return [*(_category(code) for code in catalogue.ROWS), *(_unit(key) for key in catalogue.UNITS)]


def seed(couch: Couch, now: datetime, more: Iterable[Version] = ()) -> int:
    """Add what the lists never had, entries of `more` before those of the code, and publish; how many were added."""
    kept = store.read(couch)
    wanted = {one.id: one for one in [*entries(), *more]}
    missing = [one for one in wanted.values() if not kept.book.history(one.list, one.key)]
    if missing:
        counts = {"added": len(missing), "changed": 0, "ended": 0}
        store.append(couch, base=kept.book.last_change, kind="seed", by="system:seed", now=now, versions=missing, counts=counts)
    publishing.publish(couch, store.read(couch).book, day_of(now))
    return len(missing)


def _category(row: tuple[str, str, str, str, str, bool]) -> Version:
    code, zh, en, unit, limit, direct = row
    amount = limit.rstrip("whd")
    body = Category(
        name=zh,
        name_en=en,
        kind=catalogue.CLASSES[code[:2]][0],  # type: ignore[arg-type]
        unit=f"unit:{unit}",
        limit_amount=int(amount),
        limit_unit=catalogue.LIMIT_UNITS[limit[len(amount) :]],  # type: ignore[arg-type]
        direct=direct,
    )
    return Version("catalogue", code, 0, EVER, None, body)


def _unit(key: str) -> Version:
    zh, en = catalogue.UNITS[key]
    return Version("units", key, 0, EVER, None, Unit(name=zh, name_en=en, level="township"))
