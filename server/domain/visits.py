"""When a household is due for its next visit, and how it stands on a day. Pure; days are China's, as `2026-11-27`.

How often (DOMAIN "Visits and household files"): an ordinary household twice a year; one in hardship, one of an old person alone,
one of people who moved in and one that is visited as a service each month. What a visit agreed on (`next_at`) counts before that.
Of a household without a visit on record nobody knows when it was last visited: it is due on no day, which is not overdue.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from server.domain.ids import CHINA

ORDINARY_DAYS, MONTHLY_DAYS = 182, 30
# So many days ahead of its day a visit is worth planning for.
SOON_DAYS = 14
STANDINGS = ("overdue", "soon", "never", "later")
# Needs and services (`households.py`) that make a household's visits monthly, and the words by which places write them.
MONTHLY: dict[str, tuple[str, ...]] = {
    "hardship": ("困难", "低保", "特困"),
    "elderly_alone": ("空巢", "独居", "孤寡"),
    "newly_arrived": ("流动", "新迁入"),
    "regular_visits": ("定期探访",),
}
NEVER = ""


def is_monthly(flag: str) -> bool:
    """True for a need or service, by its code or in a place's own words, that asks for a visit each month."""
    return flag in MONTHLY or any(word in flag for words in MONTHLY.values() for word in words)


def interval_days(flags: Iterable[str]) -> int:
    """How many days may lie between two visits of a household with these needs and services."""
    return MONTHLY_DAYS if any(is_monthly(flag) for flag in flags) else ORDINARY_DAYS


def rule() -> dict[str, Any]:
    """What a phone needs to find the same days (`pwa/src/store/visiting.js`)."""
    words = [word for known in MONTHLY.values() for word in known]
    return {"ordinary_days": ORDINARY_DAYS, "monthly_days": MONTHLY_DAYS, "monthly": sorted(MONTHLY), "words": sorted(words)}


def due_on(flags: Iterable[str], last_at: datetime | None, next_at: datetime | None = None) -> str:
    """The day the next visit of a household with these needs and services is due; NEVER without a visit on record.

    `next_at` is what the last visit agreed on, if it did.
    """
    if last_at is None:
        return NEVER
    at = next_at if next_at is not None else last_at + timedelta(days=interval_days(flags))
    return day_of(at)


def day_of(at: datetime) -> str:
    """The day (China's) of an aware instant."""
    return at.astimezone(CHINA).date().isoformat()


def soon_until(today: str) -> str:
    """The first day that is not soon any more."""
    return (date.fromisoformat(today) + timedelta(days=SOON_DAYS + 1)).isoformat()


def standing(due: str, today: str) -> str:
    """One of STANDINGS: how a household with this due day stands today."""
    return next(name for name, number in tally({due: 1}, today).items() if number)


def tally(days: Mapping[str, int], today: str) -> dict[str, int]:
    """`{standing: how many}` of `{due day: how many}`; every standing is named."""
    found, until = dict.fromkeys(STANDINGS, 0), soon_until(today)
    for day, number in days.items():
        name = "never" if day == NEVER else "overdue" if day < today else "soon" if day < until else "later"
        found[name] += number
    return found
