"""Cases and their events in `cases-<9>`: load, append, fold, save. The only module that knows how they are kept.

Events are the truth, the case document is their fold (`server/domain/workflow`), guarded by its revision. What a move means and
who may make it is not decided here.
"""

import time
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from server.cases import quarters
from server.domain import workflow
from sync import designs
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db
from sync.errors import Conflict, NotFound, Unreachable

Document = dict[str, Any]
DESIGN = "cases"
EVENTS_MOST = 1000
SAVE_TRIES = 40
LAG_PAUSE_S = 0.05


class Loaded(NamedTuple):
    """A case as it is kept (with `_rev`) and all its events, in the fold's order."""

    case: Document
    events: list[Document]


def ensure(couch: Couch, township: str) -> Database:
    """A township's case database, made with its views when it is not there."""
    name = cases_db(township)
    couch.create(name, replicated=False)
    database = couch.database(name)
    designs.install(database, DESIGN)
    return database


def create(couch: Couch, township: str, events: Sequence[Document], now: datetime) -> dict[str, Loaded]:
    """Make the cases of first events; those that are there stay as they are. `{case id: case and its first event}` of all.

    Two requests when all are new. May run twice, at once, and be killed anywhere: the same events end as the same cases.
    """
    if not events:
        return {}
    try:
        return _create(couch.database(cases_db(township)), events)
    except NotFound:
        return _create(_made(couch, township, now), events)


def _made(couch: Couch, township: str, now: datetime) -> Database:
    is_new = couch.create(cases_db(township), replicated=False)
    database = ensure(couch, township)
    if is_new:
        quarters.remember_that_it_is_new(database, now)
    return database


def _create(database: Database, events: Sequence[Document]) -> dict[str, Loaded]:
    taken = _bulk(database, events)
    kept = {event["_id"]: event for event in events} | _present(database, taken)
    cases = {event["case"]: workflow.fold([event]) for event in kept.values()}
    known = {kept[id]["case"] for id in taken}
    stored = {id: case for id, case in database.many(sorted(known)).items() if case}
    missing = [case for id, case in cases.items() if id not in stored]
    stored |= _present(database, _bulk(database, missing))
    folded = cases | stored
    return {event["case"]: Loaded(folded[event["case"]], [event]) for event in kept.values()}


def _present(database: Database, ids: Iterable[str]) -> dict[str, Document]:
    return {id: doc for id, doc in database.many(sorted(ids)).items() if doc}


def _bulk(database: Database, docs: Sequence[Document]) -> set[str]:
    """Write new documents; the ids of those that were there already."""
    rows = database.bulk(docs)
    failed = {row["id"]: row["error"] for row in rows if "error" in row}
    odd = set(failed.values()) - {"conflict"}
    if odd:
        raise Unreachable(f"{database.name}: {sorted(odd)}")
    return set(failed)


def events_of(database: Database, case_id: str) -> list[Document]:
    """All events of a case in the fold's order."""
    prefix = "event:" + case_id.partition(":")[2] + ":"
    found = database.range(prefix, prefix + "\ufff0", EVENTS_MOST)
    return sorted(found, key=lambda event: (event["n"], event["at"], event["_id"]))


def load(database: Database, case_id: str) -> Loaded | None:
    """The case and its events, or None. Raises the errors of the store, but not NotFound."""
    try:
        case = database.find(case_id)
        return None if case is None else Loaded(case, events_of(database, case_id))
    except NotFound:
        return None


def find(couch: Couch, townships: Iterable[str], case_id: str) -> tuple[Database, Loaded] | None:
    """The case in the first of these townships that has it."""
    for township in sorted(townships):
        database = couch.database(cases_db(township))
        loaded = load(database, case_id)
        if loaded is not None:
            return database, loaded
    return None


def append(database: Database, event: Document) -> bool:
    """Store an event; False when its id is taken. With a `_rev` it replaces that revision."""
    try:
        database.put(event)
    except Conflict:
        return False
    return True


def refold(database: Database, case_id: str, *, written: str | None = None) -> Loaded | None:
    """Bring a case up to its events, whoever else does so at the same time; None when there is no such case.

    An event that was written for a place which the saved case has since given to another one goes behind it: what was answered
    first stays. `written` is the event that the caller has just written, if any. Raises Conflict only after many tries.
    """
    for _ in range(SAVE_TRIES):
        present = load(database, case_id)
        if present is None or not (present.events or written):
            return present
        if _lags(present, written):
            time.sleep(LAG_PAUSE_S)
            continue
        strays = _strays(present)
        if strays:
            for event in strays:
                append(database, _placed_behind(event, present.case))
            continue
        try:
            return _save(database, present)
        except Conflict:
            continue
    raise Conflict(case_id)


def _save(database: Database, present: Loaded) -> Loaded:
    folded = workflow.fold(present.events)
    if folded == _content(present.case):
        return present
    rev = database.put(folded | {"_rev": present.case["_rev"]})
    return Loaded(folded | {"_rev": rev}, present.events)


def _lags(present: Loaded, written: str | None) -> bool:
    """True when events are known to be there that were not read, and that a fold would lose.

    Of several nodes CouchDB asks one for a list, and that may be the one that is behind.
    """
    known = {*present.case["applied"], *present.case["refused"]} | ({written} if written else set())
    return len(present.events) < EVENTS_MOST and not known <= {event["_id"] for event in present.events}


def _strays(present: Loaded) -> list[Document]:
    case = present.case
    settled = {*case["applied"], *case["refused"]}
    return [event for event in present.events if event["_id"] not in settled and event["n"] < case["events"]]


def _placed_behind(event: Document, case: Document) -> Document:
    return event | {"n": case["events"], "at": max(event["at"], case["last_event"]["at"])}


def _content(doc: Document) -> Document:
    return {name: value for name, value in doc.items() if not name.startswith("_") or name == "_id"}
