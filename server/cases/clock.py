"""The clocks of cases where rules meet the store: which calendar, limits and category. Rules are `domain/clock_rules.py`.

Everything looked up is kept for a short while, so that a move asks the store nothing more for its clock.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from server.calendars import current
from server.cases import categories
from server.domain import clock_rules
from server.domain.clock_rules import Facts, Rules
from sync.couch import Couch


def facts(couch: Couch, case: Mapping[str, Any], move: str, fields: Mapping[str, Any], now: datetime) -> Facts:
    """What the event of a move says about the case's clocks; the case is as it stands before. Raises the store's errors."""
    return clock_rules.facts(_rules(couch, fields.get("category") or case["category"]), case, move, fields, now)


def opening(couch: Couch, report: Mapping[str, Any], received_at: str) -> Facts:
    """What a case's first event says: the clock of its first state, from when the server received the report.

    What was put right on the spot waits for nobody.
    """
    if report.get("solved"):
        return {}
    return clock_rules.opening(_rules(couch, report["category"]), "reported", report["urgency"], received_at)


def _rules(couch: Couch, category: str) -> Rules:
    found = current.current(couch)
    return Rules(found.calendar, categories.by_code(couch).get(category, {}), found.tables)
