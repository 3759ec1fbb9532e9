"""Time limits of a case as data: how long a category's case may take, how long each state, and when to warn. Pure.

A category's own limit is in its `ref` document (`limit`, from `catalogue.py`); what is here are the tables that hold for all
categories until a place has its own: how urgency shortens a limit, how long each state may last, how long the lowest ratings
may wait. A place overrides them with the `ref` document `limits` (same shape as `TABLES`), a category with `limits` {urgency:
limit} and `state_limits` {state: {urgency: limit}} of its own. How working time is counted is `worktime.py`.

Sources: DOMAIN "Flow and clocks" ✔ for 2 h when life or property is in danger, 2 h for the intake of an online request and 15
working days for the lowest ratings; Fuzhou's 2013 trial rules of digital city management ✔ for one to two hours of working time
to check and dispatch and one hour for the unit to take a case. The rest ~ are defaults of ours.
"""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from server.domain import times, worktime
from server.domain.worktime import Calendar

Mark = list[Any]
WARN_AT_PCT = (50, 80, 100)
URGENCIES = ("normal", "urgent", "emergency")
REF_ID = "limits"
# A limit in a table is "<amount> <unit>"; "<pct>%" is a share of the category's own limit; None is no limit.
TABLES: dict[str, Any] = {
    # A share of the category's limit when that is one of working time (one of plain hours is for danger already), never more
    # than `most`.
    "urgency": {
        "normal": {"share": "100%", "most": None},
        "urgent": {"share": "50%", "most": None},
        "emergency": {"share": "100%", "most": "2 hours"},
    },
    "states": {
        "reported": {"normal": "2 working_hours", "urgent": "1 working_hours", "emergency": "30 minutes"},
        "escalated": {"normal": "2 working_hours", "urgent": "1 working_hours", "emergency": "30 minutes"},
        "accepted": {"normal": "2 working_hours", "urgent": "1 working_hours", "emergency": "15 minutes"},
        "filed": {"normal": "2 working_hours", "urgent": "1 working_hours", "emergency": "15 minutes"},
        "dispatched": {"normal": "4 working_hours", "urgent": "1 working_hours", "emergency": "15 minutes"},
        "in_hand": {"normal": "100%", "urgent": "100%", "emergency": "100%"},
        "handed_back": {"normal": "2 working_hours", "urgent": "1 working_hours", "emergency": "15 minutes"},
        "answered": {"normal": "4 working_hours", "urgent": "2 working_hours", "emergency": "1 hours"},
        "verifying": {"normal": "1 working_days", "urgent": "4 working_hours", "emergency": "2 hours"},
        "rework": {"normal": "50%", "urgent": "50%", "emergency": "50%"},
    },
    "remedy": "15 working_days",
}
MINUTES_OF = {"minutes": 1, "hours": 60, "working_minutes": 1, "working_hours": 60}


class Limit(NamedTuple):
    """So much of a unit of `worktime`."""

    amount: int
    unit: str


def read(value: object) -> Limit | None:
    """A limit as tables ("2 hours") or documents ({`amount`, `unit`}) have it; None for none. Raises ValueError for all else."""
    if value is None:
        return None
    if isinstance(value, Mapping):
        amount, unit = value.get("amount"), value.get("unit")
    elif isinstance(value, str) and value.count(" ") == 1:
        number, unit = value.split(" ")
        amount = int(number)
    else:
        raise ValueError(value)
    if type(amount) is not int or unit not in worktime.AMOUNT_MOST or not 1 <= amount <= worktime.AMOUNT_MOST[str(unit)]:
        raise ValueError(value)
    return Limit(amount, str(unit))


def of_case(category: Mapping[str, Any], urgency: str, day_min: int, tables: Mapping[str, Any] = TABLES) -> Limit | None:
    """The limit of the whole case, from its category's document; None when the category has none.

    `day_min` are the working minutes of a day (`Calendar.day_min`): half a day is told in hours.
    """
    own = category.get("limits", {}).get(urgency)
    if own is not None:
        return read(own)
    limit = read(category.get("limit"))
    if limit is None:
        return None
    row = tables["urgency"].get(urgency, tables["urgency"]["normal"])
    shared = limit if limit.unit in worktime.PLAIN_UNITS else _share(limit, row["share"], day_min)
    return _shorter(shared, read(row["most"]), day_min)


def of_state(
    state: str, category: Mapping[str, Any], urgency: str, day_min: int, tables: Mapping[str, Any] = TABLES
) -> Limit | None:
    """The limit of one state, which begins anew whenever the case comes into it; None for a state that waits for nobody."""
    row = category.get("state_limits", {}).get(state) or tables["states"].get(state)
    if row is None:
        return None
    value = row.get(urgency, row.get("normal"))
    if isinstance(value, str) and value.endswith("%"):
        whole = of_case(category, urgency, day_min, tables)
        return None if whole is None else _share(whole, value, day_min)
    return read(value)


def of_remedy(tables: Mapping[str, Any] = TABLES) -> Limit | None:
    """How long the two lowest ratings (差评) may wait to be put right."""
    return read(tables["remedy"])


def marks(calendar: Calendar, start: datetime, due: datetime, *, is_plain_hours: bool = False, used_min: int = 0) -> list[Mark]:
    """When 50, 80 and 100 % of a clock that runs from `start` to `due` are used up: `[[instant, percent]…]`, in order.

    `used_min` were used before `start` (a clock that was stopped): shares of it that lie before `start` are left out.
    """
    ahead_min = measured(calendar, start, due, is_plain_hours=is_plain_hours) // worktime.MINUTE
    found: list[Mark] = []
    for pct in WARN_AT_PCT:
        from_start_min = math.ceil((used_min + ahead_min) * pct / 100) - used_min
        if pct == 100:
            found.append([times.to_text(due), pct])
        elif from_start_min > 0:
            at = worktime.add_minutes(calendar, start, from_start_min, is_plain_hours=is_plain_hours).at
            found.append([times.to_text(min(at, due)), pct])
    return found


def measured(calendar: Calendar, start: datetime, end: datetime, *, is_plain_hours: bool) -> timedelta:
    """The time from `start` to `end`: working time, or the clock's own."""
    return end - start if is_plain_hours else worktime.worked(calendar, start, end)


def _share(limit: Limit, share: str, day_min: int) -> Limit:
    """A share of a limit, rounded up: to whole days when that is exact, else to minutes of working time."""
    pct = int(share.rstrip("%"))
    if pct == 100:
        return limit
    if limit.unit == "working_days":
        days = limit.amount * pct
        return Limit(days // 100, limit.unit) if days % 100 == 0 else Limit(math.ceil(days * day_min / 100), "working_minutes")
    unit = "minutes" if limit.unit in worktime.PLAIN_UNITS else "working_minutes"
    return Limit(math.ceil(limit.amount * MINUTES_OF[limit.unit] * pct / 100), unit)


def _shorter(limit: Limit, most: Limit | None, day_min: int) -> Limit:
    """The shorter of two limits. One of plain hours is shorter than one of as much working time: it runs at night, too."""
    if most is None:
        return limit

    def length(one: Limit) -> tuple[int, bool]:
        minutes = one.amount * (day_min if one.unit == "working_days" else MINUTES_OF[one.unit])
        return minutes, one.unit not in worktime.PLAIN_UNITS

    return min(limit, most, key=length)
