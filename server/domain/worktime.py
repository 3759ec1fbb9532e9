"""Working time in China: which days are worked, and adding and measuring 工作时 and 工作日 (DOMAIN "Flow and clocks"). Pure.

The calendar is data: the years somebody has told us about, their public holidays, the weekend days worked in exchange (调休), and
the hours of a working day. A year that is not known has weekends only, and whatever such a year decides says so
(`is_provisional`). Which limits there are is `limits.py`, what a move does to a case's clocks `clock_rules.py`; where calendars
come from is `server/cases/calendars.py`.

Rules:
- Hours run from their first working instant: a limit that begins at night begins when work does (数字城管 counts 工作时 within
  working hours; local rules read for this say so ✔, e.g. Fuzhou's 2013 trial rules).
- Days: the day on which something begins is not counted, and the last day ends when business ends, 民法典 Art. 201 and 203 ✔.
  So "1 working day" given at ten in the morning is due at the end of the next working day. The same time of day instead would end
  in the middle of somebody's morning, and give the same words another length for a case that came at night.
- The hours 09:00-12:00 and 14:00-18:00, seven a day, are a default of ours ~: every place has its own, in winter others than in
  summer; administrators set them with the year.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Literal, NamedTuple, get_args

CHINA = timezone(timedelta(hours=8))
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
SATURDAY = 5
# No limit of a case is longer; what asks for more is a mistake, not a plan.
AMOUNT_MOST = {"minutes": 525_600, "hours": 8_760, "working_minutes": 105_000, "working_hours": 1_750, "working_days": 250}

Unit = Literal["minutes", "hours", "working_minutes", "working_hours", "working_days"]
UNITS: tuple[str, ...] = get_args(Unit)
PLAIN_UNITS = frozenset({"minutes", "hours"})


class Span(NamedTuple):
    """Hours of one working day, in minutes after midnight in China, `begins_min` < `ends_min`; the day ends at 23:59."""

    begins_min: int
    ends_min: int


SPANS = (Span(9 * 60, 12 * 60), Span(14 * 60, 18 * 60))


class Calendar(NamedTuple):
    """Days and hours of work. `off` are days off that are no weekend (holidays on weekends may be named, too), `extra` weekend
    days that are worked; both count only in the `known` years. `spans` do not overlap and are in order."""

    known: frozenset[int] = frozenset()
    off: frozenset[date] = frozenset()
    extra: frozenset[date] = frozenset()
    spans: tuple[Span, ...] = SPANS

    @property
    def day_min(self) -> int:
        """Working minutes of a working day."""
        return sum(span.ends_min - span.begins_min for span in self.spans)


class Due(NamedTuple):
    """When something is due (aware, UTC), and whether a calendar year that nobody has loaded yet decided it."""

    at: datetime
    is_provisional: bool


def is_working_day(calendar: Calendar, day: date) -> bool:
    """True when people work on this day; by weekends alone in a year that is not known."""
    if day.year in calendar.known:
        if day in calendar.extra:
            return True
        if day in calendar.off:
            return False
    return day.weekday() < SATURDAY


def is_working(calendar: Calendar, at: datetime) -> bool:
    """True when an instant lies in working time; both ends of a span are in it."""
    local = at.astimezone(CHINA)
    return any(begins <= local <= ends for begins, ends in _spans_of(calendar, local.date()))


def day_of(at: datetime) -> date:
    """The date of an instant in China."""
    return at.astimezone(CHINA).date()


def add(calendar: Calendar, start: datetime, amount: int, unit: str) -> Due:
    """When `amount` of a unit is over that begins at `start`. Raises ValueError for an unknown unit or an amount
    out of range (there are no zero working days)."""
    if unit not in AMOUNT_MOST or not (unit == "working_days") <= amount <= AMOUNT_MOST[unit]:
        raise ValueError(f"{amount} {unit}")
    if unit == "working_days":
        return _add_days(calendar, start, amount)
    minutes = amount * 60 if unit.endswith("hours") else amount
    return add_minutes(calendar, start, minutes, is_plain_hours=unit in PLAIN_UNITS)


def add_minutes(calendar: Calendar, start: datetime, minutes: int, *, is_plain_hours: bool = False) -> Due:
    """When so many minutes of working time have passed, or of the clock's time with `is_plain_hours`.

    None at all are over at `start` when that is working time, else when work next begins.
    """
    if is_plain_hours:
        return Due((start + minutes * MINUTE).astimezone(UTC), is_provisional=False)
    left = minutes * MINUTE
    for begins, ends in _spans_after(calendar, start):
        if left <= ends - begins:
            return _due(calendar, start, begins + left)
        left -= ends - begins
    raise ValueError(f"no {minutes} working minutes after {start}")


def worked(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """The working time from `start` to `end`; negative when `end` is the earlier one."""
    if end < start:
        return -worked(calendar, end, start)
    total, until = timedelta(), end.astimezone(CHINA)
    for begins, ends in _spans_after(calendar, start):
        if begins >= until:
            break
        total += min(ends, until) - begins
    return total


def between(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Whole working minutes from `start` to `end`; negative when `end` is the earlier one."""
    minutes = abs(worked(calendar, start, end)) // MINUTE
    return minutes if start <= end else -minutes


def days_between(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Working days after the day of `start`, up to and with the day of `end`: what `add` of working days added."""
    first, last = day_of(start), day_of(end)
    return sum(is_working_day(calendar, first + n * DAY) for n in range(1, (last - first).days + 1))


def _add_days(calendar: Calendar, start: datetime, amount: int) -> Due:
    """The end of business of the last of `amount` (≥ 1) working days after the day of `start`."""
    day, counted = day_of(start), 0
    while counted < amount:
        day += DAY
        counted += is_working_day(calendar, day)
    return _due(calendar, start, _local(day, calendar.spans[-1].ends_min))


def _due(calendar: Calendar, start: datetime, at: datetime) -> Due:
    years = range(day_of(start).year, day_of(at).year + 1)
    return Due(at.astimezone(UTC), is_provisional=not calendar.known.issuperset(years))


def _spans_after(calendar: Calendar, start: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Working spans that end at `start` or later, without what lies before it, in order; for some years."""
    local = start.astimezone(CHINA)
    for n in range(AMOUNT_MOST["working_days"] * 4):
        for begins, ends in _spans_of(calendar, local.date() + n * DAY):
            if ends >= local:
                yield max(begins, local), ends


def _spans_of(calendar: Calendar, day: date) -> list[tuple[datetime, datetime]]:
    if not is_working_day(calendar, day):
        return []
    return [(_local(day, span.begins_min), _local(day, span.ends_min)) for span in calendar.spans]


def _local(day: date, minute: int) -> datetime:
    return datetime.combine(day, time(), CHINA) + minute * MINUTE
