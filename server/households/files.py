"""One household's file as a desk reads it: the household, its members, errands and visits, and the cases that visits led to.

Files are read from the phones' databases; the index says which belong together. Sensitive fields are read one at a time, each for
a stated purpose that is in the access log before the value is shown. Who may is `server/domain/permissions.py`.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from server import audit
from server.domain import documents, ids, permissions
from server.domain.errors import InvalidInput, Missing
from server.domain.grids import is_grid, township_of
from server.domain.permissions import Person
from server.households import indexing
from server.quarantine import listing as quarantine
from sync import databases
from sync.couch import Couch
from sync.databases import cases_db, home_db, homes_db
from sync.errors import NotFound

PURPOSE_LENGTH, PARTS_MOST = 200, 200
Document = dict[str, Any]


class Visit(NamedTuple):
    """What the index knows of a visit, its record (None when its quarter is archived), and the cases of its reports.

    `on_way`: how many more of its reports the server has; `unwritten`: of how many nobody wrote more than that one is due.
    """

    known: Document
    doc: Document | None
    cases: list[Document]
    on_way: int = 0
    unwritten: int = 0


class File(NamedTuple):
    """A household's file. `case_of` {errand id: case}."""

    household: Document
    members: list[Document]
    errands: list[Document]
    visits: list[Visit]
    case_of: dict[str, Document]

    def document(self, id: str) -> Document | None:
        """The household or one of its members, by id."""
        return next((doc for doc in (self.household, *self.members) if doc["_id"] == id), None)


def find(couch: Couch, person: Person, grid: str, id: str) -> File:
    """A household's file. Raises Missing when it is not there or not for this person to know of."""
    if not is_grid(grid) or not ids.is_record_id(id, "household") or not permissions.may_read_household(person, grid):
        raise Missing(household=id)
    return read(couch, grid, id)


def read(couch: Couch, grid: str, id: str) -> File:
    """A household's file, whoever asks: the caller has asked whether they may. Raises Missing."""
    household = couch.database(home_db(grid)).find(id)
    if household is None:
        raise Missing(household=id)
    parts = _parts(couch, grid, id)
    errands = [doc for doc in parts if doc["type"] == "errand"]
    visits = _visits(couch, grid, id)
    reports = [report for visit in visits if visit.doc for report in visit.doc.get("reports") or ()]
    cases = cases_of(couch, township_of(grid), [ids.case_id(one) for one in (*reports, *(errand["_id"] for errand in errands))])
    there = _arrived(couch, grid, [(visit.known["database"], one) for visit in visits for one in _waiting(visit, cases)])
    linked = [_with_reports(visit, cases, there) for visit in visits]
    case_of = {errand["_id"]: case for errand in errands if (case := cases.get(ids.case_id(errand["_id"])))}
    return File(household, [doc for doc in parts if doc["type"] == "member"], errands, linked, case_of)


def look(couch: Couch, person: Person, file: File, now: datetime) -> None:
    """Log that this person looks at this file, once in ten minutes. Raises the store's errors; then it is not shown."""
    grid = str(file.household["grid"])
    about: Document = {"subject": file.household["_id"], "township": township_of(grid), "facts": {"grid": grid}}
    audit.note_seen(couch, by=person["name"], action="household.file", now=now, **about)


def open_field(couch: Couch, person: Person, file: File, of: str, field: str, purpose: str) -> None:  # noqa: PLR0917
    """Log that a sensitive field of the household or a member is read, and for what; only then may it be shown.

    Raises Missing for what is no sensitive field of this file, InvalidInput without a purpose.
    """
    doc = file.document(of)
    if doc is None or field not in documents.SENSITIVE[doc["type"]]:
        raise Missing(field=field)
    why = stated(purpose)
    facts = {"grid": doc["grid"], "field": field, "household": file.household["_id"]}
    audit.note(couch, by=person["name"], action="household.read", subject=of, why=why, facts=facts)


def list_by_need(couch: Couch, person: Person, place: str, need: str, purpose: str) -> None:
    """Log that households with a need are listed, and for what: such a list says of each what is else masked."""
    if not need:
        raise InvalidInput({"need": "required"})
    facts = {"place": place, "need": need[: documents.SHORT_LENGTH], "township": township_of(place)}
    audit.note(couch, by=person["name"], action="household.need", subject=f"homes:{place}", why=stated(purpose), facts=facts)


def stated(purpose: str) -> str:
    """A purpose that may go into the log. Raises InvalidInput for none."""
    why = purpose.strip()
    if not why or len(why) > PURPOSE_LENGTH:
        raise InvalidInput({"purpose": "too_long" if why else "required"})
    return why


def _parts(couch: Couch, grid: str, id: str) -> list[Document]:
    """Members and errands as they are now, the oldest first."""
    try:
        index = couch.database(homes_db(township_of(grid)))
        rows = index.view(indexing.DESIGN, "parts", startkey=[id], endkey=[id, {}], limit=PARTS_MOST)["rows"]
    except NotFound:
        return []
    found = couch.database(home_db(grid)).many(sorted(row["id"] for row in rows))
    return [doc for doc in found.values() if doc and doc.get("household") == id]


def _visits(couch: Couch, grid: str, id: str) -> list[Visit]:
    """The visits that the index names, the latest first."""
    try:
        row = couch.database(homes_db(township_of(grid))).find(id.replace("household:", "home:", 1))
    except NotFound:
        row = None
    known: list[Document] = (row or {}).get("visits", [])
    by_database: dict[str, list[str]] = {}
    for one in known:
        by_database.setdefault(one["database"], []).append(one["id"])
    docs: dict[str, Document | None] = {}
    for name, wanted in by_database.items():
        try:
            docs |= couch.database(name).many(wanted)
        except NotFound:
            continue
    return [Visit(one, docs.get(one["id"]), []) for one in known]


def _waiting(visit: Visit, cases: dict[str, Document]) -> list[str]:
    """The reports of a visit that are no cases."""
    return [one for one in (visit.doc or {}).get("reports") or () if ids.case_id(one) not in cases]


def _with_reports(visit: Visit, cases: dict[str, Document], there: set[str]) -> Visit:
    waiting = _waiting(visit, cases)
    found = [case for one in (visit.doc or {}).get("reports") or () if (case := cases.get(ids.case_id(one)))]
    on_way = len(there.intersection(waiting))
    return visit._replace(cases=found, on_way=on_way, unwritten=len(waiting) - on_way)


def _arrived(couch: Couch, grid: str, wanted: Sequence[tuple[str, str]]) -> set[str]:
    """Which of these reports the server has, stored or refused; each with the name of its visit's database, for the quarter.

    A phone names a report as it notes the visit; whether anybody writes it is seen by its coming.
    """
    by_quarter: dict[str, set[str]] = {}
    for name, report in wanted:
        parts = databases.parse(name)
        for quarter in {parts.quarter if parts else None, databases.quarter_at(datetime.now(UTC))} - {None}:
            by_quarter.setdefault(str(quarter), set()).add(report)
    found = {entry["about"]["id"] for entry in quarantine.about_records(couch, {report for _, report in wanted})}
    for quarter, reports in by_quarter.items():
        try:
            docs = couch.database(databases.grid_db(grid, quarter)).many(sorted(reports))
        except NotFound:
            continue
        found |= {id for id, doc in docs.items() if doc}
    return found


def cases_of(couch: Couch, township: str, wanted: Iterable[str]) -> dict[str, Document]:
    """Those of these cases that there are, by id."""
    try:
        found = couch.database(cases_db(township)).many(sorted(set(wanted)))
    except NotFound:
        return {}
    return {id: case for id, case in found.items() if case}
