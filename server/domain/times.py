"""Instants as the documents carry them: RFC 3339, UTC, milliseconds, `Z`. No clock here: callers bring the time."""

import re
from datetime import UTC, datetime, timedelta

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def to_text(at: datetime) -> str:
    """An aware instant as `2026-11-23T08:00:00.000Z`."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_text(text: str) -> datetime:
    """The aware UTC instant of a document's text. Raises ValueError for anything else than RFC 3339 with milliseconds and Z."""
    if not INSTANT.fullmatch(text):
        raise ValueError(text)
    return datetime.fromisoformat(text)


def corrected(captured_at: str, clock_offset_ms: int | None) -> datetime:
    """When something was captured by the server's clock: the device's time less what the device was ahead.

    An offset of null means the device had never met the server; its own time is then all there is.
    """
    return from_text(captured_at) - timedelta(milliseconds=clock_offset_ms or 0)


def corrected_text(captured_at: str, clock_offset_ms: int | None) -> str | None:
    """`corrected` as a document's text; None when it is not known: the phone had never measured its clock, or gave no instant."""
    if clock_offset_ms is None:
        return None
    try:
        return to_text(corrected(captured_at, clock_offset_ms))
    except (ValueError, OverflowError):
        return None
