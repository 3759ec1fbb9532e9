"""Who did what with somebody's data in the last half year: what a copy of it says besides (个人信息保护法 Art. 45)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from server.audit import searching
from server.audit.searching import Wanted
from sync import databases
from sync.couch import Couch

LOOKED_BACK_MONTHS, READINGS_MOST = 6, 200
NAMES = ("at", "by", "action", "why")
Document = dict[str, Any]


def of(couch: Couch, township: str, wanted: Iterable[Wanted], now: datetime) -> list[Document]:
    """Entries that are any of these, `{at, by, action, why}`, the newest first, at most `READINGS_MOST`."""
    months = {databases.month_at(now - timedelta(days=30 * back)) for back in range(LOOKED_BACK_MONTHS)}
    found: list[Document] = []
    for one in wanted:
        for month in months:
            found += searching.page(couch, month, township, one, READINGS_MOST).entries
    newest = sorted(found, key=lambda entry: str(entry["at"]), reverse=True)[:READINGS_MOST]
    return [{name: entry[name] for name in NAMES} for entry in newest]
