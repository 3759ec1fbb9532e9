"""What the system adds to a move before it becomes an event: the unit's level, the task's id, the main case of a merge.

One function a move that needs something looked up. Rules that need no look-up are in `server/domain/workflow/guards.py`.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from server.cases import reach, store
from server.domain import grids, ids
from server.domain.errors import InvalidInput
from server.lists import proposals
from sync.couch import Couch
from sync.database import Database

Document = dict[str, Any]
Prepare = Callable[[Couch, Database, Document, Document, datetime], Document]


def prepared(couch: Couch, database: Database, case: Document, event: Document, now: datetime) -> Document:
    """The event with what the system adds. Raises InvalidInput when something it names is not there."""
    prepare = PREPARED.get(event["move"])
    return prepare(couch, database, case, event, now) if prepare else event


def _dispatch(couch: Couch, database: Database, case: Document, event: Document, now: datetime) -> Document:
    wanted = [event["unit"], *event.get("supporting", [])]
    found = reach.unit_docs(couch, wanted)
    today = now.astimezone(ids.CHINA).date().isoformat()
    wrong = {field: code for field, code in (("unit", _unfit(found[event["unit"]], today)),) if code}
    unfit = [code for unit in wanted[1:] if (code := _unfit(found[unit], today))]
    if unfit or event["unit"] in wanted[1:]:
        wrong["supporting"] = unfit[0] if unfit else "unknown"
    if wrong:
        raise InvalidInput(wrong)
    if event.get("entry"):
        proposals.check_dispatch(couch, case, event["unit"], event, now)
    unit = found[event["unit"]] or {}
    return event | {"unit_level": unit.get("level") or "township"}


def _unfit(unit: Document | None, today: str) -> str | None:
    """Why nothing can be dispatched to a unit: nobody knows it, or it is no longer there (its last day is `valid_to`)."""
    if unit is None:
        return "unknown"
    return "unit_ended" if str(unit.get("valid_to") or today) < today else None


def _task(couch: Couch, database: Database, case: Document, event: Document, now: datetime) -> Document:
    grid = event.get("grid") or case["grid"]
    if grids.is_unplaced(grid) or grids.township_of(grid) != grids.township_of(case["grid"]):
        raise InvalidInput({"grid": "required" if grids.is_unplaced(grid) else "other_township"})
    if case["source"] == "errand" and grid != case["grid"]:
        # A household is known to its own grid's workers alone.
        raise InvalidInput({"grid": "unknown"})
    task = "task:" + ids.uuid7(now, hashlib.sha256(event["_id"].encode()).digest())
    return event | {"grid": grid, "task_id": task}


def _verification(couch: Couch, database: Database, case: Document, event: Document, now: datetime) -> Document:
    """A verification sends a worker of the case's grid to look, wherever the case has one."""
    if grids.is_unplaced(event.get("grid") or case["grid"]):
        return event
    return _task(couch, database, case, event, now)


def _merge(couch: Couch, database: Database, case: Document, event: Document, now: datetime) -> Document:
    main = store.load(database, event["into"])
    if main is None:
        raise InvalidInput({"into": "unknown"})
    if main.case["merged_into"]:
        raise InvalidInput({"into": "merged_itself"})
    return event | {"into_no": main.case["case_no"]}


PREPARED: dict[str, Prepare] = {
    "dispatch": _dispatch,
    "send_task": _task,
    "ask_verification": _verification,
    "merge": _merge,
}
