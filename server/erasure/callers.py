"""Taking who called about a case out of `cases-<9>`: a tombstone with an empty body on every leaf, and nothing else touched.

It is one document, known by its case, so nothing has to be looked for; only a store that was put back is looked through, and of
it callers alone.
"""

from typing import Any

from server.cases.callers import caller_id
from server.domain.grids import township_of
from server.erasure import sweeping, traces
from server.erasure.marks import Marks
from sync.couch import Couch
from sync.databases import cases_db
from sync.errors import NotFound

PAGE = 500
Document = dict[str, Any]


def clear(couch: Couch, doc: Document, *, is_second: bool) -> None:
    """Close the caller of an erasure and have the store drop what was there. Raises the store's errors.

    The second run compacts only when it found something; the first always: it may follow one that was killed before.
    """
    name, id = _place_of(doc)
    wrote = sweeping.close(couch.database(name), sweeping.leaves_of(couch, name, id))
    if wrote or not is_second:
        traces.give_back(couch, name)


def sweep(couch: Couch, name: str, marks: Marks) -> set[str]:
    """Close every caller of a township that bears a mark; which. Raises the store's errors."""
    met: set[str] = set()
    database, start = couch.database(name), "caller:"
    while True:
        try:
            page = database.range(start, "caller:\ufff0", PAGE)
        except NotFound:
            return met
        for id in [doc["_id"] for doc in page if marks.has(doc["_id"])]:
            sweeping.close(database, sweeping.leaves_of(couch, name, id))
            met.add(id)
        if len(page) < PAGE:
            break
        start = f"{page[-1]['_id']}\x00"
    if met:
        traces.give_back(couch, name)
    return met


def purge(couch: Couch, doc: Document) -> int:
    """Purge the caller's tombstone; how many documents. One that somebody lives in stays. Raises Refused, the store's errors."""
    name, id = _place_of(doc)
    leaves = sweeping.leaves_of(couch, name, id)
    if not leaves or not all(leaf.get("_deleted") for leaf in leaves):
        return 0
    couch.database(name).purge({id: [leaf["_rev"] for leaf in leaves]})
    return 1


def _place_of(doc: Document) -> tuple[str, str]:
    return cases_db(township_of(str(doc["grid"]))), caller_id(str(doc["case"]))
