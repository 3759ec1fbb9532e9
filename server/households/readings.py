"""What was read of masked fields on phones (`access` records of `log-*`) becomes entries of the access log, once each.

An entry says who opened which fields of which file for what, when by the phone's corrected clock, and nothing of what they say.
It is found by the township of its grid (`server/audit/searching.py`). May run twice and be killed anywhere: an entry's id follows
from its record's.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from server import audit
from server.domain import households, times
from sync.couch import Couch

ACTION = "household.unmask"
# Further back than this no phone's clock is believed; it would open a log of its own for a month long sealed.
BACK_MOST = timedelta(days=366)


def take_in(couch: Couch, changes: Iterable[Mapping[str, Any]], now: datetime) -> int:
    """Log the readings among a page of changes; how many. Raises the store's errors."""
    found = [doc for row in changes if (doc := row.get("doc")) and doc.get("type") == "access"]
    for doc in found:
        facts = {"grid": doc["grid"], "fields": doc["fields"], "device": doc["device"], "received_at": times.to_text(now)}
        audit.note(
            couch,
            by=doc["author"],
            action=ACTION,
            subject=doc["of"],
            why=households.purpose_text(doc["purpose"]),
            facts=facts,
            at=_read_at(doc, now),
            key=doc["_id"],
        )
    return len(found)


def _read_at(doc: Mapping[str, Any], now: datetime) -> datetime:
    """When it was read; now for a clock that cannot be right."""
    at = times.corrected(doc["captured_at"], doc.get("clock_offset_ms"))
    return at if now - BACK_MOST <= at <= now + timedelta(minutes=10) else now
