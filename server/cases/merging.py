"""Two cases that are one: what `merge` on a duplicate does to its main case, and who follows whom afterwards.

The clerk's event on the duplicate is the truth and is written first. Its counterpart on the main case, `absorb` (for `unmerge`:
`release`), has an id that follows from it and is written right after; when somebody is killed in between, intake does it as it
carries moves (`settle` is all of both). A main case that absorbed others is not merged itself (the rule `has_absorbed`), nor is
anything merged into a merged one; should two clerks do both at the same moment, those who follow go on to the last of the chain.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from server.cases import store
from server.domain import ids, times
from server.domain.grids import township_of
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db

# Longer chains come of no two clerks; a circle, should one ever be, ends here.
LINKS_MOST = 8
COUNTERPARTS = {"merge": "absorb", "unmerge": "release"}

Document = dict[str, Any]


def settle(database: Database, present: store.Loaded, now: datetime) -> list[store.Loaded]:
    """Bring the main cases of a duplicate up to its merges and un-merges: those that changed. May be done again at will."""
    refused, into, changed = set(present.case["refused"]), None, []
    for event in present.events:
        if event["move"] not in COUNTERPARTS or event["_id"] in refused:
            continue
        into = event["into"] if event["move"] == "merge" else into
        after = _answer(database, str(into), present.case, event, now) if into else None
        changed += [after] if after else []
    return changed


def _answer(database: Database, main: str, duplicate: Document, event: Document, now: datetime) -> store.Loaded | None:
    """The main case after the counterpart of an event; None when it was there already, or there is no such case."""
    id = ids.event_id(main, f"{COUNTERPARTS[event['move']]}-{event['_id'].partition(':')[2].replace(':', '.')}")
    if database.find(id) is not None:
        return None
    known = store.load(database, main)
    if known is None:
        return None
    head = {"_id": id, "type": "event", "v": 1, "case": main, "n": known.case["events"], "move": COUNTERPARTS[event["move"]]}
    head |= {"at": max(times.to_text(now), known.case["last_event"]["at"]), "by": "system", "party": "system"}
    if event["move"] == "merge":
        own = {name: duplicate[name] for name in ("database", "grid", "reports", "author")}
        head["absorbed"] = {"case": duplicate["_id"], "case_no": duplicate["case_no"]} | own
    else:
        head["released"] = duplicate["_id"]
    store.append(database, head)
    return store.refold(database, main)


def followers(database: Database, cases: Iterable[Document]) -> dict[str, Document]:
    """The cases that follow these, and those that follow them: whose phones are to hear when these change."""
    found: dict[str, Document] = {}
    wanted = {one["case"] for case in cases for one in case.get("absorbed", ())}
    for _ in range(LINKS_MOST):
        fresh = {id: doc for id, doc in database.many(sorted(wanted - found.keys())).items() if doc}
        if not fresh:
            break
        found |= fresh
        wanted = {one["case"] for case in fresh.values() for one in case.get("absorbed", ())}
    return found


def followed(couch: Couch, cases: Iterable[Document]) -> Mapping[str, Document]:
    """`{merged case: the case it follows}`, at the end of its chain; nothing is asked where none is merged."""
    merged = {case["_id"]: case for case in cases if case.get("merged_into")}
    mains: dict[str, Document] = {}
    for id, case in merged.items():
        database, here = couch.database(cases_db(township_of(case["grid"]))), case
        for _ in range(LINKS_MOST):
            there = database.find(here["merged_into"]) if here.get("merged_into") else None
            if there is None:
                break
            here = there
        if here is not case:
            mains[id] = here
    return mains
