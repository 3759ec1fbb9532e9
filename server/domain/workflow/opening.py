"""How a case begins: the first event that a report makes, and the case document of that event alone. Pure."""

import hashlib
from typing import Any

from server.domain import ids, times
from server.domain.workflow.effects import CLOCK_FACTS, set_turn

# 自处置: one in so many is looked at again (a place may want another share; the sample is drawn by the case's id alone).
SAMPLE_ONE_IN = 5
# The idempotency key of every case's first event.
FIRST_KEY = "0-reported"


def reported_event(
    report: dict[str, Any],
    database: str | None,
    received_at: str,
    photos: list[str],
    filed_at: str | None = None,
    *,
    level: str = "community",
    kind: str | None = None,
    extra: dict[str, Any] | None = None,
    clock: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The first event of the case a report makes. Its id depends on the report alone: a second intake makes no second one.

    `database` is where the report lives, so that copies of the case find their way back (None: no phone holds it); `rev` tells
    the report that was processed from another one that claims its id. `level` is who holds the case first: its community, or the
    township for emergencies and `direct` categories (`first_level`). `extra` goes into the event's `report`: `origin`,
    `links`, `errand`, `has_caller`, `handed_down` of what came from elsewhere. `clock`: the facts of its first clock
    (`clock_rules`).

    Four times are kept apart, because no two need be near each other: `captured_at` as the phone said it, `corrected_at` the same
    by our clock (None when the phone had never measured its own), `received_at` when the gate stored it, `filed_at` when it was
    made a case. Only the last two are ours, and only they order lists and start time limits (`clock_starts_at`).
    """
    case = ids.case_id(report["_id"])
    return {
        "_id": ids.event_id(case, FIRST_KEY),
        "type": "event",
        "v": 1,
        "case": case,
        "n": 0,
        "move": "report",
        "at": received_at,
        "by": report["author"],
        "level": level,
        "kind": kind,
        **(clock or {}),
        "report": _facts(report, database, received_at, photos, filed_at) | (extra or {}),
    }


def _facts(
    report: dict[str, Any], database: str | None, received_at: str, photos: list[str], filed_at: str | None
) -> dict[str, Any]:
    facts = {name: report[name] for name in ("grid", "author", "captured_at", "category", "text", "urgency", "place", "source")}
    return {
        "id": report["_id"],
        "rev": report.get("_rev"),
        "database": database,
        **facts,
        "clock_offset_ms": report.get("clock_offset_ms"),
        "corrected_at": times.corrected_text(report["captured_at"], report.get("clock_offset_ms")),
        "received_at": received_at,
        "filed_at": filed_at or received_at,
        "photos": photos,
        **{name: report[name] for name in ("solved", "voice") if report.get(name)},
    }


def first_level(urgency: str, is_direct: bool) -> str:
    """Who holds a case first: the community, but for emergencies and categories marked `direct` (DESIGN §4)."""
    return "township" if is_direct or urgency == "emergency" else "community"


def opened(event: dict[str, Any]) -> dict[str, Any]:
    """The case document of its first event."""
    report = event["report"]
    solved = report.get("solved")
    case = {
        "_id": event["case"],
        "type": "case",
        "v": 1,
        "case_no": ids.case_no(report["id"], report["grid"], times.from_text(report["received_at"])),
        "state": "self_solved" if solved else "reported",
        "level": event.get("level", "community"),
        "kind": event.get("kind"),
        **dict.fromkeys(("turn", "phase")),
        "unit": None,
        "supporting": [],
        "basis": None,
        "handler": None,
        "handlers": [],
        **_no_clock(),
        **{name: event[name] for name in CLOCK_FACTS if name in event},
        "grid": report["grid"],
        "category": report["category"],
        "urgency": report["urgency"],
        "text": report["text"],
        "place": report["place"],
        "source": report["source"],
        **{name: report.get(name) for name in ("origin", "errand", "handed_down")},
        # Left out where there are none: cases that were kept before links were taken stay as they are.
        **({"links": report["links"]} if report.get("links") else {}),
        "has_caller": bool(report.get("has_caller")),
        "caller_released": False,
        "author": report["author"],
        "reports": [report["id"]],
        "database": report["database"],
        "photos": report["photos"],
        "solved": solved,
        "voice": report.get("voice"),
        "sample": _sample(report["id"]) if solved else None,
        "captured_at": report["captured_at"],
        "clock_offset_ms": report["clock_offset_ms"],
        "corrected_at": report.get("corrected_at"),
        "received_at": report["received_at"],
        "filed_at": report.get("filed_at", report["received_at"]),
        "updated_at": report["received_at"],
        **_no_moves(event["_id"]),
        "history": [{"move": "report", "at": event["at"]}],
        "last_event": {"move": "report", "at": event["at"], "by": event["by"]},
    }
    set_turn(case)
    return case


def _no_clock() -> dict[str, Any]:
    return {
        "clocks": None,
        "due_at": None,
        "state_due_at": None,
        "marks": [],
        "is_provisional": False,
        "stopped_at": None,
        "remaining_min": None,
        "request": None,
        "granted": [],
    }


def _no_moves(first: str) -> dict[str, Any]:
    counts = dict.fromkeys(("urges", "handed_back", "reworks", "reopened", "resubmitted", "escalations"), 0)
    lists: dict[str, Any] = {name: [] for name in ("absorbed", "tasks", "whistles", "open_whistles", "called_units")}
    names = ("handed_back_by", "started_at", "answer", "verification", "closed_at", "rating", "remedy_due_at", "remedied_at")
    begun = {"events": 1, "applied": [first], "decided": first, "refused": []}
    return begun | counts | lists | dict.fromkeys((*names, "merged_into", "before", "transferred_to", "transferred_in_time"))


def _sample(report_id: str) -> str | None:
    """Whether a case solved on the spot is drawn for a look: by a hash of its id, so nobody can choose and all agree."""
    return "due" if hashlib.sha256(report_id.encode()).digest()[0] % SAMPLE_ONE_IN == 0 else None


def clock_starts_at(case: dict[str, Any]) -> str:
    """When a case's time limits may begin at the earliest: when the server received its report. Never when the phone says so.

    A report that waited a week on a phone, or comes from a phone a day wrong, is not overdue the moment it arrives.
    """
    return str(case["received_at"])
