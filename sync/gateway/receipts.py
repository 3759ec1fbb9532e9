"""The receipt of a pushed batch: the document that tells every phone of the grid that the server holds these records.

It travels to the store inside the batch it acknowledges, as its last document: one durable write instead of two, and never a
stored batch without its receipt. Where nobody pulls (`track-*`, `log-*`) the push's own answer is the receipt.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from sync.databases import parse

WITHOUT = frozenset({"track", "log"})


def make_receipt(database: str, device: str, ids: Sequence[str], now: datetime, random: bytes) -> dict[str, Any] | None:
    """The receipt of a batch with its first revision, or None for a database that takes none."""
    name = parse(database)
    if name is None or name.kind in WITHOUT or name.grid is None:
        return None
    at = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = {
        "type": "receipt",
        "v": 1,
        "grid": name.grid,
        "author": "server",
        "device": device,
        "captured_at": at,
        "clock_offset_ms": 0,
        "received_at": at,
        "ids": list(dict.fromkeys(ids)),
    }
    digest = hashlib.md5(orjson.dumps(body), usedforsecurity=False).hexdigest()
    return {"_id": f"receipt:{_uuid7(now, random)}", "_rev": f"1-{digest}", **body}


def make_receipt_now(database: str, device: str, ids: Sequence[str]) -> dict[str, Any] | None:
    """`make_receipt` by this machine's clock and randomness."""
    return make_receipt(database, device, ids, datetime.now(UTC), secrets.token_bytes(10))


def withdraw(receipt: dict[str, Any]) -> dict[str, Any]:
    """The tombstone that takes a receipt back, for the case that the store did not take all of its batch after all."""
    digest = receipt["_rev"].partition("-")[2]
    child = hashlib.md5(digest.encode(), usedforsecurity=False).hexdigest()
    revisions = {"start": 2, "ids": [child, digest]}
    return {"_id": receipt["_id"], "_rev": f"2-{child}", "_revisions": revisions, "_deleted": True}


def _uuid7(at: datetime, random: bytes) -> str:
    """A version 7 uuid (RFC 9562): milliseconds since 1970, then randomness."""
    value = (int(at.timestamp() * 1000) << 80) | int.from_bytes(random[:10], "big")
    value = (value & ~(0xF << 76)) | (0x7 << 76)
    value = (value & ~(0x3 << 62)) | (0x2 << 62)
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
