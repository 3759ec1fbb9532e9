"""Expiry of uploads that nobody finished: until when one is kept, and the sweep that removes the others.

The phone still has every byte removed here: an upload is only let go of by the phone when it is finished.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from media.partials import Busy, Shelf, Ticket

# Seven days without a byte: longer than a holiday's weekend without network.
EXPIRES_S = 7 * 24 * 3600.0


def read_expiry(shelf: Shelf, ticket: Ticket, expires_s: float = EXPIRES_S) -> datetime:
    """When this upload may be swept: `expires_s` after its last byte, or after it was finished."""
    touched = shelf.touched_at(ticket.upload)
    return (touched or datetime.now(UTC)) + timedelta(seconds=expires_s)


def sweep_expired(folder: Path, now: datetime, expires_s: float = EXPIRES_S) -> int:
    """Remove what was last touched more than `expires_s` before `now`; an upload being written to is left alone.

    Safe to run beside any number of servers. Returns how many uploads went.
    """
    before = now - timedelta(seconds=expires_s)
    swept = 0
    for shelf in Shelf.all_in(folder):
        for upload in shelf.names():
            touched = shelf.touched_at(upload)
            if touched is None or touched < before:
                swept += _sweep(shelf, upload, before)
    return swept


def _sweep(shelf: Shelf, upload: str, before: datetime) -> int:
    try:
        held = shelf.hold(upload)
    except Busy:
        return 0
    try:
        touched = shelf.touched_at(upload)
        if touched is not None and touched >= before:
            return 0
        shelf.remove(upload, "json", "part", "done", "claim", "json.new", "done.new")
        return 1
    finally:
        if held:
            held.close()
