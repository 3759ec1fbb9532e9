"""What a list of cases is asked for: the query of the API and of the desk's page, checked. The search itself is elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode

from server.cases.search import Filters
from server.domain import workflow
from server.domain.errors import InvalidInput, Missing
from server.domain.grids import is_grid
from server.domain.permissions import Person, may_use_desk, townships_seen

LIMIT, LIMIT_MOST = 50, 100
TEXT_MOST = 100
TRUE = frozenset({"1", "true"})
NAMES = ("state", "category", "unit", "grid", "q")


@dataclass(frozen=True)
class Query:
    """A checked query. `chosen` holds what the person chose, for links; `filters` also what they may see."""

    chosen: dict[str, str]
    filters: Filters
    limit: int
    cursor: str | None

    def url(self, path: str, **changes: str | None) -> str:
        """The address of this list with some choices changed (None takes one away)."""
        wanted = {name: value for name, value in (self.chosen | changes).items() if value}
        return f"{path}?{urlencode(wanted)}" if wanted else path


def read(params: Mapping[str, str], person: Person, township: str) -> Query:
    """The query in a request's parameters, kept to what the person may see. Raises InvalidInput naming what is wrong, Missing."""
    chosen = {name: value for name in NAMES if (value := params.get(name, "").strip())}
    wrong = {name: "too_long" for name, value in chosen.items() if len(value) > TEXT_MOST}
    if chosen.get("state", "reported") not in workflow.STATES:
        wrong["state"] = "unknown"
    if "grid" in chosen and not is_grid(chosen["grid"]):
        wrong["grid"] = "invalid"
    limit = params.get("limit", str(LIMIT))
    if not (limit.isascii() and limit.isdigit() and len(limit) < 6 and 1 <= int(limit) <= LIMIT_MOST):
        wrong["limit"] = "out_of_range"
    if wrong:
        raise InvalidInput(wrong)
    overdue_at = datetime.now(UTC) if params.get("overdue", "") in TRUE else None
    filters = Filters(**chosen, community=own_community(person, township, params.get("community")), overdue_at=overdue_at)
    return Query(chosen, filters, int(limit), params.get("cursor") or None)


def own_community(person: Person, township: str, wanted: str | None = None) -> str | None:
    """The community a list is kept to: None for staff of the township (unless they ask), else one of the person's own."""
    if not may_use_desk(person) or township not in townships_seen(person):
        raise Missing
    if township in person.get("townships", ()):
        return wanted or None
    own = sorted(code for code in person.get("communities", ()) if code.startswith(township))
    if wanted and wanted not in own:
        raise Missing
    return wanted or own[0]
