"""Reading the index of a township's cases: rows of `sync/designs/cases/` in order, a few at a time, and how many there are.

A township without cases has no database and simply no rows. Which rows a list wants is decided in `search.py` and `counting.py`.
"""

import threading
import weakref
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from server.cases import store
from sync import designs
from sync.couch import Couch
from sync.databases import cases_db
from sync.errors import NotFound

PAGE = 300
Row = dict[str, Any]
Key = list[Any]
_ready: "weakref.WeakKeyDictionary[Couch, set[str]]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()


class Facet(NamedTuple):
    """Rows of one filter: `name` and `value` as `facets.js` has them."""

    name: str
    value: str


def view(couch: Couch, township: str, name: str, **asked: Any) -> list[Row]:
    """Rows of a view; none when the township has no cases. Its design is seen to be the present one once a process."""
    database = couch.database(cases_db(township))
    with _lock:
        known = _ready.setdefault(couch, set())
    try:
        if township not in known:
            designs.install(database, store.DESIGN)
            known.add(township)
        return list(database.view(store.DESIGN, name, **asked)["rows"])
    except NotFound:
        known.discard(township)
        if couch.info_of(database.name) is None:
            return []
        return list(store.ensure(couch, township).view(store.DESIGN, name, **asked)["rows"])


def seq_of(couch: Couch, township: str) -> object:
    """The township's update sequence, to be compared by equality only; None when it has no cases."""
    found = couch.info_of(cases_db(township))
    return None if found is None else found["update_seq"]


def newest(couch: Couch, township: str, facet: Facet, after: Key | None, size: int) -> Iterator[Row]:
    """Rows of a facet with their cases (`doc`), newest received first, from behind `after` [received_at, id]."""
    while True:
        start: dict[str, Any] = {"startkey": [*facet, after[0] if after else {}]}
        if after:
            start["startkey_docid"] = after[1]
        asked = {"descending": True, "include_docs": True, "reduce": False, "limit": size, "endkey": list(facet)}
        rows = view(couch, township, "facets", **start, **asked)
        yield from ({**row, "at": row["key"][2]} for row in rows if after is None or [row["key"][2], row["id"]] != after)
        if len(rows) < size:
            return
        after, size = [rows[-1]["key"][2], rows[-1]["id"]], min(PAGE, size * 4)


def overdue(couch: Couch, whose: tuple[str, str], now: str, after: Key | None, size: int) -> Iterator[Row]:
    """Cases whose time was up before `now`, by their date, the last one first, from behind `after` [due_at, id].

    `whose` is a township and "" for all of it, a community's code or a unit's id.
    """
    township, owner = whose
    while True:
        start: dict[str, Any] = {"startkey": [owner, after[0] if after else now]}
        if after:
            start["startkey_docid"] = after[1]
        asked = {"descending": True, "include_docs": True, "reduce": False, "limit": size, "endkey": [owner]}
        rows = view(couch, township, "due", **start, **asked)
        yield from ({**row, "at": row["key"][1]} for row in rows if after is None or [row["key"][1], row["id"]] != after)
        if len(rows) < size:
            return
        after, size = [rows[-1]["key"][1], rows[-1]["id"]], min(PAGE, size * 4)


def count(couch: Couch, township: str, name: str, start: Any, end: Any) -> int:
    """How many rows of a view lie between two keys."""
    rows = view(couch, township, name, startkey=start, endkey=end, reduce=True)
    return int(rows[0]["value"]) if rows else 0


def fewest(couch: Couch, township: str, choices: Sequence[Sequence[Facet]]) -> Sequence[Facet]:
    """Of several ways to the same cases the one with the fewest rows; nothing is asked when there is no choice."""
    if len(choices) < 2:
        return choices[0] if choices else [Facet("all", "")]
    sizes = [sum(count(couch, township, "facets", list(one), [*one, {}]) for one in facets) for facets in choices]
    return choices[sizes.index(min(sizes))]
