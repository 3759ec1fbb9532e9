"""Blowing a whistle and moving it: rights → rules → event → fold → save, beside the cases in `cases-<9>`. The rules are
`server/domain/whistles.py`.

A whistle's events are documents of their own, so that ten units may sign in at one moment and none is lost. A case that a whistle
belongs to hears of it by system moves, made once however often this is called: whoever is killed in between is made good by the
next look at the whistle (`repair`).
"""

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from server import notices
from server.cases import moves, reach, store
from server.domain import ids, times, whistles
from server.domain.errors import Changed, Forbidden, InvalidInput, Missing
from server.domain.parties import parties_of
from server.domain.permissions import Person
from server.nudges import Nudges
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db
from sync.errors import Conflict, NotFound

EVENTS_MOST = 2000
LISTED_MOST = 200
TRIES = 40
Document = dict[str, Any]
OPEN: Document = {"startkey": ["open"], "endkey": ["open", {}]}
NEWEST: Document = {"startkey": ["all", {}], "endkey": ["all"]}


class Called(NamedTuple):
    """What to blow for: `units` to be at `place` (text, or a point) by `by_at`; `case` when it is about one."""

    township: str
    units: list[str]
    by_at: datetime
    text: str
    place: Document
    case: str | None = None


def blow(couch: Couch, nudges: Nudges, person: Person, call: Called, *, key: str, now: datetime) -> Document:
    """Call units to a place. The same `key` again is the same whistle. Raises Forbidden, InvalidInput, Missing."""
    if f"township:{call.township}" not in parties_of(person):
        raise Forbidden(move="blow")
    if not moves.KEY.fullmatch(key):
        raise InvalidInput({"key": "invalid"})
    case = _case(couch, person, call)
    _check(couch, call, now)
    database = store.ensure(couch, call.township)
    # Killed between the claim and the event, the next try writes the event that the claim stands for.
    whistle = _claim(database, key, "whistle:" + ids.uuid7(now, secrets.token_bytes(10)))
    event = {
        "_id": whistles.event_id(whistle, key),
        "type": "whistle_event",
        "v": 1,
        "whistle": whistle,
        "n": 0,
        "move": "blow",
        "at": times.to_text(now),
        "by": person["name"],
        "party": f"township:{call.township}",
        "township": call.township,
        "case": call.case,
        "grid": case["grid"] if case else None,
        "place": call.place,
        "text": call.text.strip(),
        "by_at": times.to_text(call.by_at),
        "units": sorted(set(call.units)),
    }
    store.append(database, event)
    return _settle(couch, nudges, database, whistle, now)


def move(  # noqa: PLR0917 - where, who, what: the order everybody says it in
    couch: Couch, nudges: Nudges, person: Person, whistle_id: str, name: str, fields: Document, *, key: str, now: datetime
) -> Document:
    """Make a move on a whistle; the whistle after it. Raises as `cases.moves.move` does."""
    if not moves.KEY.fullmatch(key):
        raise InvalidInput({"key": "invalid"})
    database, present = _found_by(couch, person, whistle_id)
    if name not in whistles.MOVES and name != whistles.LEAVE:
        raise InvalidInput({"move": "unknown"})
    party = whistles.acting_party(person, present, name)
    if party is None:
        raise Forbidden(move=name)
    event_id = whistles.event_id(whistle_id, key)
    if database.find(event_id) is None:
        read = whistles.read_fields(name, fields) if name in whistles.MOVES else {}
        whistles.check(present, name, party, read)
        if "unit" in read and reach.unit_docs(couch, [read["unit"]])[read["unit"]] is None:
            raise InvalidInput({"unit": "unknown"})
        at = max(times.to_text(now), present["updated_at"])
        head = {"_id": event_id, "type": "whistle_event", "v": 1, "whistle": whistle_id, "n": present["events"], "move": name}
        store.append(database, head | {"at": at, "by": person["name"], "party": party} | read)
    after = _settle(couch, nudges, database, whistle_id, now)
    if event_id in after["refused"]:
        raise Changed(state=after["state"])
    return after


def find(couch: Couch, person: Person, whistle_id: str) -> Document:
    """A whistle for somebody who may see it. Raises Missing."""
    return _found_by(couch, person, whistle_id)[1]


def listed(couch: Couch, person: Person, *, is_open: bool, most: int = LISTED_MOST) -> list[Document]:
    """The open whistles this person may see (or the latest of all), those due first; at most `most` of each township."""
    found: list[Document] = []
    for township in reach.townships_of(couch, person):
        span: Document = OPEN if is_open else NEWEST
        found += _rows(couch, township, span | {"limit": most, "descending": not is_open})
    seen = [one for one in found if whistles.may_see(person, one)]
    return sorted(seen, key=lambda one: (one["by_at"], one["_id"]), reverse=not is_open)


def repair(couch: Couch, database: Database, docs: Iterable[Document], now: datetime) -> None:
    """Bring whistles up to their events and tell their cases and units, for events that a killed process left alone."""
    for whistle in sorted({doc["whistle"] for doc in docs if doc.get("type") == "whistle_event"}):
        _settle(couch, None, database, whistle, now)


def _case(couch: Couch, person: Person, call: Called) -> Document | None:
    if call.case is None:
        return None
    case = moves.open_case(couch, person, call.case).case
    if case["grid"][:9] != call.township:
        raise InvalidInput({"case": "other_township"})
    return case


def _check(couch: Couch, call: Called, now: datetime) -> None:
    wrong: dict[str, str] = {}
    if not call.text.strip():
        wrong["text"] = "required"
    elif len(call.text) > whistles.TEXT_LENGTH:
        wrong["text"] = "too_long"
    if not call.units:
        wrong["units"] = "required"
    elif len(call.units) > whistles.UNITS_MOST or None in reach.unit_docs(couch, call.units).values():
        wrong["units"] = "unknown"
    if call.by_at <= now:
        wrong["by_at"] = "past"
    if not call.place.get("address") and call.place.get("lat") is None:
        wrong["place"] = "required"
    if wrong:
        raise InvalidInput(wrong)


def _claim(database: Database, key: str, whistle: str) -> str:
    """The whistle that this key stands for: a form sent twice blows once."""
    claim = f"blown:{key}"
    if store.append(database, {"_id": claim, "type": "blown", "v": 1, "whistle": whistle}):
        return whistle
    return str(database.get(claim)["whistle"])


def _found_by(couch: Couch, person: Person, whistle_id: str) -> tuple[Database, Document]:
    if ids.is_record_id(whistle_id, "whistle"):
        for township in reach.townships_of(couch, person):
            database = couch.database(cases_db(township))
            try:
                whistle = _refold(database, whistle_id)
            except NotFound:
                continue
            if whistle is not None and whistles.may_see(person, whistle):
                return database, whistle
    raise Missing(whistle=whistle_id)


def _settle(couch: Couch, nudges: Nudges | None, database: Database, whistle_id: str, now: datetime) -> Document:
    """Fold and save, then tell the case and the units what they do not know yet; each is told once."""
    whistle = _refold(database, whistle_id)
    if whistle is None:
        raise Missing(whistle=whistle_id)
    if whistle["case"]:
        told = {"whistle": whistle_id, "units": sorted(whistle["calls"])}
        key = f"{ids.uuid_of(whistle_id)}-{len(whistle['calls'])}"
        moves.record(couch, whistle["township"], whistle["case"], "blow", told, key=key, now=now, by=whistle["by"])
        if whistle["state"] == "solved":
            over = {"whistle": whistle_id}
            key = f"{ids.uuid_of(whistle_id)}-solved"
            moves.record(couch, whistle["township"], whistle["case"], "whistle_solved", over, key=key, now=now)
    _tell(couch, whistle)
    if nudges is not None:
        nudges.announce([database.name])
        nudges.nudge(database.name)
    return whistle


def _tell(couch: Couch, whistle: Document) -> None:
    facts = {"by_at": whistle["by_at"], "address": str(whistle["place"].get("address") or "")[:80]}
    base = {"subject": whistle["_id"], "township": whistle["township"], "facts": facts}
    for unit, call in whistle["calls"].items():
        at = times.from_text(call["called_at"])
        key = f"{whistle['_id']}:{unit}:called"
        notices.notify(couch, to=[unit], what="whistle.called", key=key, at=at, urgency="urgent", **base)
    if whistle["state"] == "solved":
        at = times.from_text(whistle["solved_at"])
        key = f"{whistle['_id']}:solved"
        notices.notify(couch, to=sorted(whistle["calls"]), what="whistle.solved", key=key, at=at, **base)


def _refold(database: Database, whistle_id: str) -> Document | None:
    """The whistle as its events say, saved; an event placed where another counts goes behind it. None: no such whistle."""
    prefix = f"call:{ids.uuid_of(whistle_id)}:"
    for _ in range(TRIES):
        events = database.range(prefix, prefix + "\ufff0", EVENTS_MOST)
        if not events:
            return None
        saved = database.find(whistle_id)
        strays = _strays(events, saved) if saved else []
        for event in strays:
            store.append(database, event | {"n": saved["events"] if saved else 0})
        if strays:
            continue
        folded = whistles.fold(events)
        if saved == folded | {"_rev": saved["_rev"] if saved else ""}:
            return folded
        try:
            database.put(folded | ({"_rev": saved["_rev"]} if saved else {}))
        except Conflict:
            continue
        return folded
    raise Conflict(whistle_id)


def _strays(events: list[Document], saved: Document) -> list[Document]:
    settled = {*saved["applied"], *saved["refused"]}
    return [event for event in events if event["_id"] not in settled and event["n"] < saved["events"]]


def _rows(couch: Couch, township: str, span: Document) -> list[Document]:
    try:
        rows = couch.database(cases_db(township)).view(store.DESIGN, "whistles", include_docs=True, **span)["rows"]
    except NotFound:
        return []
    return [row["doc"] for row in rows if row.get("doc")]
