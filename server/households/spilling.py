"""Superseded values for which their document has no room: each in a document of its own beside it, so that none is ever dropped.

They have `_id` `superseded:<document>:<key>`, are written before their document is, and need no order: the same value makes the
same document. Which values spill is `server/domain/merge.py`.
"""

from collections.abc import Sequence

from server.domain import merge
from sync.database import Database
from sync.errors import Unreachable


def keep(database: Database, doc: merge.Document, edits: Sequence[merge.Edit]) -> None:
    """Write what found no room; what is there is the same already. Raises the store's errors; then `doc` must not be written."""
    rows = database.bulk([merge.spilled_document(doc, edit) for edit in edits])
    odd = [row for row in rows if row.get("error", "conflict") != "conflict"]
    if odd:
        raise Unreachable(f"{database.name}: {odd[0]['error']}")
