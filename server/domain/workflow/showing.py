"""What a phone is shown of a case (DESIGN §5, type `case`): no names of who moved it, no caller, nothing internal. Pure."""

from typing import Any


def phone_copy(case: dict[str, Any]) -> dict[str, Any]:
    """The copy for the phone. `history` is the timeline as its reporter may see it, `last_event` its last line."""
    return {
        "_id": case["_id"],
        "type": "case",
        "v": 1,
        "grid": case["grid"],
        "case_no": case["case_no"],
        "state": case["state"],
        "level": case["level"],
        "unit": case["unit"],
        "due_at": case["due_at"],
        "reports": case["reports"],
        "category": case["category"],
        "last_event": case["history"][-1],
        "history": case["history"],
        "events": case["events"],
        "updated_at": case["updated_at"],
    }
