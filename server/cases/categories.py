"""The event catalogue as intake needs it: of each category its kind and whether it goes straight to the township.

Read from `ref`, where administrators keep it, and kept for a short while; what `ref` lacks is taken from the built-in catalogue.
"""

import threading
import time
import weakref
from typing import Any

from server.domain import catalogue
from sync.couch import Couch
from sync.databases import REF
from sync.errors import NotFound

KEPT_S = 30.0
MOST = 5000
Document = dict[str, Any]
BUILT_IN = {doc["code"]: doc for doc in catalogue.categories()}
_kept: "weakref.WeakKeyDictionary[Couch, tuple[float, dict[str, Document]]]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def by_code(couch: Couch) -> dict[str, Document]:
    """Every category by its code."""
    now = time.monotonic()
    with _lock:
        at, found = _kept.get(couch, (-KEPT_S, {}))
    if now - at < KEPT_S:
        return found
    try:
        docs = couch.database(REF).range("category:", "category:\ufff0", MOST)
    except NotFound:
        docs = []
    found = BUILT_IN | {doc["code"]: doc for doc in docs}
    with _lock:
        _kept[couch] = (now, found)
    return found


def facts_of(couch: Couch, code: str) -> tuple[str | None, bool]:
    """`(kind, is direct)` of a category; of an unknown one nothing is known, and its community holds it first."""
    doc = by_code(couch).get(code, {})
    return doc.get("kind"), bool(doc.get("direct"))
