"""A clock of a case as a document: started, stopped, resumed, extended, and when it runs out. Pure; no clock of its own.

A case has two of them: one for the whole case, which starts at the first dispatch and never again, and one for its present state,
which begins anew with every state and every level (DOMAIN "Flow and clocks"). Each is kept as what it was given rather than when
it ends, so that it can be computed again when a calendar year becomes known:

    {"since": instant | null, "terms": [[amount, unit]…], "used_min": minutes, "is_plain": hours of the clock, not of work}

It has run since `since` (null: it stands still) on `terms`, one after the other; `used_min` were used before. What ran out stays
run out: stopping a clock that is over time does not make it less late. Which move does what to which clock is `clock_rules.py`;
how long a limit is, `limits.py`.
"""

from datetime import datetime
from typing import Any

from server.domain import limits, times, worktime
from server.domain.limits import Limit, Mark
from server.domain.worktime import Calendar, Due

Clock = dict[str, Any]


def started(limit: Limit, at: datetime) -> Clock:
    """A clock that begins to run at `at`."""
    is_plain = limit.unit in worktime.PLAIN_UNITS
    return {"since": times.to_text(at), "terms": [[limit.amount, limit.unit]], "used_min": 0, "is_plain": is_plain}


def is_running(clock: Clock) -> bool:
    """True while it runs, or has run out."""
    return clock["since"] is not None


def due(calendar: Calendar, clock: Clock, now: datetime | None = None) -> Due:
    """When it runs out; of one that stands still, when it would if it were resumed at `now`."""
    at = times.from_text(clock["since"]) if clock["since"] else now
    if at is None:
        raise ValueError("a clock that stands still is due at no time")
    is_provisional = False
    for amount, unit in clock["terms"]:
        found = worktime.add(calendar, at, amount, unit)
        at, is_provisional = found.at, is_provisional or found.is_provisional
    return Due(at, is_provisional)


def remaining_min(calendar: Calendar, clock: Clock, at: datetime) -> int:
    """Minutes it still has at `at`, counted as it counts; 0 when it has run out."""
    left = limits.measured(calendar, at, due(calendar, clock, at).at, is_plain_hours=clock["is_plain"])
    # Rounded in favour of whoever must act: a minute begun is a minute left.
    return max(0, -(-left // worktime.MINUTE))


def stopped(calendar: Calendar, clock: Clock, at: datetime) -> Clock:
    """The clock standing still from `at` on with what it has left. One that has run out, or stands still, stays as it is."""
    if clock["since"] is None or due(calendar, clock).at <= at:
        return clock
    left = remaining_min(calendar, clock, at)
    used = limits.measured(calendar, times.from_text(clock["since"]), at, is_plain_hours=clock["is_plain"]) // worktime.MINUTE
    unit = "minutes" if clock["is_plain"] else "working_minutes"
    return clock | {"since": None, "terms": [[left, unit]], "used_min": clock["used_min"] + max(0, used)}


def resumed(clock: Clock, at: datetime) -> Clock:
    """The clock running again from `at` on; one that was not standing still is not touched."""
    return clock if clock["since"] is not None else clock | {"since": times.to_text(at)}


def extended(clock: Clock, limit: Limit) -> Clock:
    """The clock with more time behind what it has."""
    return clock | {"terms": [*clock["terms"], [limit.amount, limit.unit]]}


def marks(calendar: Calendar, clock: Clock, fallen: list[Mark], now: datetime) -> list[Mark]:
    """The warnings of a clock: those that have `fallen` stay as they were, the others as they now will be.

    A share that has fallen comes again only when more time was given, so that its new instant lies ahead.
    """
    if clock["since"] is None:
        return fallen
    since, until = times.from_text(clock["since"]), due(calendar, clock).at
    ahead = limits.marks(calendar, since, until, is_plain_hours=clock["is_plain"], used_min=clock["used_min"])
    warned = {pct for _, pct in fallen}
    now_text = times.to_text(now)
    return sorted([*fallen, *(mark for mark in ahead if mark[0] > now_text or mark[1] not in warned)])
