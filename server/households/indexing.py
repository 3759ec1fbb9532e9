"""Keeps a township's index of household files, `homes-<9>`, in step with the `home-*` databases. One call is one bounded run.

The index can be deleted at any moment: a new one has another life, no database was read for it yet, and the next runs (the
worker's sweep asks for them) read all of them again. Rows are pure functions of the documents (`server/domain/home_rows.py`),
read after the row they replace, so that of two runs at once the later one's row is made of what is newest. Each grid has a tally
besides, `tally:<grid>` {`days` {due day: households}, `needs`, `services` {code: households}}: counts cost one document a grid.
"""

import contextlib
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from server.domain import documents, home_rows
from server.domain.grids import township_of
from sync import databases, designs, feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import homes_db
from sync.errors import Conflict, Unreachable

DESIGN, LIFE = "homes", "life"
# Count this up with every change of what rows, tallies or views hold: the index is then made again, by whoever takes in next.
SHAPE = 3
KINDS = frozenset({"home", "home-quarter"})
BATCH, TRIES = 500, 20
LOG = logging.getLogger(__name__)
Document = dict[str, Any]
Present = dict[str, Document | None]


class Done(NamedTuple):
    """What a run did: how many rows it wrote, and whether more of the database waits."""

    written: int
    more: bool


NOTHING = Done(0, more=False)


def run(couch: Couch, name: str, *, batch: int = BATCH) -> Done:
    """Take in the next changes of a `home-*` database; of any other it does nothing. Raises the errors of the store."""
    parts = databases.parse(name)
    if parts is None or parts.kind not in KINDS or not parts.grid:
        return NOTHING
    index = ensure(couch, township_of(parts.grid))
    database, checkpoint = couch.database(name), checkpoint_of(life_of(index))
    page = feed.read(database, checkpoint, batch)
    if page.checkpoint is None:
        designs.install(index, DESIGN)
    elif not page.changes:
        return NOTHING
    ids = [row["id"] for row in page.changes]
    if parts.kind == "home":
        written = _take_files(index, database, [id for id in ids if id.partition(":")[0] in {"household", *home_rows.PARTS}])
    else:
        written = _take_visits(index, name, [row["doc"] for row in page.changes if _is_visit(row.get("doc") or {})])
    if written or not page.more:
        count(index, parts.grid)
    feed.finish(database, checkpoint, page)
    return Done(written, page.more)


def ensure(couch: Couch, township: str) -> Database:
    """The township's index, made with its views and a life of its own when it is not there."""
    database = couch.database(homes_db(township))
    if database.find(LIFE) is not None:
        return database
    couch.create(database.name, replicated=False)
    designs.install(database, DESIGN)
    with contextlib.suppress(Conflict):  # somebody else began it at this moment
        database.put({"_id": LIFE, "type": "life", "id": secrets.token_hex(6)})
    return database


def life_of(index: Database) -> str:
    """Which life of the index this is, of rows of this version. Raises NotFound when there is no index."""
    return f"{index.get(LIFE)['id']}-{SHAPE}"


def checkpoint_of(life: str) -> str:
    """The name of a database's checkpoint for a life of the index."""
    return f"homes-{life}"


def mark_swept(couch: Couch, name: str, seen: str) -> None:
    """Remember that all of a database up to a sequence that the sweep saw is in the index. Nothing to do for any other."""
    parts = databases.parse(name)
    if parts and parts.grid and parts.kind in KINDS:
        life = life_of(couch.database(homes_db(township_of(parts.grid))))
        feed.save(couch.database(name), f"{checkpoint_of(life)}-swept", seen)


def is_in_step(database: Database, life: str, seen: str) -> bool:
    """True when all of a database up to a sequence is in this life of the index."""
    name = checkpoint_of(life)
    return seen in {str(feed.checkpoint(database, one)) for one in (name, f"{name}-swept")}


def count(index: Database, grid: str) -> None:
    """Write a grid's tally anew: how many households are due on which day, how many have which need or service."""
    for _ in range(TRIES):
        present = index.find(f"tally:{grid}")
        span: Document = {"startkey": [grid], "endkey": [grid, {}], "group_level": 2}
        found = {
            name: {row["key"][1]: row["value"] for row in index.view(DESIGN, view, **span)["rows"]}
            for name, view in (("days", "due"), ("needs", "needs"), ("services", "services"))
        }
        tally = {"_id": f"tally:{grid}", "type": "tally", "v": 1, "grid": grid, **found}
        if present == tally | {"_rev": present["_rev"] if present else ""}:
            return
        try:
            index.put(tally | ({"_rev": present["_rev"]} if present else {}))
        except Conflict:
            continue
        return
    raise Conflict(f"tally:{grid}")


def _is_visit(doc: Document) -> bool:
    return doc.get("type") == "visit" and bool(doc.get("household")) and not doc.get("_deleted") and _is_sound(doc)


def _is_sound(doc: Document) -> bool:
    """False for what got past the gate with a wrong shape: it is on no list, and holds up none of the others."""
    try:
        documents.read_stored(doc)
    except (KeyError, msgspec.ValidationError):
        LOG.warning("%s is unsound: left out of the index", doc["_id"])
        return False
    return True


def _take_files(index: Database, database: Database, ids: Sequence[str]) -> int:
    """Households, members and errands as they are now; a row whose document is gone goes, too."""
    source_of = {home_rows.row_id(id): id for id in ids}

    def rows(wanted: Iterable[str], present: Present) -> list[Document]:
        docs = database.many([source_of[id] for id in wanted])
        return [row for id in wanted if (row := _file_row(docs[source_of[id]], present[id])) is not None]

    return _write(index, list(source_of), rows)


def _file_row(doc: Document | None, present: Document | None) -> Document | None:
    if doc is None or not _is_sound(doc):
        return None if present is None else {"_id": present["_id"], "_deleted": True}
    return home_rows.household_row(doc, present) if doc["type"] == "household" else home_rows.part_row(doc)


def _take_visits(index: Database, name: str, docs: Sequence[Document]) -> int:
    made: dict[str, list[tuple[str, Document]]] = {}
    grid_of: dict[str, str] = {}
    household_of = {home_rows.row_id(doc["household"]): doc["household"] for doc in docs}
    for doc in docs:
        id = home_rows.row_id(doc["household"])
        made.setdefault(id, []).append((name, doc))
        grid_of[id] = doc["grid"]

    def rows(wanted: Iterable[str], present: Present) -> list[Document]:
        return [home_rows.visited_row(household_of[id], grid_of[id], made[id], present[id]) for id in wanted]

    return _write(index, list(made), rows)


def _write(index: Database, ids: list[str], rows: Callable[[Iterable[str], Present], list[Document]]) -> int:
    """Write rows that differ from what is there, again for those that somebody else wrote meanwhile; how many were written."""
    written = 0
    for _ in range(TRIES):
        if not ids:
            return written
        present = index.many(ids)
        changed = []
        for row in rows(ids, present):
            old = present[row["_id"]]
            if old is None or row != {name: value for name, value in old.items() if name != "_rev"}:
                changed.append(row | ({"_rev": old["_rev"]} if old else {}))
        answers = index.bulk(changed)
        odd = {one["error"] for one in answers if "error" in one} - {"conflict"}
        if odd:
            raise Unreachable(f"{index.name}: {sorted(odd)}")
        ids = [one["id"] for one in answers if "error" in one]
        written += len(changed) - len(ids)
    raise Conflict(index.name)
