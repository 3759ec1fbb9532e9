"""交办: a department hands a task down to a township, by a list entry or an approved admission; else it is refused (DOMAIN).

Rule: tasks from departments to townships need admission (交办事项准入); none may hand a problem back down by forwarding it.
What is covered becomes a case of the township with source `handdown`; what is not is refused with the rule's name, logged, and
counted by unit. Every attempt is a document of the server's database `handdowns`, its id made of the unit and the caller's key:

    handdown:<unit>:<hash of person and key>  {outcome admitted|refused, by, unit, township, category, …, at, entry, case}

Requests for admission are `admissions.py`.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from server import audit
from server.cases import categories, reach, store
from server.domain import grids, ids, routing, times, workflow
from server.domain.errors import Forbidden, InvalidInput
from server.domain.permissions import Person, may_hand_down
from server.lists.proposals import book_of
from server.nudges import Nudges
from sync import databases
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db
from sync.errors import NotFound

TEXT_LENGTH, SHORT_LENGTH = 4000, 200
URGENCIES = ("normal", "urgent", "emergency")
READ_MOST = 5000
RECENT = 20
RULE = "not_admitted"
Document = dict[str, Any]


class Task(NamedTuple):
    """What is handed down: from a unit, to a township (9 digits), or to one of its grids (15 digits, None: not known)."""

    unit: str
    township: str
    category: str
    text: str
    urgency: str = "normal"
    grid: str | None = None
    address: str | None = None


class Made(NamedTuple):
    """A hand-down that became a case, and the entry it rests on."""

    case: Document
    entry: str


def hand_down(couch: Couch, nudges: Nudges, person: Person, task: Task, *, key: str, now: datetime) -> Made:
    """Hand a task down; the same key again is the same hand-down. Raises InvalidInput, and Forbidden: `not_admitted` when nothing
    covers it, after that was logged and counted, plain when the unit is not the person's."""
    if not may_hand_down(person, task.unit):
        raise Forbidden
    _check(couch, task)
    doc = _record(couch, person, task, key, now)
    if doc["outcome"] == "refused":
        raise Forbidden(RULE, unit=doc["unit"], township=doc["township"], category=doc["category"])
    return Made(_make_case(couch, nudges, doc, now), doc["entry"])


def counts(couch: Couch, units: Iterable[str] | None = None, townships: Iterable[str] | None = None) -> dict[str, dict[str, int]]:
    """`{unit: {"admitted", "refused"}}`, of these units or townships or of all; of the newest part when there are very many."""
    found: dict[str, Counter[str]] = {}
    for doc in _attempts(couch, units, townships):
        found.setdefault(doc["unit"], Counter())[doc["outcome"]] += 1
    return {unit: {name: found[unit][name] for name in ("admitted", "refused")} for unit in sorted(found)}


def refused_lately(couch: Couch, units: Iterable[str] | None = None, townships: Iterable[str] | None = None) -> list[Document]:
    """The newest refused attempts, newest first: unit, township, category and when; not who."""
    refused = [doc for doc in _attempts(couch, units, townships) if doc["outcome"] == "refused"]
    return sorted(refused, key=lambda doc: str(doc["at"]), reverse=True)[:RECENT]


def _attempts(couch: Couch, units: Iterable[str] | None, townships: Iterable[str] | None) -> list[Document]:
    prefixes = ["handdown:"] if units is None else [f"handdown:{unit.partition(':')[2]}:" for unit in units]
    wanted, found = None if townships is None else set(townships), []
    for prefix in prefixes:
        try:
            found += couch.database(databases.HANDDOWNS).range(prefix, prefix + "\ufff0", READ_MOST)
        except NotFound:
            return []
    return [doc for doc in found if wanted is None or doc["township"] in wanted]


def _check(couch: Couch, task: Task) -> None:
    wrong: dict[str, str] = {}
    if not task.text.strip():
        wrong["text"] = "required"
    elif len(task.text) > TEXT_LENGTH:
        wrong["text"] = "too_long"
    if task.category not in categories.by_code(couch):
        wrong["category"] = "unknown"
    if task.urgency not in URGENCIES:
        wrong["urgency"] = "unknown"
    if task.township not in reach.all_townships(couch):
        wrong["township"] = "unknown"
    if task.grid is not None and not (grids.is_grid(task.grid) and grids.township_of(task.grid) == task.township):
        wrong["grid"] = "invalid"
    if task.address is not None and len(task.address) > SHORT_LENGTH:
        wrong["address"] = "too_long"
    if wrong:
        raise InvalidInput(wrong)


def _record(couch: Couch, person: Person, task: Task, key: str, now: datetime) -> Document:
    """The attempt as it is kept, the earlier one of the same key when there is one. It is logged before it counts."""
    database = couch.database(databases.HANDDOWNS)
    digest = hashlib.sha256(f"{person['name']}:{key}".encode()).hexdigest()[:32]
    id = f"handdown:{task.unit.partition(':')[2]}:{digest}"
    known = _find(database, id)
    if known is not None:
        return known
    entry = routing.admits(book_of(couch), task.unit, task.category, task.township, now)
    outcome = "admitted" if entry else "refused"
    facts = {"unit": task.unit, "township": task.township, "category": task.category, "entry": entry.id if entry else None}
    audit.note(couch, by=person["name"], action=f"handdown.{outcome}", subject=id, facts=facts, at=now, key=id)
    doc = {"_id": id, "type": "handdown", "v": 1, "outcome": outcome, "by": person["name"], "at": times.to_text(now)} | facts
    doc |= {"urgency": task.urgency, "text": task.text.strip(), "address": task.address}
    doc["grid"] = task.grid or grids.unplaced(task.township)
    couch.create(databases.HANDDOWNS, replicated=False)
    database.bulk([doc])
    return _find(database, id) or doc


def _make_case(couch: Couch, nudges: Nudges, doc: Document, now: datetime) -> Document:
    """The case of an admitted hand-down; made once, however often it is asked for: its id is the attempt's."""
    report_id = f"report:{ids.uuid7(times.from_text(doc['at']), hashlib.sha256(doc['_id'].encode()).digest())}"
    kind, _ = categories.facts_of(couch, doc["category"])
    report = {
        "_id": report_id,
        "grid": doc["grid"],
        "author": doc["by"],
        "captured_at": doc["at"],
        "clock_offset_ms": 0,
        "category": doc["category"],
        "text": doc["text"],
        "urgency": doc["urgency"],
        "place": {"address": doc["address"]} if doc["address"] else None,
        "source": "handdown",
    }
    extra = {"handed_down": {"by_unit": doc["unit"], "entry": doc["entry"]}}
    event = workflow.reported_event(report, None, doc["at"], [], level="township", kind=kind, extra=extra)
    case = store.create(couch, doc["township"], [event | {"party": doc["unit"]}], now)[event["case"]].case
    name = cases_db(doc["township"])
    nudges.announce([name])
    nudges.nudge(name)
    return case


def _find(database: Database, id: str) -> Document | None:
    try:
        return database.find(id)
    except NotFound:
        return None
