"""Instants as people read them at a desk: China's time, exact or relative, in both languages. Pure: the clock comes in.

The browser keeps the relative ones fresh (`server/static/times.js`) by the same CLDR data.
"""

from datetime import UTC, datetime, timedelta, timezone

from babel.dates import format_timedelta

from server.domain import times
from server.web.locale import text

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
BABEL = {"zh-CN": "zh_Hans_CN", "en": "en"}
RELATIVE_UP_TO = timedelta(hours=24)
UNITS = (timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1))
JUST_NOW = timedelta(minutes=1)


def exact(at: str) -> str:
    """`2026-11-23 16:00:05`, China's time."""
    return times.from_text(at).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def from_form(typed: str) -> datetime | None:
    """The aware instant of a `datetime-local` field (`2026-11-23T16:00`, China's time); None for anything else."""
    try:
        return datetime.strptime(typed, "%Y-%m-%dT%H:%M").replace(tzinfo=CHINA)
    except ValueError:
        return None


def short(at: str, now: datetime) -> str:
    """`16:00` today, `11-22 16:00` this year, `2025-11-22 16:00` before."""
    local, today = times.from_text(at).astimezone(CHINA), now.astimezone(CHINA)
    if local.date() == today.date():
        return local.strftime("%H:%M")
    return local.strftime("%m-%d %H:%M" if local.year == today.year else "%Y-%m-%d %H:%M")


def relative(at: str, now: datetime, language: str) -> str:
    """`just now` within a minute either way (clocks differ), `3 minutes ago` within a day, else the short form."""
    delta = times.from_text(at) - now.astimezone(UTC)
    if abs(delta) >= RELATIVE_UP_TO:
        return short(at, now)
    if abs(delta) < JUST_NOW:
        return text(language, "time.now")
    return _words(delta, language, add_direction=True)


def span(length: timedelta, language: str) -> str:
    """A length of time in its largest whole unit: `3 days`."""
    return _words(length, language, add_direction=False)


def _words(delta: timedelta, language: str, add_direction: bool) -> str:
    """A span in its largest whole unit, cut off and not rounded: the browser says the same."""
    unit = next((unit for unit in UNITS if abs(delta) >= unit), UNITS[-1])
    whole = abs(delta) // unit * unit * (-1 if delta < timedelta(0) else 1)
    return format_timedelta(whole, add_direction=add_direction, locale=BABEL[language], format="short", threshold=1)
