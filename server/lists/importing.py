"""Excel in: a dry run that shows what would change, an apply that is all or nothing, and the undoing of the last import.

The file waits as a draft in the database `lists` until its owner applies or discards it; applying reads it anew, so what is
applied is what was shown, or nothing: when the lists changed meanwhile, it says so. Who may is the caller's business.
"""

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from server.domain import times
from server.domain.errors import Changed, InvalidInput, Missing
from server.domain.list_versions import Version, day_of
from server.lists import naming, plans, publishing, rows, sheets, store
from server.lists.columns import TITLES, title_of
from server.lists.plans import Plan
from server.lists.sheets import Sheet
from sync import databases
from sync.couch import Couch
from sync.errors import NotFound

DRAFTS_FOR = timedelta(days=1)
DRAFTS_MOST = 100
FILE = "file"
Document = dict[str, Any]


class Draft(NamedTuple):
    """A file that waits, and what it would do."""

    id: str
    file: Document
    plan: Plan
    is_whole: bool


def plan(couch: Couch, raw: bytes, now: datetime, *, is_whole: bool, language: str) -> Plan:
    """What a file would change if it were imported now; nothing is written. Raises InvalidInput for what is no Excel file."""
    return plan_sheets(couch, sheets.read(raw), now, is_whole=is_whole, language=language)


def plan_sheets(couch: Couch, found: Sequence[Sheet], now: datetime, *, is_whole: bool = False, language: str) -> Plan:
    """The same of sheets that were read already, or typed into a form."""
    book = store.read(couch).book
    names = naming.names_of(couch, book, now, language)
    titles = {name: title_of(name, language) for name in TITLES}
    return plans.make(rows.read(found, names), book, day_of(now), is_whole=is_whole, titles=titles)


def apply(couch: Couch, by: str, made: Plan, now: datetime, *, kind: str = "import", **facts: Any) -> int:
    """Make a plan true and publish it; the number of the change, which keeps `facts` (`file`, `reason`). Raises InvalidInput when
    the plan has problems or says nothing new, Changed when the lists changed since it was made."""
    if made.problems:
        raise InvalidInput({"file": "has_problems"})
    if not made.versions():
        raise InvalidInput({"file": "nothing_new"})
    number = store.append(
        couch, base=made.base, kind=kind, by=by, now=now, versions=made.versions(), counts=made.counts(), **facts
    )
    publishing.publish(couch, store.read(couch).book, day_of(now))
    return number


def keep_draft(couch: Couch, by: str, raw: bytes, name: str, now: datetime, *, is_whole: bool, language: str) -> Draft:
    """Keep a file for its apply and say what it would do. Raises InvalidInput for what is no Excel file. Old drafts go."""
    made = plan(couch, raw, now, is_whole=is_whole, language=language)
    database = store.ensure(couch)
    for old in database.range("draft:", "draft:\ufff0", DRAFTS_MOST):
        if old["at"] < times.to_text(now - DRAFTS_FOR):
            database.bulk([{"_id": old["_id"], "_rev": old["_rev"], "_deleted": True}])
    file: Document = {"name": name[:200], "size_bytes": len(raw), "sha256": hashlib.sha256(raw).hexdigest()}
    id = secrets.token_hex(16)
    doc: Document = {
        "_id": f"draft:{id}",
        "type": "draft",
        "v": 1,
        "by": by,
        "at": times.to_text(now),
        "is_whole": is_whole,
        "file": file,
    }
    rev = database.put(doc | {"base": made.base, "day": day_of(now)})
    database.attach(doc["_id"], rev, FILE, raw, sheets.CONTENT_TYPE)
    return Draft(id, file, made, is_whole)


def apply_draft(couch: Couch, by: str, id: str, now: datetime, language: str) -> int:
    """Apply one's own draft; the number of the change. Raises Missing, InvalidInput, and Changed when the lists changed since, or
    the day did: then what was shown is not what would happen."""
    doc = _find(couch, by, id)
    raw = couch.database(databases.LISTS).attachment(doc["_id"], FILE)
    store.forget(couch)
    made = plan(couch, raw, now, is_whole=doc["is_whole"], language=language)
    if made.base != doc["base"] or doc["day"] != day_of(now):
        raise Changed("lists_changed", last=made.base)
    number = apply(couch, by, made, now, file=doc["file"])
    discard(couch, by, id)
    return number


def discard(couch: Couch, by: str, id: str) -> None:
    """Throw one's own draft away. Raises Missing."""
    doc = _find(couch, by, id)
    couch.database(databases.LISTS).bulk([{"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True}])


def edit(couch: Couch, by: str, version: Version, now: datetime, *, reason: str, kind: str = "entry") -> int:
    """One entry's new version as a change of its own, published; its number. Tried again when others change lists meanwhile."""
    for _ in range(5):
        base = store.read(couch).book.last_change
        try:
            number = store.append(couch, base=base, kind=kind, by=by, now=now, versions=[version], reason=reason)
        except Changed:
            continue
        publishing.publish(couch, store.read(couch).book, day_of(now))
        return number
    raise Changed("lists_changed")


def undoable(couch: Couch) -> int | None:
    """The last import that counts, unless what it touched was touched again since; else None."""
    kept = store.read(couch)
    counting = [n for n, doc in sorted(kept.changes.items()) if n not in kept.undone and doc["kind"] != "undo"]
    imports = [n for n in counting if kept.changes[n]["kind"] == "import"]
    if not imports:
        return None
    last = imports[-1]
    touched = store.touched_by(couch, last, kept.changes[last]["token"])
    later = [store.touched_by(couch, n, kept.changes[n]["token"]) for n in counting if n > last]
    return None if any(touched & one for one in later) else last


def undo(couch: Couch, by: str, number: int, now: datetime, reason: str) -> int:
    """Undo the last import; the number of the change that says so. Raises InvalidInput without a reason, Changed when this is not
    the import that can be undone any more."""
    if not reason.strip():
        raise InvalidInput({"reason": "required"})
    store.forget(couch)
    if undoable(couch) != number:
        raise Changed("lists_changed")
    base = store.read(couch).book.last_change
    undone = store.append(couch, base=base, kind="undo", by=by, now=now, of=number, reason=reason.strip()[:1000])
    publishing.publish(couch, store.read(couch).book, day_of(now))
    return undone


def _find(couch: Couch, by: str, id: str) -> Document:
    try:
        doc = couch.database(databases.LISTS).find(f"draft:{id}") if id.isalnum() else None
    except NotFound:
        doc = None
    if doc is None or doc["by"] != by:
        raise Missing(draft=id)
    return doc
