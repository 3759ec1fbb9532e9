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
LATE_FROM = timedelta(minutes=10)


def exact(at: str) -> str:
    """`2026-11-23 16:00:05`, China's time."""
    return times.from_text(at).astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


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


def late(captured_at: str, clock_offset_ms: int | None, received_at: str, language: str) -> str | None:
    """How long a record waited on its phone, when that was more than ten minutes; else None."""
    waited = times.from_text(received_at) - times.corrected(captured_at, clock_offset_ms)
    if waited < LATE_FROM:
        return None
    return _words(waited, language, add_direction=False)


def corrected(captured_at: str, clock_offset_ms: int | None) -> str:
    """The capture time by the server's clock, as text."""
    return times.to_text(times.corrected(captured_at, clock_offset_ms))


def _words(delta: timedelta, language: str, add_direction: bool) -> str:
    """A span in its largest whole unit, cut off and not rounded: the browser says the same."""
    unit = next((unit for unit in UNITS if abs(delta) >= unit), UNITS[-1])
    whole = abs(delta) // unit * unit * (-1 if delta < timedelta(0) else 1)
    return format_timedelta(whole, add_direction=add_direction, locale=BABEL[language], format="short", threshold=1)
