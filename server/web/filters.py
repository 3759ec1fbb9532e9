"""What a list of cases is asked for: the query of the API and of the desk's pages, checked. The search itself is elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from server.cases.search import Filters
from server.domain import workflow
from server.domain.errors import InvalidInput
from server.domain.grids import is_grid

LIMIT, LIMIT_MOST = 50, 100
TEXT_MOST = 100
TRUE = frozenset({"1", "true"})
# What a filter may be; the others are free text or codes.
KNOWN: dict[str, tuple[str, ...]] = {
    "state": workflow.STATES,
    "phase": tuple(workflow.PHASES),
    "level": workflow.LEVELS,
    "sample": ("due", "passed", "failed"),
}
NAMES = (*KNOWN, "category", "unit", "grid", "q")


@dataclass(frozen=True)
class Query:
    """A checked query. `chosen` holds what the person chose, for links."""

    chosen: dict[str, str]
    filters: Filters
    limit: int
    cursor: str | None

    def url(self, path: str, **changes: str | None) -> str:
        """The address of this list with some choices changed (None takes one away)."""
        wanted = {name: value for name, value in (self.chosen | changes).items() if value}
        return f"{path}?{urlencode(wanted)}" if wanted else path


def read(params: Mapping[str, str], turns: tuple[str, ...] | None = None) -> Query:
    """The query in a request's parameters; `turns`: what waits for these parties. Raises InvalidInput naming what is wrong."""
    chosen = {name: value for name in NAMES if (value := params.get(name, "").strip())}
    wrong = {name: "too_long" for name, value in chosen.items() if len(value) > TEXT_MOST}
    wrong |= {name: "unknown" for name, known in KNOWN.items() if name in chosen and chosen[name] not in known}
    if "grid" in chosen and not is_grid(chosen["grid"]):
        wrong["grid"] = "invalid"
    limit = params.get("limit", str(LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= LIMIT_MOST):
        wrong["limit"] = "out_of_range"
    if wrong:
        raise InvalidInput(wrong)
    is_overdue = params.get("overdue", "") in TRUE
    wanted: dict[str, Any] = dict(chosen)
    filters = Filters(**wanted, turns=turns, overdue_at=datetime.now(UTC) if is_overdue else None)
    return Query(chosen | ({"overdue": "1"} if is_overdue else {}), filters, int(limit), params.get("cursor") or None)
