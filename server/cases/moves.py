"""Making a move on a case: rights → state → fields → rules → clock → event → fold → save. The flow is `server/domain/workflow`.

Two clerks may move one case at the same time: the event that finds the case changed is placed after what happened, and when it
is illegal there it stays in the timeline as refused and its author is told so. The same idempotency key again is the same move.
"""

import re
from datetime import datetime
from typing import Any

from server.cases import clock, merging, preparing, reach, store
from server.domain import case_rights, ids, permissions, times, workflow
from server.domain.errors import Changed, Forbidden, InvalidInput, Missing
from server.nudges import Nudges
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db

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

    `if_match` is the version (`workflow.version_of`) that the person saw, None any. Raises Missing, Forbidden, InvalidInput,
    IllegalMove, RuleBroken, and Changed when the case changed meanwhile, with `case` (its present document) and `events` in its
    facts.
    """
    if not KEY.fullmatch(key):
        raise InvalidInput({"key": "invalid"})
    database, present = _found(couch, person, case_id)
    if (name not in workflow.MOVES and name != workflow.HAND_DOWN) or name in workflow.SYSTEM_MOVES:
        raise InvalidInput({"move": "unknown"})
    event_id = ids.event_id(case_id, key)
    earlier = next((event for event in present.events if event["_id"] == event_id), None)
    if earlier is None:
        present = store.refold(database, case_id) or present
        # Before rights: who lost them by what changed meanwhile is told what changed.
        if if_match is not None and if_match != workflow.version_of(present.case):
            raise _changed(present)
        parties = _parties(person, present.case, name)
        event = _event(present.case, event_id, name, fields, now) | {"by": person["name"]}
        event |= {"seen": event["n"]} if if_match is not None else {}
        _check_main(couch, person, event)
        event = preparing.prepared(couch, database, present.case, event, now)
        event |= _clock_facts(couch, present.case, event)
        store.append(database, _permitted(present.case, event, parties))
    elif (earlier["move"], earlier["by"]) != (name, person["name"]):
        raise InvalidInput({"key": "reused"})
    after = _settle(database, case_id, event_id)
    if name in merging.COUNTERPARTS:
        merging.settle(database, after, now)
    nudges.announce([database.name])
    nudges.nudge(database.name)
    return after


def system_move(  # noqa: PLR0917 - where, what: the order everybody says it in
    couch: Couch,
    nudges: Nudges,
    township: str,
    case_id: str,
    name: str,
    fields: dict[str, Any],
    *,
    key: str,
    now: datetime,
    by: str = "system",
    party: str = "system",
) -> store.Loaded | None:
    """A move that nobody makes at a desk: what a phone answered, what a whistle or another system did. None: no such case.

    It is made once for one `key`, however often it is called. What the flow does not allow stays in the timeline as refused and
    raises nothing: nobody is there to be told. Raises InvalidInput for fields that cannot be.
    """
    after = record(couch, township, case_id, name, fields, key=key, now=now, by=by, party=party)
    if after is not None:
        database = cases_db(township)
        nudges.announce([database])
        nudges.nudge(database)
    return after


def record(
    couch: Couch,
    township: str,
    case_id: str,
    name: str,
    fields: dict[str, Any],
    *,
    key: str,
    now: datetime,
    by: str = "system",
    party: str = "system",
) -> store.Loaded | None:
    """`system_move` by somebody who tells about it himself, as the worker's intake does."""
    database = couch.database(cases_db(township))
    present = store.load(database, case_id)
    if present is None:
        return None
    event_id = ids.event_id(case_id, key)
    if all(event["_id"] != event_id for event in present.events):
        row = workflow.MOVES[name]
        base = _blank(present.case, event_id, name, now) | workflow.read_fields(row, fields) | {"by": by, "party": party}
        store.append(database, base | _clock_facts(couch, present.case, base))
    return store.refold(database, case_id, written=event_id)


def _found(couch: Couch, person: permissions.Person, case_id: str) -> tuple[Database, store.Loaded]:
    if ids.is_record_id(case_id, "case"):
        found = store.find(couch, reach.townships_of(couch, person), case_id)
        if found and case_rights.may_see(person, found[1].case):
            return found
    raise Missing(case=case_id)


def _parties(person: permissions.Person, case: Document, name: str) -> list[str]:
    """In whose names the person may do this. Raises Forbidden."""
    parties = case_rights.acting_parties(person, case, "escalate" if name == workflow.HAND_DOWN else name)
    if not parties:
        raise Forbidden(move=name)
    return parties


def _check_main(couch: Couch, person: permissions.Person, event: Document) -> None:
    """A merge writes into the main case, too: it is one this person may see. Raises InvalidInput."""
    try:
        if event["move"] == "merge":
            _found(couch, person, event["into"])
    except Missing:
        raise InvalidInput({"into": "unknown"}) from None


def _permitted(case: Document, event: Document, parties: list[str]) -> Document:
    """The event in the first name in which no rule forbids it. Raises RuleBroken with what forbids it in the fittest name."""
    for party in parties:
        named = event | {"party": party}
        if workflow.broken_rule(case, named) is None:
            return named
    workflow.check_rules(case, event | {"party": parties[0]})
    raise AssertionError("unreachable: a rule was broken in every name")


def _blank(case: Document, event_id: str, name: str, now: datetime) -> Document:
    at = max(times.to_text(now), case["last_event"]["at"])
    return {"_id": event_id, "type": "event", "v": 1, "case": case["_id"], "n": case["events"], "move": name, "at": at}


def _event(case: Document, event_id: str, name: str, fields: dict[str, Any], now: datetime) -> Document:
    """The event of a move from the case's present state, but for who makes it. Raises IllegalMove, InvalidInput, RuleBroken."""
    return _blank(case, event_id, name, now) | workflow.check_move(case["state"], name, fields)


def _clock_facts(couch: Couch, case: Document, event: Document) -> Document:
    """What the event says about the case's clocks, so that its fold needs no calendar."""
    return clock.facts(couch, case, event["move"], event, times.from_text(event["at"]))


def _settle(database: Database, case_id: str, event_id: str) -> store.Loaded:
    """Fold the case with its new event. Raises Changed when the event is refused: somebody else was first."""
    after = store.refold(database, case_id, written=event_id)
    if after is None:
        raise Missing(case=case_id)
    if event_id in after.case["refused"]:
        raise _changed(after)
    return after


def _changed(present: store.Loaded) -> Changed:
    return Changed(case=present.case, events=present.events, state=present.case["state"])
