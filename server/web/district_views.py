"""A district's townships with their figures, one row each; places are counted, never people. No HTTP here."""

import threading
import time
import weakref
from datetime import UTC, datetime
from typing import Any

from server.cases import counting
from server.cases.reach import Place
from server.domain import workflow
from server.web.names import Names
from server.web.scopes import Scope
from sync.couch import Couch

KEPT_S = 5.0
COLUMNS: tuple[str, ...] = (*(phase for phase in workflow.PHASES if phase != "ended"), "overdue", "above", "ended")
_kept: "weakref.WeakKeyDictionary[Couch, dict[tuple[str, str], tuple[float, dict[str, int]]]]" = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def townships(couch: Couch, names: Names, scope: Scope, language: str) -> dict[str, Any]:
    """`{columns, rows: [{code, name, figures}], total}`; `above` is what the reader's level holds of a township's cases."""
    rows: list[dict[str, Any]] = []
    for place in scope.places:
        figures = _figures(couch, place, scope.level or "district")
        rows.append({"code": place.township, "name": names.township(place.township, language), "figures": figures})
    total = {name: sum(row["figures"][name] for row in rows) for name in COLUMNS}
    return {"columns": COLUMNS, "rows": rows, "total": total, "level": scope.level}


def _figures(couch: Couch, place: Place, level: str) -> dict[str, int]:
    """A township's figures, a few seconds old at most: a district's page asks for all of them at once."""
    key, now = (place.township, level), time.monotonic()
    with _lock:
        counted_at_s, known = _kept.setdefault(couch, {}).get(key, (-KEPT_S, {}))
    if known and now - counted_at_s < KEPT_S:
        return known
    figures = counting.by_phase(couch, [place])
    figures["overdue"] = counting.overdue(couch, [place], datetime.now(UTC))
    figures["above"] = counting.at_level(couch, place.township, [level])[level]
    with _lock:
        _kept[couch][key] = (now, figures)
    return figures
