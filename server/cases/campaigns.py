"""Campaigns as they are kept: `campaign:<uuid>` and `answer:<campaign>:<reply>` in the township's `cases-*`, tasks in its grids.

Fanned out by the intake of the township's cases, from these documents alone: it may run twice, at once, and be killed anywhere.
What a campaign says and how its grids stand is `server/domain/campaigns.py`.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from server.cases import tasks
from server.cases.copying import Wanted
from server.cases.store import ensure
from server.domain import campaigns, grids, ids
from server.domain.errors import Missing
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db, quarter_at
from sync.errors import Conflict, NotFound

Document = dict[str, Any]
LISTED_MOST = 200
ANSWERS_MOST = 10_000


def keep(couch: Couch, campaign: Document) -> None:
    """Store a new campaign; the same one again is no error."""
    try:
        ensure(couch, campaign["township"]).put(campaign)
    except Conflict:
        return


def end(couch: Couch, township: str, id: str, ended_at: str) -> None:
    """No more answers are asked for; what was answered stays. Raises Missing."""
    campaign = load(couch, township, id)
    if not campaign["ended_at"]:
        couch.database(cases_db(township)).put(campaign | {"ended_at": ended_at})


def load(couch: Couch, township: str, id: str) -> Document:
    """A campaign. Raises Missing."""
    try:
        found = couch.database(cases_db(township)).find(id) if ids.is_record_id(id, "campaign") else None
    except NotFound:
        found = None
    if found is None:
        raise Missing(campaign=id)
    return found


def listed(couch: Couch, township: str) -> list[Document]:
    """A township's campaigns, newest first."""
    try:
        return couch.database(cases_db(township)).range("campaign:\ufff0", "campaign:", LISTED_MOST, descending=True)
    except NotFound:
        return []


def answers_of(couch: Couch, campaign: Document) -> list[Document]:
    """Every answer to a campaign, in the order of their ids."""
    prefix = f"answer:{ids.uuid_of(campaign['_id'])}:"
    return couch.database(cases_db(campaign["township"])).range(prefix, prefix + "\ufff0", ANSWERS_MOST)


def keep_answer(couch: Couch, campaign: str, reply: Document, now: datetime) -> bool:
    """Store a worker's reply as its grid's answer; False when it is there already."""
    try:
        couch.database(cases_db(grids.township_of(reply["grid"]))).put(campaigns.answer_of(campaign, reply, now))
    except Conflict:
        return False
    return True


def carry(couch: Couch, database: Database, docs: Iterable[Document], now: datetime) -> set[str]:
    """The tasks of the campaigns among changed documents, and of the grids whose answers are among them. What changed."""
    wanted: dict[str, set[str] | None] = {}
    for doc in docs:
        if doc.get("type") == "campaign":
            wanted[doc["_id"]] = None
        elif doc.get("type") == "answer":
            known = wanted.setdefault(doc["campaign"], set())
            if known is not None:
                known.add(doc["grid"])
    found = {id: database.find(id) for id in wanted}
    return _write(couch, [(campaign, wanted[id]) for id, campaign in found.items() if campaign], now)


def carry_over(couch: Couch, township: str, now: datetime) -> set[str]:
    """The tasks of open campaigns into the present quarter, as it begins."""
    return _write(couch, [(one, None) for one in listed(couch, township) if not one["ended_at"]], now)


def _write(couch: Couch, wanted: Iterable[tuple[Document, set[str] | None]], now: datetime) -> set[str]:
    quarter = quarter_at(now)
    places: dict[str, Wanted] = defaultdict(lambda: Wanted({}, {}))
    for campaign, only in wanted:
        for grid, answers in campaigns.by_grid(campaign, answers_of(couch, campaign)).items():
            if only is None or grid in only:
                tasks.place(places, campaigns.task_of(campaign, grid, answers), quarter)
    return tasks.written(couch, places, quarter)
