"""Tasks down: what a case sends to workers, as documents in the grid's database of the present quarter (DESIGN §5, type `task`).

Written from the case alone, whenever it changed: so they are there after any kill, closed when the case is, and carried over into
a new quarter while they are open. A task about a place lies in `grid-*`; one of a household's errand in `home-*`, with the
household, which the case itself does not know. What a task says is `server/domain/workflow/tasks.py`.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from server.cases import copies
from server.cases.copying import Wanted, fill
from server.domain import ids, workflow
from sync.couch import Couch
from sync.databases import grid_db, home_db, home_quarter_db, previous_quarter, quarter_at
from sync.errors import NotFound

Document = dict[str, Any]


def write(couch: Couch, cases: Iterable[Document], now: datetime) -> set[str]:
    """Write the tasks of cases into the present quarter, renewing those of the last. The databases that changed."""
    quarter = quarter_at(now)
    wanted: dict[str, Wanted] = defaultdict(lambda: Wanted({}, {}))
    for case in cases:
        for task in documents_of(couch, case):
            place(wanted, task, quarter, is_of_household=copies.is_of_household(case))
    return written(couch, wanted, quarter)


def place(wanted: dict[str, Wanted], task: Document, quarter: str, *, is_of_household: bool = False) -> None:
    """Say where a task is to lie: in the present quarter while it is open, renewed in it and the last one afterwards."""
    make = home_quarter_db if is_of_household else grid_db
    present, last = (wanted[make(task["grid"], one)] for one in (quarter, previous_quarter(quarter)))
    (present.always if task["state"] == "open" else present.renew)[task["_id"]] = task
    last.renew[task["_id"]] = task


def written(couch: Couch, wanted: dict[str, Wanted], quarter: str) -> set[str]:
    """Write what was placed. The databases that changed."""
    return {name for name, tasks in sorted(wanted.items()) if fill(couch, name, tasks, quarter)}


def documents_of(couch: Couch, case: Document) -> list[Document]:
    """The task documents of a case as it stands."""
    if not case["tasks"]:
        return []
    household = _household_of(couch, case) if copies.is_of_household(case) else None
    return [workflow.task_copy(case, task, household) for task in case["tasks"]]


def _household_of(couch: Couch, case: Document) -> str | None:
    try:
        errand = couch.database(home_db(case["grid"])).find("errand:" + ids.uuid_of(case["_id"]))
    except NotFound:
        return None
    return None if errand is None else str(errand["household"])
