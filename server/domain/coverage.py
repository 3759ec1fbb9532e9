"""Coverage 巡查覆盖: how well grids are walked, told of places and never of people (DESIGN §10). Pure.

A cell is 1/400 degree each way, some 250 m: `<south>,<west>` counted from zero (`pwa/src/handlers/tracks.js`). What nobody
recorded is unknown, not zero: a round without cells was walked all the same.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from server.domain import ids, times

LOOK_BACK = timedelta(days=7)


class Coverage(NamedTuple):
    """Of one grid: rounds of the last days, the different cells they touched, and the day (China's) of the last round."""

    rounds: int
    cells: int
    last_on: str | None


def of_grid(patrols: Iterable[Mapping[str, Any]], now: datetime) -> Coverage:
    """The figures of one grid's patrols, whoever walked them."""
    known = [(times.corrected(one["ended_at"], one.get("clock_offset_ms")), one) for one in patrols]
    recent = [one for at, one in known if at > now - LOOK_BACK]
    last = max((at for at, _ in known), default=None)
    touched = {cell for one in recent for cell in one.get("cells", ())}
    return Coverage(len(recent), len(touched), f"{last.astimezone(ids.CHINA):%Y-%m-%d}" if last else None)
