"""Where an item belongs: the grid that is named, else the one around its point, else its township with the grid to be found.

Outlines come from `ref` and are kept for a short while. What a source may write to is its `areas` (6 or 9 digits).
"""

import threading
import time
import weakref
from collections.abc import Iterable, Sequence
from typing import Any

from server.cases import reach
from server.domain import grids, outlines
from server.domain.errors import InvalidInput
from server.domain.sources import Item
from sync.couch import Couch
from sync.databases import REF
from sync.errors import NotFound

KEPT_S = 60.0
GRIDS_MOST = 5000
Document = dict[str, Any]
_kept: "weakref.WeakKeyDictionary[Couch, dict[str, tuple[float, list[Document]]]]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def place(couch: Couch, item: Item, areas: Sequence[str], fallback: str | None = None) -> str:
    """The grid of an item, or `grids.unplaced` of its township. Raises InvalidInput for a place that is not the source's."""
    named = next((code for code in (item.grid, item.community, item.township) if code), None)
    field = "grid" if item.grid else "community" if item.community else "township"
    if named and not any(named.startswith(area) for area in areas):
        raise InvalidInput({field: "not_allowed"})
    townships = _townships(couch, areas, named)
    if named and not townships:
        raise InvalidInput({field: "unknown"})
    if item.grid:
        return _named_grid(couch, item.grid)
    return _by_point(couch, item, townships, named or "") or _by_name(couch, item, townships, fallback)


def grids_of(couch: Couch, township: str) -> list[Document]:
    """The grids of a township as `ref` has them, ended ones left out."""
    now = time.monotonic()
    with _lock:
        at, found = _kept.setdefault(couch, {}).get(township, (-KEPT_S, []))
    if now - at < KEPT_S:
        return found
    try:
        docs = couch.database(REF).range(f"grid:{township}", f"grid:{township}\ufff0", GRIDS_MOST)
    except NotFound:
        docs = []
    found = [doc for doc in docs if not doc.get("valid_to")]
    with _lock:
        _kept[couch][township] = (now, found)
    return found


def _townships(couch: Couch, areas: Iterable[str], named: str | None) -> list[str]:
    """The townships in question: the one that is named, else all a source may write to."""
    if named:
        township = grids.township_of(named)
        return [township] if township in reach.all_townships(couch) or grids_of(couch, township) else []
    return [code for code in reach.all_townships(couch) if any(code.startswith(area) for area in areas)]


def _named_grid(couch: Couch, code: str) -> str:
    if grids.is_unplaced(code) or all(doc["code"] != code for doc in grids_of(couch, grids.township_of(code))):
        raise InvalidInput({"grid": "unknown"})
    return code


def _by_point(couch: Couch, item: Item, townships: Sequence[str], prefix: str) -> str | None:
    spot = item.place
    if spot is None or spot.lat is None or spot.lon is None:
        return None
    for township in townships:
        for doc in grids_of(couch, township):
            if doc["code"].startswith(prefix) and outlines.contains(doc.get("outline") or {}, spot.lat, spot.lon):
                return str(doc["code"])
    return None


def _by_name(couch: Couch, item: Item, townships: Sequence[str], fallback: str | None) -> str:
    """By what is named alone: a community with one grid is that grid; a township waits for a clerk to find the grid."""
    if item.community:
        own = [doc["code"] for doc in grids_of(couch, townships[0]) if doc["code"].startswith(item.community)]
        if len(own) == 1:
            return str(own[0])
    township = townships[0] if len(townships) == 1 else fallback
    if township is None:
        raise InvalidInput({"place": "required"})
    return grids.unplaced(township)
