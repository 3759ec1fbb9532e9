"""The two clocks of a case as a desk shows them: the whole case's and its state's. Pure; the rules are elsewhere."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from server.domain import times, workflow
from server.web import moments
from server.web.locale import text

SOON = timedelta(hours=24)
View = dict[str, Any]


def of(case: Mapping[str, Any], now: datetime, language: str) -> View:
    """`{due, state_due, is_stopped, stopped_at, remaining, is_provisional}`; a clock is None, or as `_clock` says."""
    is_open, stopped_at = case["state"] in workflow.OPEN_STATES, case.get("stopped_at")
    is_running = is_open and not stopped_at
    remaining_min = case.get("remaining_min")
    return {
        "due": _clock(case.get("due_at"), now, language) if is_running else None,
        "state_due": _clock(case.get("state_due_at"), now, language) if is_running else None,
        "is_stopped": bool(stopped_at) and is_open,
        "stopped_at": stopped_at,
        "remaining": _hours(remaining_min, language) if stopped_at and remaining_min else None,
        "is_provisional": bool(case.get("is_provisional")) and is_running and bool(case.get("due_at")),
    }


def _clock(due_at: str | None, now: datetime, language: str) -> View | None:
    """`{at, is_overdue, is_soon, text}`: how long it still is, or has been over, in words."""
    if due_at is None:
        return None
    left = times.from_text(due_at) - now
    is_overdue = left < timedelta(0)
    key = "clock.over_by" if is_overdue else "clock.left"
    words = text(language, key, time=moments.span(abs(left), language))
    return {"at": due_at, "is_overdue": is_overdue, "is_soon": not is_overdue and left < SOON, "text": words}


def _hours(minutes: int, language: str) -> str:
    """Working time that is left, in hours and minutes: a day of it has fewer than 24 hours."""
    return text(language, "clock.working_time", hours=minutes // 60, minutes=minutes % 60)
