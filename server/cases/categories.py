"""The event catalogue as intake needs it: of each category its kind and whether it goes straight to the township.

Read from `ref`, where administrators keep it, and kept for a short while; what `ref` lacks is taken from the built-in catalogue.
"""

from typing import Any

from server.cases.kept import Kept
from server.domain import catalogue
from sync.couch import Couch
from sync.databases import REF
from sync.errors import NotFound

MOST = 5000
Document = dict[str, Any]
BUILT_IN = {doc["code"]: doc for doc in catalogue.categories()}


def by_code(couch: Couch) -> dict[str, Document]:
    """Every category by its code."""
    return _KEPT.of(couch)


def facts_of(couch: Couch, code: str) -> tuple[str | None, bool]:
    """`(kind, is direct)` of a category; of an unknown one nothing is known, and its community holds it first."""
    doc = by_code(couch).get(code, {})
    return doc.get("kind"), bool(doc.get("direct"))


def _read(couch: Couch) -> dict[str, Document]:
    try:
        docs = couch.database(REF).range("category:", "category:\ufff0", MOST)
    except NotFound:
        docs = []
    return BUILT_IN | {doc["code"]: doc for doc in docs}


_KEPT = Kept(_read)
