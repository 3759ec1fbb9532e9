"""What phones say of a case afterwards becomes moves on it: replies to tasks, and notes with what their author asks for by them.

Every move has a key made of the record's id, so a record that is taken in again moves nothing. A record that belongs to nothing
is put aside for a clerk; nobody's words are dropped. What a move does is `server/domain/workflow`.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from server.cases import campaigns, copies, duplicates, moves
from server.domain import grids, ids, workflow
from server.domain.workflow.fields import PHOTOS_MOST, TEXT_LENGTH
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db, grid_db, home_quarter_db, parse, previous_quarter, quarter_at
from sync.errors import NotFound

Document = dict[str, Any]
# Of what a note may be about, what can be a case.
HAVE_CASES = frozenset({"report", "case", "errand"})
FINDINGS = {"done": "solved", "not_done": "not_solved"}


class Place(NamedTuple):
    """Where the records lie and when they are taken in. `fetch` takes in another database, whose report a note is about."""

    couch: Couch
    database: Database
    now: datetime
    fetch: Callable[[str], object]


def take_in(place: Place, docs: Iterable[Document]) -> int:
    """Make the moves of these records, oldest first; how many of them said something to a case or a campaign."""
    ordered = sorted(docs, key=lambda one: str(one["_id"]).partition(":")[2])
    return sum(TAKEN[doc["type"]](place, doc) for doc in ordered)


def _reply(place: Place, doc: Document) -> bool:
    task = _task_of(place, doc["of"])
    if task is not None and task.get("campaign"):
        campaigns.keep_answer(place.couch, task["campaign"], doc, place.now)
        return True
    if task is None or task["case"] is None:
        duplicates.keep_aside(place.couch, place.database.name, doc, "schema", {"of": "unknown"})
        return False
    outcome = FINDINGS.get(doc["outcome"], doc["outcome"]) if task["kind"] == "verify" else doc["outcome"]
    return _move(place, task["case"]["id"], "reply", doc, {"task": doc["of"], "outcome": outcome})


def _note(place: Place, doc: Document) -> bool:
    if doc["of"].partition(":")[0] not in HAVE_CASES or not (doc["text"].strip() or doc.get("photos")):
        return False
    case_id = ids.case_id(doc["of"])
    case = _case_of(place, case_id, doc["of"])
    if case is None:
        duplicates.keep_aside(place.couch, place.database.name, doc, "schema", {"of": "unknown"})
        return False
    return _move(
        place, case_id, _meant(place, doc, case), doc, {"reason": doc["text"]} if doc.get("intent") == "withdraw" else {}
    )


def _meant(place: Place, doc: Document, case: Document) -> str:
    """The move a note asks for. What is another's to ask, or came too late, is still worth reading: it stays a note.

    An errand is its grid's: whoever works there sends it again, by a note among the household databases, which nobody else opens.
    """
    intent = doc.get("intent")
    name = parse(place.database.name)
    is_theirs = name is not None and name.kind == "home-quarter" and copies.is_of_household(case)
    may_ask = is_theirs or doc["author"] == case["author"]
    if intent is None or not may_ask or not doc["text"].strip():
        return "note"
    return str(intent) if case["state"] in workflow.MOVES[intent].sources else "note"


def _move(place: Place, case_id: str, name: str, doc: Document, fields: Document) -> bool:
    said = {"text": doc["text"], "photos": doc.get("photos", [])} | fields
    given = {field: _fitting(value) for field, value in said.items() if value}
    author, township = doc["author"], grids.township_of(doc["grid"])
    party = f"user:{author}"
    after = moves.record(place.couch, township, case_id, name, given, key=_key(doc), now=place.now, by=author, party=party)
    return after is not None


def _key(doc: Document) -> str:
    return f"{doc['type']}-{ids.uuid_of(doc['_id'])}"


def _fitting(value: Any) -> Any:
    """A record's text may be longer than a move's: the move shows its beginning, the record keeps all of it."""
    if isinstance(value, list):
        return value[:PHOTOS_MOST]
    return value if len(value) <= TEXT_LENGTH else value[: TEXT_LENGTH - 1] + "…"


def _task_of(place: Place, task: str) -> Document | None:
    """The task a reply is to, where the server wrote it: beside the reply, or in this quarter or the last."""
    name = parse(place.database.name)
    if name is None or name.grid is None:
        return None
    make = grid_db if name.kind == "grid" else home_quarter_db
    quarter = quarter_at(place.now)
    for other in dict.fromkeys((place.database.name, make(name.grid, quarter), make(name.grid, previous_quarter(quarter)))):
        found = _found(place.couch, other, task)
        if found is not None:
            return found
    return None


def _found(couch: Couch, database: str, id: str) -> Document | None:
    try:
        return couch.database(database).find(id)
    except NotFound:
        return None


def _case_of(place: Place, case_id: str, of: str) -> Document | None:
    """The case a note is about. One whose report lies in another quarter, not taken in yet, is made first."""
    database = cases_db(grids.township_of(_grid(place)))
    case = _found(place.couch, database, case_id)
    if case is None and of.startswith("report:"):
        quarter = quarter_at(place.now)
        for other in (grid_db(_grid(place), previous_quarter(quarter)), grid_db(_grid(place), quarter)):
            if other != place.database.name and _found(place.couch, other, of) is not None:
                place.fetch(other)
                case = case or _found(place.couch, database, case_id)
    return case


def _grid(place: Place) -> str:
    name = parse(place.database.name)
    return (name.grid if name else None) or ""


TAKEN: dict[str, Callable[[Place, Document], bool]] = {"note": _note, "taskreply": _reply}
