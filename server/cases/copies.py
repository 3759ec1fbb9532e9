"""What phones see of cases: small copies in the grid's databases (DESIGN §5, type `case`), written only when they differ.

A phone holds this quarter and the last: a copy lies where the report is, in the present quarter while its case is open, and is
renewed in both as long as the case changes. A case that no phone reported (`database` None: it came from another system or the
counter) has copies in its grid's quarters alone, and none while its grid is not known. What came of a household's errand stays
among the household databases. How a case becomes a copy is `workflow.phone_copy`, how copies are written `copying.py`; the copy
of a merged case follows its main case (`copy_of`).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from server.cases import merging
from server.cases.copying import Wanted, fill
from server.domain import grids, workflow
from sync.couch import Couch
from sync.databases import grid_db, home_quarter_db, parse, previous_quarter, quarter_at

Document = dict[str, Any]


def write(
    couch: Couch,
    cases: Iterable[Document],
    now: datetime,
    *,
    are_new: bool = False,
    left: Mapping[str, Iterable[str]] = MappingProxyType({}),
) -> set[str]:
    """Write the copies of cases into their report's database, the present quarter's and the last's. The databases that changed.

    A case that no phone reported has no such database, one without a grid is on no phone at all.

    `are_new` says that copies are not expected to be there, which saves asking. A database that is gone is not made again, save
    the present quarter's. `left`: by case, the grids it was in before; copies there are renewed, none are made.
    """
    quarter = quarter_at(now)
    wanted: dict[str, Wanted] = defaultdict(lambda: Wanted({}, {}))
    cases = list(cases)
    mains = merging.followed(couch, cases)
    for case in cases:
        copy = copy_of(case, mains.get(case["_id"]))
        if case["database"] is not None:
            wanted[case["database"]].always[case["_id"]] = copy
        for grid in left.get(case["_id"], ()):
            for one in (quarter, previous_quarter(quarter)):
                wanted[database_of(case | {"grid": grid}, one)].renew[case["_id"]] = copy
        if grids.is_unplaced(case["grid"]):
            continue
        present, last = (database_of(case, one) for one in (quarter, previous_quarter(quarter)))
        if present != case["database"]:
            is_open = case["state"] in workflow.OPEN_STATES
            (wanted[present].always if is_open else wanted[present].renew)[case["_id"]] = copy
            if last != case["database"]:
                wanted[last].renew[case["_id"]] = copy
    return {name for name, copies in sorted(wanted.items()) if fill(couch, name, copies, quarter, are_new)}


def copy_of(case: Document, main: Document | None) -> Document:
    """The copy of a case; of a merged one with `follows`: what became of the case it is part of now, for its reporter."""
    copy = workflow.phone_copy(case)
    if main is None:
        return copy
    told = workflow.phone_copy(main)
    return copy | {"follows": {name: told[name] for name in ("case_no", "state", "last_event", "updated_at")}}


def carry_over(couch: Couch, cases: Iterable[Document], now: datetime) -> set[str]:
    """Write the copies of open cases into the present quarter's databases alone, as a quarter begins. Those that changed.

    A database is made when its grid has an open case, not before.
    """
    quarter = quarter_at(now)
    wanted: dict[str, Wanted] = defaultdict(lambda: Wanted({}, {}))
    for case in cases:
        if case["state"] in workflow.OPEN_STATES and not grids.is_unplaced(case["grid"]):
            wanted[database_of(case, quarter)].always[case["_id"]] = workflow.phone_copy(case)
    return {name for name, copies in sorted(wanted.items()) if fill(couch, name, copies, quarter, are_new=False)}


def is_of_household(case: Document) -> bool:
    """True for the case of an errand: police, who open the grid's databases, never see what a household has asked for."""
    name = parse(case["database"] or "")
    return name is not None and name.kind == "home-quarter"


def database_of(case: Document, quarter: str) -> str:
    """Where a quarter keeps what phones are shown of this case."""
    make = home_quarter_db if is_of_household(case) else grid_db
    return make(case["grid"], quarter)
