"""Records as a phone makes them, for tests of the domain, intake, moves and worker. Deterministic unless told otherwise."""

import secrets
from datetime import UTC, datetime
from typing import Any

from server.domain import ids, times
from tests.conftest import GRID_A

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
REV = "1-" + "a" * 32


def new_id(type_: str, at: datetime = AT) -> str:
    """A fresh record id."""
    return f"{type_}:{ids.uuid7(at, secrets.token_bytes(10))}"


def report(grid: str = GRID_A, author: str = "worker1", at: datetime = AT, **fields: Any) -> dict[str, Any]:
    """A sound report, without a revision."""
    doc = {
        "_id": new_id("report", at),
        "type": "report",
        "v": 1,
        "grid": grid,
        "author": author,
        "device": "d1",
        "captured_at": times.to_text(at),
        "clock_offset_ms": 0,
        "category": "manhole",
        "text": "井盖缺失",
        "urgency": "normal",
        "place": {"lat": 38.5, "lon": 106.1, "accuracy_m": 5.0, "datum": "WGS84", "address": "同心北街", "compound": None},
        "photos": [],
        "source": "patrol",
    }
    return doc | fields


def note(of: str, grid: str = GRID_A, at: datetime = AT, **fields: Any) -> dict[str, Any]:
    """A sound note about a report."""
    head = {"_id": new_id("note", at), "type": "note", "v": 1, "grid": grid, "author": "worker1", "device": "d1"}
    return head | {"captured_at": times.to_text(at), "clock_offset_ms": 0, "of": of, "text": "补充", "photos": []} | fields


def taskreply(of: str, grid: str = GRID_A, at: datetime = AT, **fields: Any) -> dict[str, Any]:
    """A sound answer to a task."""
    head = {"_id": new_id("taskreply", at), "type": "taskreply", "v": 1, "grid": grid, "author": "worker1", "device": "d1"}
    said = {"of": of, "outcome": "done", "text": "已看过", "photos": [], "answers": {}}
    return head | {"captured_at": times.to_text(at), "clock_offset_ms": 0} | said | fields


def photo(files: dict[str, str], id: str | None = None, grid: str = GRID_A, at: datetime = AT, **fields: Any) -> dict[str, Any]:
    """A sound photo record; `files` gives the SHA-256 of each role."""
    head = {"_id": id or new_id("photo", at), "type": "photo", "v": 1, "grid": grid, "author": "worker1", "device": "d1"}
    facts = {"size_bytes": 1, "content_type": "image/jpeg", "width_px": None, "height_px": None}
    named = [{"role": role, "sha256": sha256} | facts for role, sha256 in files.items()]
    own = {"captured_at": times.to_text(at), "clock_offset_ms": 0, "of": new_id("report", at), "files": named}
    return head | own | {"taken_at": None, "place": None} | fields


def receipt(of: list[str], received_at: datetime, grid: str = GRID_A) -> dict[str, Any]:
    """What the gateway writes after it stored a batch."""
    head = {"_id": new_id("receipt", received_at), "type": "receipt", "v": 1, "grid": grid, "author": "server", "device": "d1"}
    text = times.to_text(received_at)
    return head | {"captured_at": text, "clock_offset_ms": 0, "received_at": text, "ids": of}


def with_rev(doc: dict[str, Any], digest: str = "a" * 32) -> dict[str, Any]:
    """The document as a device pushes it: with a first revision of its own."""
    return doc | {"_rev": f"1-{digest}", "_revisions": {"start": 1, "ids": [digest]}}
