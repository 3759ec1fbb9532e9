"""The times of a case as a desk shows them: when it was found, what the phone's clock said, when it arrived, when it was filed.

They are shown apart where they differ much. A time that cannot be right is shown as unknown, beside what the phone said. Pure.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from server.domain import times
from server.web import moments
from server.web.locale import text

CLOCK_RIGHT = timedelta(minutes=2)
GRACE = timedelta(minutes=10)
View = dict[str, Any]


def of(case: Mapping[str, Any], language: str) -> View:
    """`{captured_at, said_at, clock, received_at, late, filed_at, filed_late}`; None where there is nothing to say.

    `captured_at` is by our clock, or as near as is known; `said_at` and `clock` (words) are there when the phone's clock was off.
    """
    received = times.from_text(case["received_at"])
    offset_ms = case.get("clock_offset_ms")
    said, found = _instant(case["captured_at"], 0), _instant(case["captured_at"], offset_ms or 0)
    if found is not None and found > received + GRACE:
        found = None
    clock = _clock(offset_ms, found, language)
    filed = times.from_text(case.get("filed_at") or case["received_at"])
    return {
        "captured_at": times.to_text(found) if found else None,
        "said_at": times.to_text(said) if said and clock else None,
        "clock": clock,
        "received_at": case["received_at"],
        "late": _span(received - found, language) if found else None,
        "filed_at": times.to_text(filed),
        "filed_late": _span(filed - received, language),
    }


def _clock(offset_ms: int | None, found: datetime | None, language: str) -> str | None:
    """What was wrong with the phone's clock; None when nothing that matters."""
    if offset_ms is None:
        return text(language, "case.clock_unknown")
    if found is None:
        return text(language, "case.clock_jumped")
    offset = timedelta(milliseconds=offset_ms)
    if abs(offset) < CLOCK_RIGHT:
        return None
    key = "case.clock_ahead" if offset > timedelta(0) else "case.clock_behind"
    return text(language, key, time=moments.span(abs(offset), language))


def _span(length: timedelta, language: str) -> str | None:
    """A length of time in words when it is worth a word."""
    return moments.span(length, language) if length >= GRACE else None


def _instant(captured_at: str, offset_ms: int) -> datetime | None:
    try:
        return times.corrected(captured_at, offset_ms)
    except (ValueError, OverflowError):
        return None
