"""Making a paper: from a case to its sealed statement, kept as `paper:<seal>` in `cases-<9>`, logged before anybody sees it.

    {"_id": "paper:<seal>", "type": "paper", "v": 1, "seal", "case", "kind", "statement": {…}, "made_by", "made_at"}

The first who made it is kept; the log has every making. What is stated is `contents.py`, how it is printed `printing.py`.
"""

from datetime import datetime
from typing import Any, NamedTuple

from server import audit
from server.cases.store import Loaded
from server.domain import lists, papers, times
from server.domain.errors import Forbidden, Missing
from server.domain.grids import township_of
from server.domain.list_versions import day_of
from server.domain.permissions import Person
from server.lists.columns import title_of
from server.lists.proposals import book_of
from server.papers import contents, evidence, seal
from sync.couch import Couch
from sync.databases import cases_db
from sync.errors import NotFound, Unreachable

Document = dict[str, Any]


class Made(NamedTuple):
    """A made paper: its seal and what is kept of it."""

    seal: str
    kept: Document

    @property
    def statement(self) -> Document:
        """What it states."""
        found: Document = self.kept["statement"]
        return found


class Asked(NamedTuple):
    """Which paper: its kind, its language, and the move it tells of (an event's id; None: the newest)."""

    kind: str
    language: str
    event: str | None = None


def state(couch: Couch, names: contents.Names, loaded: Loaded, asked: Asked) -> Document:
    """What this paper states. Raises Missing when there is no such kind, or no such move was made."""
    event = _told(loaded, asked)
    case, events = papers.as_of(loaded.events, loaded.case, event)
    entry = _entry(couch, event, asked.language)
    matter = contents.Matter(asked.kind, case, event, events, names, asked.language, entry)
    known = evidence.facts_of(couch, case, [id for id, _ in contents.photos_of(matter)])
    return contents.state(matter, known)


def make(couch: Couch, names: contents.Names, person: Person, loaded: Loaded, asked: Asked, *, as_: str, now: datetime) -> Made:
    """Make a paper; the same content again is the same paper. `as_` (pdf, html) goes into the log. Raises Missing, Forbidden."""
    case = loaded.case
    if not papers.may_make(person, case, asked.kind, _told(loaded, asked)):
        raise Forbidden(paper=asked.kind)
    statement = state(couch, names, loaded, asked)
    value, township = seal.seal_of(statement), township_of(case["grid"])
    facts = {"case_no": case["case_no"], "kind": asked.kind, "seal": value, "as": as_}
    audit.note(couch, by=person["name"], action="paper.make", subject=case["_id"], facts=facts, township=township, at=now)
    kept = {
        "_id": seal.paper_id(value),
        "type": "paper",
        "v": 1,
        "seal": value,
        "case": case["_id"],
        "kind": asked.kind,
        "statement": statement,
        "made_by": person["name"],
        "made_at": times.to_text(now),
    }
    return Made(value, _keep(couch, township, kept))


def _entry(couch: Couch, event: contents.Document, language: str) -> str | None:
    """The list entry a move rests on: list, key, and what it says as of that day. An id of no list stays as it is."""
    parts = lists.parts_of(str(event.get("entry")))
    if parts is None:
        return event.get("entry")
    version = book_of(couch).newest(*parts, day_of(times.from_text(event["at"])))
    says = getattr(version.body, "item", None) or getattr(version.body, "name", None) if version else None
    named = f"{title_of(parts[0], language)} {parts[1]}"
    return f"{named} {says}" if says else named


def _told(loaded: Loaded, asked: Asked) -> contents.Document:
    if asked.kind not in papers.KINDS:
        raise Missing(paper=asked.kind)
    for one in papers.told_by(asked.kind, loaded.case, loaded.events):
        if asked.event in (None, one["_id"]):
            return one
    raise Missing("no_such_paper", paper=asked.kind)


def find(couch: Couch, townships: list[str], value: str) -> Document | None:
    """The kept paper with this seal in the first of these townships that has it."""
    for township in townships:
        try:
            found = couch.database(cases_db(township)).find(seal.paper_id(value))
        except NotFound:
            continue
        if found is not None:
            return found
    return None


def _keep(couch: Couch, township: str, doc: Document) -> Document:
    database = couch.database(cases_db(township))
    row = database.bulk([doc])[0]
    if "error" not in row:
        return doc
    if row["error"] != "conflict":
        raise Unreachable(f"not kept: {row}")
    return database.get(doc["_id"])
