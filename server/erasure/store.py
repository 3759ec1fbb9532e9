"""The database `erasures`: what was erased, by marks, and each erasure with its grounds and how far it is.

    {"_id": "mark:<32 hex>", "type": "mark", "what": a document's type or "value", "erasure"}
    {"_id": "erasure:<township>:<uuid>", "type": "erasure", "v": 1, "number", "grid", "what": "household" | "member" | "caller",
     "basis", "note", "by", "at", "state": "asked" | "done", "steps": {"done", "of"}, "counts": {type: n}, "done_at", "proved_at",
     "purged_at", "key_id"}; of a caller also "case", "case_no": the case stays

Marks are never removed. No id, name or text of what was erased is in it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from server.domain import erasure
from server.erasure.marks import PREFIX, Marks, mark_of
from sync.couch import Couch
from sync.databases import ERASURES
from sync.errors import Conflict, NotFound, Unreachable

PAGE, TRIES = 1000, 20
Document = dict[str, Any]


def add(couch: Couch, erasure_id: str, names: Mapping[str, str]) -> None:
    """Mark these `{id or value: what it is}`, durably; one that is marked stays as it is. Raises the store's errors."""
    if names:
        write(couch, marks_of(erasure_id, names))


def marks_of(erasure_id: str, names: Mapping[str, str]) -> list[Document]:
    """The mark documents of ids and values."""
    return [
        {"_id": f"{PREFIX}{mark_of(name)}", "type": "mark", "v": 1, "what": what, "erasure": erasure_id}
        for name, what in names.items()
    ]


def write(couch: Couch, docs: Iterable[Document]) -> None:
    """Write marks or erasures that may be there already."""
    made = list(docs)
    try:
        rows = couch.database(ERASURES).bulk(made)
    except NotFound:
        couch.create(ERASURES, replicated=False)
        rows = couch.database(ERASURES).bulk(made)
    odd = [row for row in rows if row.get("error", "conflict") != "conflict"]
    if odd:
        raise Unreachable(f"not marked: {odd[0]['error']}")


def load(couch: Couch) -> Marks:
    """All marks there are."""
    return Marks(doc["_id"].removeprefix(PREFIX) for doc in everything(couch, PREFIX))


def among(couch: Couch, names: Iterable[str]) -> Marks:
    """The marks of those of these that were erased; at most two questions to the store, and one when nothing ever was."""
    wanted = set(names)
    info = couch.info_of(ERASURES) if wanted else None
    if info is None or not info["doc_count"]:
        return Marks()
    keys = [f"{PREFIX}{mark_of(name)}" for name in wanted]
    found = {id.removeprefix(PREFIX): doc for id, doc in couch.database(ERASURES).many(keys).items() if doc}
    return Marks(found, {mark: str(doc["erasure"]) for mark, doc in found.items()})


def everything(couch: Couch, prefix: str) -> Iterator[Document]:
    """Documents whose id begins so, in order, page by page. Nothing when there is no database."""
    start = prefix
    while True:
        try:
            page = couch.database(ERASURES).range(start, f"{prefix}\ufff0", PAGE)
        except NotFound:
            return
        yield from page
        if len(page) < PAGE:
            return
        start = f"{page[-1]['_id']}\x00"


def find(couch: Couch, id: str) -> Document | None:
    """An erasure, or None."""
    if not id.startswith("erasure:"):
        return None
    try:
        return couch.database(ERASURES).find(id)
    except NotFound:
        return None


def change(couch: Couch, id: str, fields: Mapping[str, Any]) -> Document:
    """Set fields of an erasure, whoever writes meanwhile. Raises NotFound, Conflict."""
    database = couch.database(ERASURES)
    for _ in range(TRIES):
        doc = database.get(id)
        if all(doc.get(name) == value for name, value in fields.items()):
            return doc
        try:
            return {**doc, **fields, "_rev": database.put({**doc, **fields})}
        except Conflict:
            continue
    raise Conflict(id)


def counts(couch: Couch, erasure_id: str) -> dict[str, int]:
    """How many things of each kind went with an erasure."""
    found = Counter(str(doc["what"]) for doc in everything(couch, PREFIX) if doc.get("erasure") == erasure_id)
    return {what: n for what, n in sorted(found.items()) if what != "value"}


def followers(docs: Iterable[Document], marked: Marks) -> dict[str, str]:
    """What goes with what was erased and is not marked by its own id yet: `{id: type}`."""
    found = {}
    for doc in docs:
        id = doc.get("_id")
        if isinstance(id, str) and erasure.is_erased(doc, marked) and not marked.has(id):
            found[id] = erasure.type_of(id)
    return found
