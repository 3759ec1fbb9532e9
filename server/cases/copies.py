"""What phones see of cases: small copies in the grid's databases (DESIGN §5, type `case`), written only when they differ.

A phone holds this quarter and the last: a copy lies where the report is, in the present quarter while its case is open, and is
renewed in both as long as the case changes. A newer copy is never replaced by an older one, however many workers write at once.
How a case becomes a copy is `workflow.phone_copy`; the copy of a merged case follows its main case (`copy_of`).
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from server.cases import merging
from server.domain import grids, workflow
from sync.couch import Couch
from sync.database import Database
from sync.databases import grid_db, previous_quarter, quarter_at
from sync.errors import Conflict, NotFound

Document = dict[str, Any]
TRIES = 8


class Wanted(NamedTuple):
    """The copies one database should hold: `always`, and those to be renewed only if they are there (`renew`)."""

    always: dict[str, Document]
    renew: dict[str, Document]


def write(couch: Couch, cases: Iterable[Document], now: datetime, *, are_new: bool = False) -> set[str]:
    """Write the copies of cases into their report's database, the present quarter's and the last's. The databases that changed.

    A case that no phone reported has no such database, one without a grid is on no phone at all.

    `are_new` says that copies are not expected to be there, which saves asking. A database that is gone is not made again, save
    the present quarter's.
    """
    quarter = quarter_at(now)
    wanted: dict[str, Wanted] = defaultdict(lambda: Wanted({}, {}))
    cases = list(cases)
    mains = merging.followed(couch, cases)
    for case in cases:
        copy = copy_of(case, mains.get(case["_id"]))
        if case["database"] is not None:
            wanted[case["database"]].always[case["_id"]] = copy
        if grids.is_unplaced(case["grid"]):
            continue
        present, last = (grid_db(case["grid"], one) for one in (quarter, previous_quarter(quarter)))
        if present != case["database"]:
            is_open = case["state"] in workflow.OPEN_STATES
            (wanted[present].always if is_open else wanted[present].renew)[case["_id"]] = copy
            if last != case["database"]:
                wanted[last].renew[case["_id"]] = copy
    return {name for name, copies in sorted(wanted.items()) if _fill(couch, name, copies, quarter, are_new)}


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
            wanted[grid_db(case["grid"], quarter)].always[case["_id"]] = workflow.phone_copy(case)
    return {name for name, copies in sorted(wanted.items()) if _fill(couch, name, copies, quarter, are_new=False)}


def _fill(couch: Couch, name: str, wanted: Wanted, quarter: str, are_new: bool) -> bool:
    try:
        return _write(couch.database(name), wanted, are_new)
    except NotFound:
        if not name.endswith(quarter) or not wanted.always:
            return False
        couch.create(name, replicated=True)
        return _write(couch.database(name), wanted, are_new)


def _write(database: Database, wanted: Wanted, are_new: bool) -> bool:
    """Write what differs; True when anything was written. A conflict means: look again, somebody else writes too."""
    waiting, has_written = wanted.always | wanted.renew, False
    docs = list(waiting.values()) if are_new and not wanted.renew else _differing(database, waiting, wanted.renew)
    for _ in range(TRIES):
        rows = database.bulk(docs)
        has_written = has_written or any("error" not in row for row in rows)
        waiting = {row["id"]: waiting[row["id"]] for row in rows if "error" in row}
        if not waiting:
            return has_written
        docs = _differing(database, waiting, wanted.renew)
    raise Conflict(database.name)


def _differing(database: Database, copies: dict[str, Document], renew: dict[str, Document]) -> list[Document]:
    """The copies that say more than what is there, with the revision they replace."""
    docs = []
    for id, present in database.many(list(copies)).items():
        copy = copies[id]
        if present is None:
            if id not in renew:
                docs.append(copy)
        elif _age(present) <= _age(copy) and {n: v for n, v in present.items() if n != "_rev"} != copy:
            docs.append(copy | {"_rev": present["_rev"]})
    return docs


def _age(copy: Document) -> tuple[int, str, str]:
    return copy["events"], copy["updated_at"], copy.get("follows", {}).get("updated_at", "")
