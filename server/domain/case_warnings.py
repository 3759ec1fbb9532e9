"""What is said when a share of a case's time is used up: which instants there are, to whom, in which notice. Pure.

A warning is an instant of the case's clocks (`marks`, `state_due_at`); its notice's key names case, clock, share and instant, so
that it is one notice however often it is found. Who finds them is `worker/deadlines.py`; the instants are `clock_rules.py`'s.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from server.domain import notices, times
from server.domain.grids import township_of
from server.domain.workflow.states import holder_of

Case = Mapping[str, Any]
Document = dict[str, Any]


class Warning(NamedTuple):
    """An instant at which somebody is told. `clock` is `case` or `state`."""

    at: str
    clock: str
    pct: int


# Who is told, by how much of the time is used: whose turn it is, the level that holds the case, the township in any case.
TOLD: dict[tuple[str, int], tuple[str, ...]] = {
    ("case", 50): ("turn",),
    ("case", 80): ("turn", "holder"),
    ("case", 100): ("turn", "holder", "township"),
    ("state", 100): ("turn", "holder"),
}


def warnings_of(case: Case) -> list[Warning]:
    """Every instant of a case's clocks, past ones included; the same as the view `deadlines` has of it."""
    found = [Warning(at, "case", pct) for at, pct in case.get("marks") or []]
    return found + ([Warning(case["state_due_at"], "state", 100)] if case.get("state_due_at") else [])


def notice_of(case: Case, warning: Warning, now: datetime) -> Document:
    """The notice of a warning, said to have happened when it fell due, however late it is found."""
    overdue = "clock.overdue" if warning.clock == "case" else "clock.state_overdue"
    due_at = case["due_at"] if warning.clock == "case" else case["state_due_at"]
    codes = {name: case[name] for name in ("case_no", "state", "grid", "category", "unit")}
    return notices.notice(
        to=parties_told(case, warning),
        what=overdue if warning.pct == 100 else "clock.warned",
        subject=case["_id"],
        township=township_of(case["grid"]),
        facts={"pct": warning.pct, "due_at": due_at, "is_provisional": case["is_provisional"]} | codes,
        key=f"{case['_id']}:{warning.clock}:{warning.pct}:{warning.at}",
        at=times.from_text(warning.at),
        noted_at=now,
        urgency=case["urgency"],
    )


def parties_told(case: Case, warning: Warning) -> list[str]:
    """The parties a warning is for."""
    parties = {
        "turn": case.get("turn"),
        "holder": holder_of(case["level"], case["grid"]),
        "township": holder_of("township", case["grid"]),
    }
    told = (parties[name] for name in TOLD[warning.clock, warning.pct])
    return sorted({party for party in told if party})
