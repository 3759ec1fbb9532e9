"""Finds household files that two people changed at once and makes one of the versions (DESIGN §5); then the errands among them go
on to the cases (`server/cases/errands.py`). One call is one bounded run.

How versions merge is `server/domain/merge.py`, how branches of a document become one `sync/conflicts.py`. May run twice, at the
same time, with phones pushing meanwhile, and be killed anywhere: the checkpoint is saved last, and everything written is a
function of what was read.
"""

import logging
from datetime import UTC, datetime

from server.cases import errands
from server.cases.intake import BATCH, CHECKPOINT, NOTHING, Outcome
from server.domain import merge
from server.erasure import traces
from server.erasure import values as erased
from server.households import spilling
from sync import conflicts, feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import parse

LOG = logging.getLogger(__name__)


def is_settled_here(name: str) -> bool:
    """True for the databases whose documents many may change: household files."""
    parts = parse(name)
    return parts is not None and parts.kind == "home"


def run(couch: Couch, name: str, now: datetime | None = None, *, batch: int = BATCH) -> Outcome:
    """Settle the conflicts among a database's next changes. Raises the errors of the store; NotFound when it is gone."""
    database = couch.database(name)
    page = feed.read(database, CHECKPOINT, batch, style="all_docs")
    if not page.changes:
        return NOTHING
    settled = 0
    for row in page.changes:
        if len(row["changes"]) > 1 and conflicts.is_branched(row):
            settled += _settle(couch, database, conflicts.living(row))
    made, due = errands.take_in(couch, _errands(page), now or datetime.now(UTC))
    feed.finish(database, CHECKPOINT, page)
    return Outcome(made, frozenset({name} if settled else ()) | due, page.more, frozenset(due))


def _errands(page: feed.Batch) -> list[merge.Document]:
    """The errands of a page that have one version; of the others the next page has what they became."""
    rows = [row for row in page.changes if row["id"].startswith("errand:") and len(row["changes"]) == 1]
    return [row["doc"] for row in rows if row.get("doc") and not row["doc"].get("_deleted")]


def _settle(couch: Couch, database: Database, leaves: list[merge.Document]) -> int:
    """1 when a conflict was settled. Leaves of a type that nobody may change are `server/cases/duplicates.py`'s."""
    types = {leaf.get("type") for leaf in leaves}
    if len(types) > 1 or not types <= merge.MUTABLE:
        LOG.error("%s in %s is in conflict and of %s: left alone", leaves[0]["_id"], database.name, sorted(map(str, types)))
        return 0
    whole = merge.merge([conflicts.content_of(leaf) for leaf in leaves])
    clean = erased.without_values(couch, whole)
    merged = merge.bound(clean)
    spilling.keep(database, merged.doc, merged.spilled)
    rev = conflicts.resolve(database, leaves, merged.doc)
    if clean is not whole:
        traces.give_back(couch, database.name)  # the branch that brought it back is closed, and its body is not to stay
    LOG.info("%s in %s: %s versions merged as %s", leaves[0]["_id"], database.name, len(leaves), rev)
    return 1
