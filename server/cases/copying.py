"""Writing copies into phones' databases: cases and tasks, only where they say something new, never an older over a newer one.

A copy carries `events` and `updated_at`, by which the newer of two is known, however many workers write at once. Which copies
lie where is `copies.py` and `tasks.py`.
"""

from typing import Any, NamedTuple

from sync.couch import Couch
from sync.database import Database
from sync.errors import Conflict, NotFound

Document = dict[str, Any]
TRIES = 8


class Wanted(NamedTuple):
    """The copies one database should hold: `always`, and those to be renewed only if they are there (`renew`)."""

    always: dict[str, Document]
    renew: dict[str, Document]


def fill(couch: Couch, name: str, wanted: Wanted, quarter: str, are_new: bool = False) -> bool:
    """Bring one database up to what it should hold; True when anything was written. Only the present quarter's is made anew."""
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
        elif _age(present) <= _age(copy) and _said(present) != _said(copy):
            docs.append(copy | {"_rev": present["_rev"]})
    return docs


def _age(copy: Document) -> tuple[int, str, str]:
    return copy["events"], copy["updated_at"], copy.get("follows", {}).get("updated_at", "")


def _said(copy: Document) -> Document:
    """What a phone is shown. That a case went on where phones do not see it is no news."""
    return {name: value for name, value in copy.items() if name not in ("_rev", "events", "updated_at")}
