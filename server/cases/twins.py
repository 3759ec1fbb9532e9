"""Possible duplicates of a case: the pairs that were proposed, and those that staff dismissed. Kept in `cases-<9>`.

    {"_id": "proposal:<uuid of one>:<uuid of the other>", "type": "proposal", "v": 1, "cases": [one, other], "odds", "reasons":
     [{"code", "figure", "weight"}…]}
    {"_id": "dismissal:<lower uuid>:<higher uuid>", "type": "dismissal", "v": 1, "cases": [ids], "by", "at", "why"}

A proposal is a function of two cases and their photos and lies there twice, once under each case, so that a page finds its own
by their ids; all may be deleted and are made again (`twin_search.py`). A dismissal is somebody's decision: made once, audited,
never made again by a program. What makes two cases alike is `server/domain/matching.py`; merging them is `merging.py`.
"""

from datetime import datetime
from typing import Any, NamedTuple

from server import audit
from server.domain import ids, times, workflow
from server.domain.errors import InvalidInput, Missing
from server.domain.grids import township_of
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db
from sync.errors import NotFound

PROPOSALS_MOST = 20
WHY_LENGTH = 500

Document = dict[str, Any]


class Proposal(NamedTuple):
    """Another case that may be of the same problem, the log odds for it in hundredths, and the reasons, loudest first."""

    other: Document
    odds: int
    reasons: list[dict[str, Any]]


def proposal_id(case: str, other: str) -> str:
    """Where the proposal of `other` to `case` lies."""
    return f"proposal:{ids.uuid_of(case)}:{ids.uuid_of(other)}"


def dismissal_id(case: str, other: str) -> str:
    """Where the dismissal of a pair lies, whichever is named first."""
    return "dismissal:" + ":".join(sorted((ids.uuid_of(case), ids.uuid_of(other))))


def proposals_for(couch: Couch, case: Document) -> list[Proposal]:
    """The open cases of the same township that may be of this case's problem, likeliest first; dismissed ones left out."""
    if case["state"] not in workflow.OPEN_STATES:
        return []
    database, prefix = couch.database(cases_db(township_of(case["grid"]))), f"proposal:{ids.uuid_of(case['_id'])}:"
    try:
        found = database.range(prefix, prefix + "\ufff0", PROPOSALS_MOST)
        others = {doc["_id"]: str(doc["cases"][1]) for doc in found}
        known = database.many([*others.values(), *(dismissal_id(case["_id"], other) for other in others.values())])
    except NotFound:
        return []
    shown = []
    for doc in found:
        other = known.get(others[doc["_id"]])
        is_dismissed = known.get(dismissal_id(case["_id"], others[doc["_id"]])) is not None
        if other and other["state"] in workflow.OPEN_STATES and not is_dismissed:
            shown.append(Proposal(other, doc["odds"], doc["reasons"]))
    return sorted(shown, key=lambda one: (-one.odds, one.other["_id"]))


def dismiss(couch: Couch, case: Document, other: str, *, by: str, why: str, now: datetime) -> Document:
    """Say that two cases are of two problems; again, it is the decision that was made first. Audited before it is kept.

    Raises Missing when no such pair was proposed, InvalidInput for a reason that is too long (it may be left out).
    """
    if len(why) > WHY_LENGTH:
        raise InvalidInput({"why": "too_long"})
    database = couch.database(cases_db(township_of(case["grid"])))
    id = dismissal_id(case["_id"], other)
    known = database.many([id, proposal_id(case["_id"], other)])
    present = known[id]
    if present is not None:
        return present
    if known[proposal_id(case["_id"], other)] is None:
        raise Missing(case=other)
    decision = {"_id": id, "type": "dismissal", "v": 1, "cases": sorted((case["_id"], other))}
    decision |= {"by": by, "at": times.to_text(now), "why": why.strip()}
    audit.note(couch, by=by, action="twins.dismiss", subject=case["_id"], why=why, facts={"other": other}, at=now, key=id)
    return decision if _add(database, decision) else database.get(id)


def _add(database: Database, decision: Document) -> bool:
    """False when somebody else decided at the same moment; a retry of the store's own errors is the caller's."""
    return "error" not in database.bulk([decision])[0]
