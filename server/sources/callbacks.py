"""What sources are told of their cases: found in the changes of `cases-*`, sent in order, at least once, tried again for hours.

One document a case in the `sources` database says how far its source was told; what is to be said is read from the case itself:

    calls:<case uuid>  {source, number, case, township, known: events there are, sent: events dealt with, tries,
                        state: idle | waiting | dead, next_at, last: {event_id, status, at, outcome} | null}

Killed anywhere, the next run goes on: the feed's checkpoint is saved after these documents, `sent` after the other side answered.
Whoever sends holds the document for a while (`next_at` lies ahead), so that two workers do not send side by side. A call that is
given up holds up the later ones of its case: an administrator tries it again or passes over it. How one is sent is `sending.py`.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from server.cases import store as cases
from server.domain import ids, sources, times, workflow
from server.domain.errors import Changed, Missing
from server.sources import store
from sync import feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import SOURCES, cases_db, parse
from sync.errors import Conflict, NotFound, Unreachable

CHECKPOINT = "callbacks"
BATCH = 500
DUE_MOST = 100
HELD = timedelta(seconds=60)
FIRST_PAUSE_S, LONGEST_PAUSE_S, TRIES_MOST = 10, 3600, 12
# Between the event of a main case and the case that follows it, in what is told of both.
FOLLOWER = "/"
Document = dict[str, Any]
# Sends one body to a source; None when it was taken, else the code of why not.
Send = Callable[[Document, Document], str | None]


def find(couch: Couch, database: Database, told: Mapping[str, Document], now: datetime, batch: int = BATCH) -> bool:
    """One page of a township's changes: cases of these sources (by id) that have something to tell. True when more pages wait."""
    page = feed.read(database, CHECKPOINT, batch)
    docs = [row["doc"] for row in page.changes if row.get("doc")]
    changed = [doc for doc in docs if doc.get("type") == "case" and (doc.get("origin") or {}).get("system") in told]
    if changed:
        _note(store.ensure(couch), changed, str(getattr(parse(database.name), "area", "")), now)
    _wake_followers(
        couch, [doc for doc in docs if doc.get("type") == "case" and doc.get("absorbed") and doc.get("closed_at")], now
    )
    feed.finish(database, CHECKPOINT, page)
    return page.more


def send_due(
    couch: Couch, told: Mapping[str, Document], now: Callable[[], datetime], send: Send, until: Callable[[], bool]
) -> int:
    """Send what is due, of each source the longest waiting first, until there is no more or `until` says so; how many were taken.

    A source that does not answer is left alone for the rest of the run; another one begins each time, so that none starves.
    """
    heard = sorted(id for id, source in told.items() if not source["is_disabled"])
    first = int(now().timestamp()) % max(1, len(heard))
    return sum(_send_to(couch, told[id], now, send, until) for id in [*heard[first:], *heard[:first]])


def _send_to(couch: Couch, source: Document, now: Callable[[], datetime], send: Send, until: Callable[[], bool]) -> int:
    taken = 0
    for doc in _due(couch, source["id"], now()):
        if until():
            break
        held = _put(couch, doc | {"next_at": times.to_text(now() + HELD)})
        if held is None:
            continue
        sent, is_heard = _tell(couch, source, held, now, send)
        taken += sent
        if not is_heard:
            break
    return taken


def given_up(couch: Couch, limit: int = 100) -> list[Document]:
    """Calls that were tried to the end, by source, the longest waiting first."""
    return _rows(couch, startkey=["dead"], endkey=["dead", {}], limit=limit)


def waiting(couch: Couch) -> dict[str, int]:
    """`{source: cases}` whose source is yet to be told something."""
    found: dict[str, int] = {}
    for doc in _rows(couch, startkey=["waiting"], endkey=["waiting", {}], limit=1000):
        found[doc["source"]] = found.get(doc["source"], 0) + 1
    return found


def try_again(couch: Couch, case_id: str, now: datetime, *, is_passed_over: bool = False) -> Document:
    """Try a call that was given up again, or pass over it to the next of its case. Raises Missing, Changed."""
    try:
        doc = couch.database(SOURCES).find(_id(case_id))
    except NotFound:
        doc = None
    if doc is None or doc["state"] != "dead":
        raise Missing(case=case_id)
    step: Document = {}
    if is_passed_over:
        is_outcome = FOLLOWER in doc["last"]["event_id"]
        step = {"told_outcome": doc.get("woken")} if is_outcome else {"sent": doc["sent"] + 1}
    after = _put(couch, doc | step | {"state": "waiting", "tries": 0, "next_at": times.to_text(now)})
    if after is None:
        raise Changed("source_changed")
    return after


def message(source: Document, case: Document, event: Document, sequence: int) -> Document:
    """What a source is told of one move: its own number, the status, and the words that a reporter may see. No names."""
    shown = workflow.MOVES[event["move"]].shown if event["move"] in workflow.MOVES else ()
    return {
        "event_id": event["_id"],
        "source": source["id"],
        "number": case["origin"]["number"],
        "case": case["_id"],
        "case_no": case["case_no"],
        "status": sources.STATUS_OF_MOVE[event["move"]],
        "sequence": sequence,
        "at": event["at"],
        "details": {name: event[name] for name in shown or () if name in event and name != "photos"},
    }


def _note(database: Database, changed: Iterable[Document], township: str, now: datetime) -> None:
    """Write down how many events these cases have. Raises Conflict when a sender was at one: the page is read again."""
    by_id = {_id(case["_id"]): case for case in changed}
    docs = []
    for id, present in database.many(sorted(by_id)).items():
        case = by_id[id]
        known = len(case["applied"])
        head = {"_id": id, "type": "calls", "v": 1, "source": case["origin"]["system"], "number": case["origin"]["number"]}
        head |= {"case": case["_id"], "township": township, "sent": 0, "tries": 0, "state": "idle", "last": None, "known": 0}
        doc = present or head
        if known > doc["known"]:
            begun = {"state": "waiting", "tries": 0, "next_at": times.to_text(now)} if doc["state"] == "idle" else {}
            docs.append(doc | begun | {"known": known})
    failed = {row["error"] for row in database.bulk(docs) if "error" in row}
    if failed:
        raise Conflict(database.name) if failed == {"conflict"} else Unreachable(f"{database.name}: {sorted(failed)}")


def _wake_followers(couch: Couch, mains: Iterable[Document], now: datetime) -> None:
    """Cases merged into one that was closed have something to tell, too: every reporter gets the outcome."""
    closed = {_id(one["case"]): main["closed_at"] for main in mains for one in main["absorbed"]}
    if not closed:
        return
    database, docs = store.ensure(couch), []
    for id, present in database.many(sorted(closed)).items():
        if present and present.get("woken") != closed[id]:
            begun = {"state": "waiting", "tries": 0, "next_at": times.to_text(now)} if present["state"] == "idle" else {}
            docs.append(present | begun | {"woken": closed[id]})
    if any("error" in row for row in database.bulk(docs)):
        raise Conflict(database.name)


def _tell(couch: Couch, source: Document, doc: Document, now: Callable[[], datetime], send: Send) -> tuple[int, bool]:
    """Everything one case has to tell, in order; how many were taken, and whether the source answers."""
    database = couch.database(cases_db(doc["township"]))
    loaded = cases.load(database, doc["case"])
    events = {event["_id"]: event for event in loaded.events} if loaded else {}
    applied = loaded.case["applied"] if loaded else []
    known = [(sequence, events.get(applied[sequence])) for sequence in range(doc["sent"], len(applied))]
    steps: list[tuple[Document, Document]] = [
        (message(source, loaded.case, event, sequence), {"sent": sequence + 1})
        for sequence, event in known
        if loaded and event and event["move"] in sources.STATUS_OF_MOVE
    ]
    if loaded and (outcome := _outcome_of_main(database, source, loaded.case, doc)):
        steps.append(outcome)
    for taken, (told, facts) in enumerate(steps):
        reason = send(source, told)
        last = {name: told[name] for name in ("event_id", "status")} | {"at": times.to_text(now()), "outcome": reason or "taken"}
        if reason is not None:
            _update(couch, doc, partial(_failed, sent=told["sequence"], last=last, now=now()))
            return taken, False
        facts |= {"tries": 0, "last": last, "next_at": times.to_text(now() + HELD)}
        _update(couch, doc, partial(_with, facts=facts))
    _update(couch, doc, partial(_over, told=len(applied) if loaded else None, woken=doc.get("woken"), now=now()))
    return len(steps), True


def _outcome_of_main(database: Database, source: Document, case: Document, doc: Document) -> tuple[Document, Document] | None:
    """What a merged case's source is told once the case it became part of is closed; None when that is not so, or was told."""
    main = cases.load(database, case["merged_into"]) if case.get("merged_into") and doc.get("woken") else None
    if main is None or not main.case["closed_at"] or doc.get("told_outcome") == main.case["closed_at"]:
        return None
    closing = [event for event in main.events if event["_id"] in main.case["applied"] and event["at"] == main.case["closed_at"]]
    closing = [event for event in closing if sources.STATUS_OF_MOVE.get(event["move"]) == "closed"]
    if not closing:
        return None
    told = message(source, case, closing[-1], len(case["applied"]))
    told["event_id"] += FOLLOWER + ids.uuid_of(case["_id"])
    return told, {"sent": len(case["applied"]), "told_outcome": main.case["closed_at"]}


def _failed(doc: Document, sent: int, last: Document, now: datetime) -> Document:
    tries = doc["tries"] + 1
    pause_s = min(FIRST_PAUSE_S * 2 ** (tries - 1), LONGEST_PAUSE_S)
    state = "dead" if tries >= TRIES_MOST or last["outcome"] == "http_410" else "waiting"
    return doc | {
        "sent": sent,
        "tries": tries,
        "state": state,
        "last": last,
        "next_at": times.to_text(now + timedelta(seconds=pause_s)),
    }


def _with(doc: Document, facts: Document) -> Document:
    return doc | facts


def _over(doc: Document, told: int | None, woken: str | None, now: datetime) -> Document:
    """All that was read is told; what came meanwhile is due at once. None: the case is gone, and there is nothing to tell."""
    told = doc["known"] if told is None else told
    return doc | {
        "sent": told,
        "state": "waiting" if doc["known"] > told or doc.get("woken") != woken else "idle",
        "next_at": times.to_text(now),
    }


def _update(couch: Couch, doc: Document, change: Callable[[Document], Document]) -> None:
    """Change the document as it is now: the finder may have written that there is more to tell."""
    database = couch.database(SOURCES)
    while True:
        present = database.get(doc["_id"])
        try:
            database.put(change(present))
        except Conflict:
            continue
        return


def _due(couch: Couch, source: str, now: datetime) -> list[Document]:
    return _rows(couch, startkey=["waiting", source], endkey=["waiting", source, times.to_text(now)], limit=DUE_MOST)


def _rows(couch: Couch, **span: Any) -> list[Document]:
    try:
        rows = couch.database(SOURCES).view(store.DESIGN, "calls", include_docs=True, **span)["rows"]
    except NotFound:
        rows = store.ensure(couch).view(store.DESIGN, "calls", include_docs=True, **span)["rows"]
    return [row["doc"] for row in rows if row.get("doc")]


def _put(couch: Couch, doc: Document) -> Document | None:
    """The document as it is written; None when somebody else was first."""
    try:
        return doc | {"_rev": couch.database(SOURCES).put(doc)}
    except Conflict:
        return None


def _id(case_id: str) -> str:
    return "calls:" + ids.uuid_of(case_id)
