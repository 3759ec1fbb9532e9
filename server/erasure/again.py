"""Erasing again after a store was put back to an earlier day, before anybody reads of it: whatever bears a mark goes, wherever it
lies, by passes over every database that may hold it.

Asked for by `xunge restore`, by `xunge erase-again` after databases were put back by other means, and by a server that starts and
finds the store without marks that its data folder has.
"""

import logging
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from server.erasure import callers, register, store, sweeping, traces
from server.erasure.marks import key_id
from sync import databases
from sync.couch import Couch

# Marks of what is met for the first time in a store that was put back.
RESTORED = "erasure:restored"
KINDS = frozenset({"home", "home-quarter", "grid", "beat", "media"})
PASSES_MOST = 12
LOG = logging.getLogger(__name__)


def catch_up(couch: Couch, registers: Iterable[Path], now: datetime) -> int:
    """Erase again what registers know and the store has forgotten; how many marks it had forgotten. Nothing to do for none.

    Raises OSError and the store's errors.
    """
    foreign = {doc.get("key_id") for doc in store.everything(couch, "erasure:")} - {key_id(), None}
    if foreign:
        LOG.error("what was erased under another XUNGE_SECRET cannot be recognized any more: set the one it was erased with")
    forgotten = sum(register.agree(couch, path) for path in registers)
    if forgotten:
        LOG.warning("the store had forgotten %s erased ids: erasing again", forgotten)
        everywhere(couch, now)
    return forgotten


def everywhere(couch: Couch, now: datetime) -> int:
    """Take everything that bears a mark out of every database; how many documents were met. Raises the store's errors."""
    marks = store.load(couch)
    if not marks.known:
        return 0
    kinds = {name: parts.kind for name in couch.all_databases() if (parts := databases.parse(name))}
    met: set[str] = set()
    for _ in range(PASSES_MOST):
        has_written = False
        for name in sorted(name for name, kind in kinds.items() if kind in KINDS):
            swept = sweeping.sweep(couch, name, marks, RESTORED, now)
            met |= swept.found.keys()
            if swept.has_written:
                has_written = True
                traces.give_back(couch, name)
        if not (traces.clear_quarantine(couch, marks, RESTORED, now) or has_written):
            break
    for name in (name for name, kind in kinds.items() if kind == "cases"):
        met |= callers.sweep(couch, name, marks)
    # The index of household files is made again from what is left.
    for name in (name for name, kind in kinds.items() if kind == "homes"):
        couch.delete(name)
    return len(met)
