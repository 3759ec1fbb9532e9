"""Which unit to propose for a case, and whether a dispatch has its basis: the rules of `routing.py` on the lists as kept.

The lists are in memory while nothing changes (`store.read`); a system whose lists were never filled goes by the code's catalogue.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from server.domain import routing
from server.domain.list_versions import Book
from server.domain.routing import Proposal
from server.lists import seeds, store
from sync.couch import Couch


def propose_for(couch: Couch, case: Mapping[str, Any], now: datetime) -> Proposal:
    """The proposal for a case (`category`, `grid`, `urgency`) at an instant. Asks the store at most every two seconds."""
    urgency = str(case.get("urgency") or "normal")
    return routing.propose(str(case["category"]), str(case["grid"]), urgency, book_of(couch), now)


def check_dispatch(
    couch: Couch, case: Mapping[str, Any], unit: str, fields: Mapping[str, Any], now: datetime
) -> dict[str, str | None]:
    """The `basis` {`entry`, `reason`} of a dispatch to a unit. Raises InvalidInput as `routing.check_basis` does.

    An entry (`fields["entry"]`) must be in force and send this case to this unit; without one a `reason` is needed.
    """
    return routing.check_basis(book_of(couch), case, unit, fields, now)


def book_of(couch: Couch) -> Book:
    """The lists as they are kept, or the code's own while none are."""
    kept = store.read(couch)
    return kept.book if kept.book.last_change else _of_the_code()


@cache
def _of_the_code() -> Book:
    return Book(seeds.entries())
