"""What was made of erased records elsewhere: rows of the township's index of households, photos' files, refused copies.

Each is asked for by what the sweep of the records met, whether it closed it now or before, so a run that was killed is made good
by the next. Nothing here is the only copy of anything.
"""

import contextlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from server.domain import erasure, home_rows, times
from server.erasure import store, sweeping
from server.erasure.marks import Marks
from server.households import indexing
from server.quarantine import decisions, entries, opening
from sync import databases
from sync.couch import Couch
from sync.database import Database
from sync.errors import NotFound, Refused, Unreachable

PAGE = 200
ROWS = frozenset({"household", "member", "errand"})
ERASED = "erased"
Document = dict[str, Any]


def clear_index(couch: Couch, township: str, grid: str, found: Mapping[str, str]) -> None:
    """Rows of erased households, members and errands; visits go with their household's row."""
    index = couch.database(databases.homes_db(township))
    rows = [home_rows.row_id(id) for id, type_ in found.items() if type_ in ROWS]
    try:
        present = [doc for doc in index.many(rows).items() if doc[1]]
        index.bulk([{"_id": id, "_rev": doc["_rev"], "_deleted": True} for id, doc in present if doc])
        indexing.count(index, grid)
        index.view(indexing.DESIGN, "words", limit=1)  # so that no word of theirs waits in the views for the next search
    except NotFound:
        return
    give_back(couch, index.name, [indexing.DESIGN])


def clear_files(couch: Couch, township: str, found: Mapping[str, str], marks: Marks) -> None:
    """Files and sizes of erased photos."""
    photos = [id for id, type_ in found.items() if type_ == "photo"]
    if photos and sweeping.look_up(couch, databases.media_db(township), photos, marks):
        give_back(couch, databases.media_db(township))


def clear_quarantine(couch: Couch, marks: Marks, erasure_id: str, now: datetime) -> bool:
    """Refused copies lose their contents and their ids, file and all, whatever was decided; True when any did, so that what
    belongs to it has to be looked for once more."""
    database, start, has_any = couch.database(databases.QUARANTINE), "refused:", False
    while True:
        try:
            page = database.range(start, "refused:\ufff0", PAGE)
        except NotFound:
            return has_any
        theirs = [entries.with_defaults(doc) for doc in page if is_of_erased(doc, marks)]
        if theirs:
            _empty(couch, database, theirs, marks, erasure_id, now)
            has_any = True
        if len(page) < PAGE:
            break
        start = f"{page[-1]['_id']}\x00"
    if has_any:
        opening.view(couch, "subjects", limit=1)
        give_back(couch, database.name, [opening.DESIGN])
    return has_any


def is_of_erased(entry: Document, marks: Marks) -> bool:
    """True for the entry of a record, or of a photo's file, that was erased or belongs to what was."""
    about, document = entry.get("about") or {}, entry.get("document")
    named = {"_id": about.get("id"), "of": about.get("of"), "type": about.get("type")}
    return erasure.is_erased(named, marks) or (isinstance(document, dict) and erasure.is_erased(document, marks))


def give_back(couch: Couch, name: str, designs: Iterable[str] = ()) -> None:
    """Have the store drop what no leaf needs any more: earlier bodies, rows of views, attachments."""
    for path in ([name, "_compact"], *([name, "_compact", design] for design in designs)):
        with contextlib.suppress(NotFound, Refused):
            couch.send("POST", path, body={}, accept_quorum_missed=True)


def _empty(  # noqa: PLR0917 - where, which, and by whose erasure
    couch: Couch, database: Database, theirs: list[Document], marks: Marks, erasure_id: str, now: datetime
) -> None:
    """Marked first: a file that comes for such a photo later is refused by its mark."""
    ids = {entry["about"]["id"]: erasure.type_of(entry["about"]["id"]) for entry in theirs if entry["about"]["id"]}
    fresh = {id: type_ for id, type_ in ids.items() if not marks.has(id)}
    store.add(couch, erasure_id, fresh | {entry["_id"]: "refused" for entry in theirs})
    marks.add(fresh)
    rows = database.bulk([emptied(entry, now) for entry in theirs])
    if any(row.get("error", "conflict") != "conflict" for row in rows):
        raise Unreachable("a refused copy was not emptied")


def emptied(entry: Document, now: datetime) -> Document:
    """A refused thing of which only is left that there was one, whose, and that it was erased; there is nothing to decide."""
    kept = {name: value for name, value in entry.items() if name not in {"document", "text", "head", "_attachments"}}
    decision = decisions.make("dismiss", decisions.SERVER, now, reason=ERASED) | {"is_settled": True}
    about = {"id": None, "rev": None, "type": entry["about"].get("type"), "of": None}
    gone = {"about": about, "sha256": "", "size_bytes": 0, "fields": {}, "reason": "erased_id", "history": []}
    return kept | gone | {"state": "dismissed", "decision": decision, "erased_at": times.to_text(now)}
