"""The resumable changes feed: read after a checkpoint, do the work, save the checkpoint last.

A checkpoint is a `_local` document of the very database it is about, so it is lost and kept together with it. Work done between
`read` and `save` may be done again after a crash: it must be repeatable. Sequences are opaque and compared by equality only.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from sync.database import Changes, Database

Seq = str | int


class Batch(NamedTuple):
    """A page of changes. `seq` is what to save once they are dealt with; `more` says that another page waits behind it.
    `checkpoint` is the saved document it was read after, for `finish`.

    Each change is a row of CouchDB's feed with `id`, `changes` [{rev}…], `doc` (the winner, a stub when deleted). Read with
    `style="all_docs"` it has `leaves` besides: the documents of all leaf revisions, deleted ones included, the winner first.
    """

    changes: list[dict[str, Any]]
    seq: Seq
    more: bool
    checkpoint: dict[str, Any] | None = None


def checkpoint(database: Database, name: str) -> Seq | None:
    """The sequence saved last, or None."""
    saved = database.local_get(name)
    return None if saved is None else saved["seq"]


def read(database: Database, checkpoint_name: str, batch: int = 500, style: str = "main_only") -> Batch:
    """The next page after the checkpoint, at most `batch` changes. Reading it saves nothing."""
    saved = database.local_get(checkpoint_name)
    page = read_after(database, None if saved is None else saved["seq"], batch, style)
    return page._replace(checkpoint=saved)


def finish(database: Database, checkpoint_name: str, page: Batch, kept: Mapping[str, Any] | None = None) -> None:
    """Remember that everything of a page from `read` is dealt with: one request, and none when nothing was new.

    What is `kept` is there for whoever reads the next page, in its `checkpoint`.
    """
    saved, content = page.checkpoint, {"seq": page.seq} | ({"kept": dict(kept)} if kept else {})
    if saved is None or any(saved.get(name) != content.get(name) for name in ("seq", "kept")):
        database.local_put(checkpoint_name, content, rev=saved["_rev"] if saved else None, is_new=saved is None)


def read_after(database: Database, since: Seq | None, batch: int = 500, style: str = "main_only") -> Batch:
    """A page after any sequence: a look ahead, say for the receipt that follows a batch. Saves nothing."""
    page = database.changes(since, batch, style=style)
    if style == "all_docs":
        _add_leaves(database, page)
    return Batch(page.results, page.last_seq, page.pending > 0)


def save(database: Database, checkpoint_name: str, seq: Seq) -> None:
    """Remember that everything up to `seq` is dealt with, whatever was read before; `finish` is cheaper after a `read`."""
    saved = database.local_get(checkpoint_name)
    if saved is None or saved["seq"] != seq:
        database.local_put(checkpoint_name, {"seq": seq})


def _add_leaves(database: Database, page: Changes) -> None:
    """Fetch what the feed leaves out: it carries the winner's body only. One request for all conflicts of the page."""
    branched = [(row["id"], leaf["rev"]) for row in page.results if len(row["changes"]) > 1 for leaf in row["changes"]]
    found = {(doc["_id"], doc["_rev"]): doc for doc in database.leaves(branched)}
    for row in page.results:
        if len(row["changes"]) == 1:
            row["leaves"] = [row["doc"]] if row.get("doc") else []
        else:
            keys = [(row["id"], leaf["rev"]) for leaf in row["changes"]]
            row["leaves"] = [found[key] for key in keys if key in found]
