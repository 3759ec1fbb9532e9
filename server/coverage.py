"""Reads the patrols of grids for the desk's page of coverage: the newest of each one's present and last quarter, so many at most.

What is made of them is `server/domain/coverage.py`. Tracks are not touched.
"""

from collections.abc import Iterable
from datetime import datetime

from server.domain import coverage
from server.domain.coverage import Coverage
from sync.couch import Couch
from sync.databases import grid_db, previous_quarter, quarter_at
from sync.errors import NotFound

# Of one grid and quarter: some thirty rounds a day for a week.
PATROLS_MOST = 200


def of_grids(couch: Couch, grids: Iterable[str], now: datetime) -> dict[str, Coverage]:
    """The figures of each grid. Raises the store's errors."""
    quarters = (quarter_at(now), previous_quarter(quarter_at(now)))
    return {grid: coverage.of_grid([one for quarter in quarters for one in _newest(couch, grid, quarter)], now) for grid in grids}


def _newest(couch: Couch, grid: str, quarter: str) -> list[dict[str, object]]:
    try:
        return couch.database(grid_db(grid, quarter)).range("patrol:\ufff0", "patrol:", PATROLS_MOST, descending=True)
    except NotFound:
        return []
