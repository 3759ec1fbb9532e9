"""Intake: the changes of one database become cases and phone copies (DESIGN §6.5). One call is one bounded run.

It may run twice, at the same time, and be killed anywhere: ids are derived, everything is compared before it is written, and the
checkpoint is saved last. When it runs and what happens after a failure is `worker/`'s business.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from server import photo_records
from server.cases import campaigns, categories, clock, copies, duplicates, merging, replies, store, tasks, whistles
from server.domain import documents, grids, ids, times, workflow
from server.households import readings
from server.notices import issuing
from sync import feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import NOTICES, cases_db, parse
from sync.errors import NotFound

BATCH = 500
LOOK_AHEAD = 200
EARLY_MOST = 1000
CHECKPOINT = "intake"
KINDS = frozenset({"grid", "home", "home-quarter", "beat", "log", "cases"})
LOG = logging.getLogger(__name__)

Document = dict[str, Any]
Row = dict[str, Any]


class Outcome(NamedTuple):
    """What a run did. `changed` databases are worth an announcement; `more` says that another run is due at once, `due` which
    other databases want one: moves that a phone made are carried on by the intake of their cases. Everything up to `seq` is dealt
    with; None when nothing was new."""

    cases: int
    changed: frozenset[str]
    more: bool
    due: frozenset[str] = frozenset()
    seq: feed.Seq | None = None


NOTHING = Outcome(0, frozenset(), more=False)


def run(couch: Couch, name: str, now: datetime, *, batch: int = BATCH) -> Outcome:
    """One run over a database's next changes. Raises the errors of the store; NotFound when the database is gone."""
    parts = parse(name)
    if parts is None or parts.kind not in KINDS:
        return NOTHING
    database = couch.database(name)
    if parts.kind == "cases":
        return _carry_moves(couch, database, now, batch)
    page = feed.read(database, CHECKPOINT, batch, style="all_docs")
    if not page.changes:
        return NOTHING
    photo_records.settle_page(couch, name, page.changes)
    outcome, early = Outcome(0, frozenset(), page.more), _received_early(page)
    if parts.kind == "log":
        readings.take_in(couch, page.changes, now)
    if parts.kind == "grid" and parts.grid:
        page = _with_reports_behind(couch, database, page, parts.grid)
        outcome = _take_in(couch, database, page, parts.grid, now)
    if not outcome.cases and duplicates.settle(couch, database, page.changes, {}):
        outcome = outcome._replace(changed=frozenset({name}))
    if parts.kind in ("grid", "home-quarter"):
        outcome = _with_moves(couch, database, page, now, outcome)
    page = _past_copies(database, page) if name in outcome.changed else page
    feed.finish(database, CHECKPOINT, page, early)
    return outcome._replace(seq=page.seq)


def _with_reports_behind(couch: Couch, database: Database, page: feed.Batch, grid: str) -> feed.Batch:
    """The page with the reports behind it that its notes are about, where they are no cases yet.

    CouchDB keeps what is pushed together in the order of ids: notes come before reports, and a page may end between them.
    """
    said = [row["doc"] for row in page.changes if row["id"].startswith("note:") and row.get("doc")]
    named = {str(doc.get("of")) for doc in said} - {row["id"] for row in page.changes}
    case_of = {of: ids.case_id(of) for of in sorted(named) if ids.is_record_id(of, "report")}
    if not case_of or not page.more:
        return page
    try:
        cases = couch.database(cases_db(grids.township_of(grid))).many(list(case_of.values()))
    except NotFound:
        cases = {}
    reports = database.many([of for of, case in case_of.items() if not cases.get(case)])
    rows = [{"id": id, "changes": [{"rev": doc["_rev"]}], "doc": doc, "leaves": [doc]} for id, doc in reports.items() if doc]
    return page._replace(changes=[*page.changes, *rows])


def _past_copies(database: Database, page: feed.Batch) -> feed.Batch:
    """The page ended behind the copies that this run wrote: a database whose last change is dealt with is not read again."""
    if page.more:
        return page
    ahead = database.changes(page.seq, BATCH, style="all_docs", include_docs=False)
    are_copies = all(row["id"].startswith("case:") and len(row["changes"]) == 1 for row in ahead.results)
    return page._replace(seq=ahead.last_seq) if are_copies and not ahead.pending else page


def _with_moves(couch: Couch, database: Database, page: feed.Batch, now: datetime, outcome: Outcome) -> Outcome:
    """Replies and notes of a page → moves of their cases. Their copies are the intake of the cases' own to write."""
    said = [
        leaves[0] for row in page.changes if (leaves := duplicates.first_revisions(row)) and leaves[0]["type"] in replies.TAKEN
    ]
    if not said:
        return outcome
    place = replies.Place(couch, database, now, fetch=lambda other: _run_through(couch, other, now))
    sound = [doc for doc in said if _is_sound(couch, database, doc)]
    due = {cases_db(grids.township_of(sound[0]["grid"]))} if replies.take_in(place, sound) else set()
    return outcome._replace(changed=outcome.changed | due, due=frozenset(due))


def _is_sound(couch: Couch, database: Database, doc: Document) -> bool:
    wrong = _shape_wrong(doc)
    if wrong:
        LOG.warning("%s in %s is unsound: %s", doc["_id"], database.name, wrong)
        duplicates.keep_aside(couch, database.name, doc, "schema", wrong)
    return not wrong


def _run_through(couch: Couch, name: str, now: datetime) -> None:
    while run(couch, name, now).more:
        pass


def _take_in(couch: Couch, database: Database, page: feed.Batch, grid: str, now: datetime) -> Outcome:
    """Reports of a grid's page → first events → cases → copies; then what does not stay is put aside."""
    township = grids.township_of(grid)
    reports = _sound_reports(couch, database, page, grid)
    if not reports:
        return Outcome(0, frozenset(), page.more)
    received = _receipts(database, page, set(reports))
    now_text = times.to_text(now)
    events = [_first_event(couch, report, database.name, received.get(id, now_text), now_text) for id, report in reports.items()]
    made = store.create(couch, township, events, now)
    changed = copies.write(couch, [loaded.case for loaded in made.values()], now, are_new=True)
    kept = {loaded.events[0]["report"]["id"]: loaded.events[0]["report"]["rev"] for loaded in made.values()}
    duplicates.settle(couch, database, page.changes, kept)
    return Outcome(len(made), frozenset(changed | {cases_db(township)}), page.more)


def _first_event(couch: Couch, report: Document, database: str, received_at: str, now: str) -> Document:
    kind, is_direct = categories.facts_of(couch, report["category"])
    level = workflow.first_level(report["urgency"], is_direct)
    begun = clock.opening(couch, report, received_at)
    photos = report["photos"]
    return workflow.reported_event(report, database, received_at, photos, filed_at=now, level=level, kind=kind, clock=begun)


def _sound_reports(couch: Couch, database: Database, page: feed.Batch, grid: str) -> dict[str, Document]:
    """The reports of a page by id. One that got past the gate unsound is put aside, so that it holds up no other."""
    found = {}
    for row in page.changes:
        leaves = duplicates.first_revisions(row)
        if not leaves or leaves[0]["type"] != "report":
            continue
        wrong = _whats_wrong(leaves[0], grid)
        if wrong:
            LOG.warning("report %s in %s is unsound: %s", row["id"], database.name, wrong)
            duplicates.keep_aside(couch, database.name, leaves[0], "schema", wrong)
        else:
            found[row["id"]] = leaves[0]
    return found


def _whats_wrong(report: Document, grid: str) -> dict[str, str]:
    if not ids.is_record_id(report["_id"], "report"):
        return {"_id": "id_type_mismatch"}
    if report.get("grid") != grid:
        return {"grid": "grid_mismatch"}
    return _shape_wrong(report)


def _shape_wrong(doc: Document) -> dict[str, str]:
    try:
        documents.read_stored(doc)
    except msgspec.ValidationError as error:
        return {"document": str(error)}
    return {}


def _receipts(database: Database, page: feed.Batch, wanted: set[str]) -> dict[str, str]:
    """When the gateway took each record in, from receipts of this page, of those before it or, else, of the next."""
    received = _kept(page) | _received(page, wanted)
    if wanted - received.keys():
        ahead = feed.read_after(database, page.seq, LOOK_AHEAD)
        received = _received(ahead, wanted) | received
    return received


def _received(page: feed.Batch, wanted: set[str] | None = None) -> dict[str, str]:
    """What the receipts of a page say of the wanted records, or of all."""
    received: dict[str, str] = {}
    for row in page.changes:
        doc: Mapping[str, Any] = row.get("doc") or {}
        if doc.get("type") == "receipt":
            for id in doc.get("ids", ()) if wanted is None else wanted.intersection(doc.get("ids", ())):
                received[id] = min(doc["received_at"], received.get(id, doc["received_at"]))
    return received


def _received_early(page: feed.Batch) -> dict[str, str]:
    """What receipts say of reports that may lie behind the page's end: by their ids, receipts come first, too."""
    here = {row["id"] for row in page.changes}
    found = _kept(page) | _received(page)
    early = [(id, at) for id, at in found.items() if id.startswith("report:") and id not in here]
    return dict(early[-EARLY_MOST:]) if page.more else {}


def _kept(page: feed.Batch) -> dict[str, str]:
    return dict((page.checkpoint or {}).get("kept") or {})


def _carry_moves(couch: Couch, database: Database, now: datetime, batch: int) -> Outcome:
    """Moves → the case folded (should its mover have been killed) → the phones' copies and tasks, notices at desks.

    What other systems and the counter reported comes this way, too: no grid's database has a report of it to take in.
    """
    page = feed.read(database, CHECKPOINT, batch)
    if not page.changes:
        return NOTHING
    docs = [row["doc"] for row in page.changes if row.get("doc")]
    moved = _make_reported(couch, database, docs, now)
    moved |= {doc["case"] for doc in docs if doc.get("type") == "event" and doc["n"] > 0}
    moved |= {doc["_id"] for doc in docs if doc.get("type") == "case" and doc["events"] > 1}
    loaded = [store.refold(database, id) for id in sorted(moved)]
    loaded += [main for present in loaded if present for main in merging.settle(database, present, now)]
    cases = {present.case["_id"]: present.case for present in loaded if present}
    left = {present.case["_id"]: _grids_left(present) for present in loaded if present}
    changed = copies.write(couch, (merging.followers(database, cases.values()) | cases).values(), now, left=left)
    changed |= tasks.write(couch, cases.values(), now) | campaigns.carry(couch, database, docs, now)
    changed |= _tell(couch, docs, [present.events for present in loaded if present and present.events], now)
    whistles.repair(couch, database, docs, now)
    feed.finish(database, CHECKPOINT, page)
    return Outcome(0, frozenset(changed), page.more, seq=page.seq)


def _make_reported(couch: Couch, database: Database, docs: list[Document], now: datetime) -> set[str]:
    """The cases of first events that no phone's report made; the case itself, should its maker have been killed before it."""
    first = [doc for doc in docs if doc.get("type") == "event" and doc["n"] == 0 and not doc["report"]["database"]]
    plain = [{name: value for name, value in event.items() if name != "_rev"} for event in first]
    return set(store.create(couch, str(getattr(parse(database.name), "area", "")), plain, now))


def _grids_left(present: store.Loaded) -> set[str]:
    """The grids a case was thought to lie in before it was amended: their phones are to hear what became of it, too."""
    named = {event["grid"] for event in present.events if event["move"] == "amend" and event.get("grid")}
    return {present.events[0]["report"]["grid"], *named} - {present.case["grid"]} if named and present.events else set()


def _tell(couch: Couch, docs: list[Document], moved: list[list[Document]], now: datetime) -> set[str]:
    """Notices of the events among these changes: of moves, and of reports that are emergencies; and of campaigns."""
    events = [doc for doc in docs if doc.get("type") == "event"]
    known = {events[0]["case"] for events in moved}
    fresh = [[event] for event in events if event["n"] == 0 and event["case"] not in known]
    told = issuing.of_events(couch, [*moved, *fresh], [event["_id"] for event in events], now)
    return {NOTICES} if issuing.of_campaigns(couch, docs, now) + told else set()
