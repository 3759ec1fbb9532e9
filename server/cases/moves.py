"""Making a move on a case: permission → state → event → fold → save. Which moves there are is `server/domain/workflow`.

Two clerks may move one case at the same time: the event that finds the case changed is placed after what happened, and when it
is illegal there it stays in the timeline as refused and its author is told so. The same idempotency key again is the same move.
"""

import re
from datetime import datetime
from typing import Any

from server.cases import store
from server.domain import ids, permissions, times, workflow
from server.domain.errors import Changed, Forbidden, InvalidInput, Missing
from server.nudges import Nudges
from sync.couch import Couch
from sync.database import Database

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{7,63}")

Document = dict[str, Any]


def open_case(couch: Couch, person: permissions.Person, case_id: str) -> store.Loaded:
    """The case and its events, for somebody who may see it. Raises Missing for everybody else."""
    return _found(couch, person, case_id)[1]


def move(  # noqa: PLR0917 - where, who, what: the order everybody says it in
    couch: Couch,
    nudges: Nudges,
    person: permissions.Person,
    case_id: str,
    name: str,
    fields: dict[str, Any],
    *,
    if_match: str | None,
    key: str,
    now: datetime,
) -> store.Loaded:
    """Make a move and return the case after it, with its events.

    `if_match` is the revision the person saw (None: whatever it is). Raises Missing, Forbidden, InvalidInput, IllegalMove, and
    Changed with `case` (its present document) and `events` in its facts when the case changed meanwhile.
    """
    if not KEY.fullmatch(key):
        raise InvalidInput({"key": "invalid"})
    database, present = _found(couch, person, case_id)
    if name not in workflow.MOVES:
        raise InvalidInput({"move": "unknown"})
    if not permissions.may_move(person, name, present.case["grid"]):
        raise Forbidden(move=name)
    event_id = ids.event_id(case_id, key)
    earlier = next((event for event in present.events if event["_id"] == event_id), None)
    if earlier is None:
        present = store.refold(database, case_id) or present
        if if_match is not None and if_match != present.case["_rev"]:
            raise _changed(present)
        at = max(times.to_text(now), present.case["last_event"]["at"])
        store.append(database, _event(present.case, event_id, name, fields) | {"at": at, "by": person["name"]})
    elif (earlier["move"], earlier["by"]) != (name, person["name"]):
        raise InvalidInput({"key": "reused"})
    after = _settle(database, case_id, event_id)
    nudges.announce([database.name])
    nudges.nudge(database.name)
    return after


def _found(couch: Couch, person: permissions.Person, case_id: str) -> tuple[Database, store.Loaded]:
    if ids.is_record_id(case_id, "case"):
        found = store.find(couch, permissions.townships_seen(person), case_id)
        if found and permissions.may_see_case(person, found[1].case["grid"], found[1].case["unit"]):
            return found
    raise Missing(case=case_id)


def _event(case: Document, event_id: str, name: str, fields: dict[str, Any]) -> Document:
    """The event, but for when and by whom, of a move from the case's present state. Raises IllegalMove and InvalidInput."""
    texts = workflow.check_move(case["state"], name, fields)
    return {"_id": event_id, "type": "event", "v": 1, "case": case["_id"], "n": case["events"], "move": name} | texts


def _settle(database: Database, case_id: str, event_id: str) -> store.Loaded:
    """Fold the case with its new event. Raises Changed when the event is refused: somebody else was first."""
    after = store.refold(database, case_id)
    if after is None:
        raise Missing(case=case_id)
    if event_id in after.case["refused"]:
        raise _changed(after)
    return after


def _changed(present: store.Loaded) -> Changed:
    return Changed(case=present.case, events=present.events, state=present.case["state"])
