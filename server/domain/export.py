"""Writes the rules the phone shares with the server as one JSON file, for the phone's build.

    python -m server.domain.export FILE

The phone's code reads limits, states and schemas from that file and repeats none of them.
"""

import json
import sys
from pathlib import Path
from typing import Any

from server.domain import admission, documents, households, permissions, visit_forms, visits, workflow
from server.domain.workflow import fields


def rules() -> dict[str, Any]:
    """Everything of the domain that the phone needs, as JSON values."""
    shapes = documents.schemas()
    return {
        "schemas": shapes["types"],
        "$defs": shapes["$defs"],
        "immutable": sorted(documents.IMMUTABLE),
        "sensitive": {type_: sorted(names) for type_, names in documents.SENSITIVE.items()},
        "limits": {
            "document_bytes": documents.DOCUMENT_BYTES,
            "text_length": documents.TEXT_LENGTH,
            "short_length": documents.SHORT_LENGTH,
            "photos": documents.PHOTOS,
            "move_text": fields.TEXT_LENGTH,
            "answer": visit_forms.ANSWER_LENGTH,
        },
        "urgencies": ["normal", "urgent", "emergency"],
        "sources": ["patrol", "visit", "resident", "police"],
        "visit_kinds": ["routine", "elderly", "tenant", "safety", "dispute", "errand", "premises", "other"],
        "housing": ["owner", "tenant", "other"],
        "basis_how": ["consent_spoken", "consent_signed", "statutory_duty"],
        "needs": list(households.NEEDS),
        "services": list(households.SERVICES),
        "purposes": list(households.PURPOSES),
        "visiting": visits.rule(),
        "states": list(workflow.STATES),
        "open_states": sorted(workflow.OPEN_STATES),
        "shown_moves": ["report", *(name for name, move in workflow.MOVES.items() if move.shown is not None)],
        "reasons": list(admission.REASONS),
        "phone_roles": sorted(permissions.PHONE_ROLES),
    }


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(rules(), ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
