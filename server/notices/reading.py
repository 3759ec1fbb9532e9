"""What a person's parties were told, and what of it this person has read.

    {"_id": "reading:<user>:<notice>", "type": "reading", "user", "notice", "at", "noted_at"}   this one is read
    {"_id": "reader:<user>", "type": "reader", "upto"}                        everything until then counts as read

`upto` only saves looking at what was read long ago; it follows behind the oldest unread notice and never passes one. What is
older than a month is not counted as unread (`server/domain/notices.UNREAD`). Nothing is decided for anybody else: a colleague
of the same party has readings of their own.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from server.domain import notices, times
from server.domain.errors import Missing
from server.domain.parties import parties_of
from server.domain.permissions import Person
from server.notices import store
from sync.couch import Couch

SCAN_MOST = 1000
PARTIES_MOST = 40
# A reading stays by itself so long before `upto` may pass it, so that it can be undone.
UNDONE_WITHIN = timedelta(days=1)

Document = dict[str, Any]
Place = tuple[str, str]


class Unread(NamedTuple):
    """Places (`noted_at`, id) of what is unread, newest first, of the newest `SCAN_MOST`; `is_more` when there are older ones."""

    places: list[Place]
    is_more: bool


class _Looked(NamedTuple):
    """The newest notices since `upto`, and the readings there are of them, by notice."""

    places: list[Place]
    readings: dict[str, Document]
    is_more: bool


def unread(couch: Couch, person: Person, now: datetime) -> Unread:
    """What this person has not read yet."""
    looked = _look(couch, person, now)
    return Unread([place for place in looked.places if place[1] not in looked.readings], looked.is_more)


def places(couch: Couch, person: Person, *, since: str = "", before: Place | None = None, limit: int) -> list[Place]:
    """Places of the notices of all this person's parties, each once, newest first: after `since` and older than `before`."""
    found: set[Place] = set()
    for party in sorted(parties_of(person))[:PARTIES_MOST]:
        start, end = [party, before[0] if before else {}], [party, since]
        docid = {"startkey_docid": before[1]} if before else {}
        rows = store.view(couch, "inbox", startkey=start, endkey=end, descending=True, limit=limit + 1, **docid)
        # No key lies just behind `since`: in the order of views what cannot be seen counts for nothing.
        found.update((row["key"][1], row["id"]) for row in rows if row["key"][1] > since)
    return sorted((place for place in found if place != before), reverse=True)[:limit]


def find(couch: Couch, person: Person, id: str) -> Document:
    """A notice for one of this person's parties. Raises Missing."""
    full = id if id.startswith("notice:") else f"notice:{id}"
    notice = store.many(couch, [full]).get(full)
    if notice is None or notice.get("type") != "notice" or parties_of(person).isdisjoint(notice["to"]):
        raise Missing
    return notice


def mark_read(couch: Couch, person: Person, id: str, now: datetime) -> None:
    """This person has read this notice; once is enough. Raises Missing."""
    _write(couch, person, [find(couch, person, id)], now)
    _follow(couch, person, now)


def mark_unread(couch: Couch, person: Person, id: str) -> None:
    """Undo it. Raises Missing."""
    _take_back(couch, person, [find(couch, person, id)["_id"]])


def mark_all_read(couch: Couch, person: Person, upto: str, now: datetime) -> list[str]:
    """Everything unread that was noted until `upto`, the newest the person saw, is read; which, so that it can be undone.

    What is older than the newest `SCAN_MOST` is read with it, for good.
    """
    looked = _look(couch, person, now)
    ids = [id for noted_at, id in looked.places if id not in looked.readings and noted_at <= upto]
    _write(couch, person, store.many(couch, ids).values(), now)
    if looked.is_more:
        _move(couch, person, _just_before(looked.places[-1][0]))
    return ids


def mark_many_unread(couch: Couch, person: Person, ids: Iterable[str]) -> None:
    """Undo `mark_all_read`. What this person never read is passed over."""
    _take_back(couch, person, list(ids)[:SCAN_MOST])


def _look(couch: Couch, person: Person, now: datetime) -> _Looked:
    since = max(str(_reader(couch, person).get("upto", "")), times.to_text(now - notices.UNREAD))
    found = places(couch, person, since=since, limit=SCAN_MOST + 1)
    shown = found[:SCAN_MOST]
    readings = store.many(couch, [_reading_id(person, id) for _, id in shown])
    return _Looked(shown, {doc["notice"]: doc for doc in readings.values()}, len(found) > SCAN_MOST)


def _write(couch: Couch, person: Person, read: Iterable[Document], now: datetime) -> None:
    docs = [
        {
            "_id": _reading_id(person, notice["_id"]),
            "type": "reading",
            "user": person["name"],
            "notice": notice["_id"],
            "at": times.to_text(now),
            "noted_at": notice["noted_at"],
        }
        for notice in read
    ]
    store.write(couch, docs)


def _take_back(couch: Couch, person: Person, ids: list[str]) -> None:
    readings = store.many(couch, [_reading_id(person, id) for id in ids]).values()
    store.write(couch, [{"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True} for doc in readings])


def _follow(couch: Couch, person: Person, now: datetime) -> None:
    """Let `upto` follow: to just before the oldest notice that is unread or whose reading may still be undone."""
    looked, undone_since = _look(couch, person, now), times.to_text(now - UNDONE_WITHIN)
    if not looked.is_more:
        held = [at for at, id in looked.places if id not in looked.readings or looked.readings[id]["at"] > undone_since]
        _move(couch, person, min(_just_before(held[-1]), undone_since) if held else undone_since)


def _move(couch: Couch, person: Person, upto: str) -> None:
    present = _reader(couch, person)
    if str(present.get("upto", "")) < upto:
        store.write(couch, [{**present, "_id": f"reader:{person['name']}", "type": "reader", "upto": upto}])


def _just_before(at: str) -> str:
    return times.to_text(times.from_text(at) - timedelta(milliseconds=1))


def _reader(couch: Couch, person: Person) -> Document:
    id = f"reader:{person['name']}"
    return store.many(couch, [id]).get(id, {})


def _reading_id(person: Person, notice: str) -> str:
    return f"reading:{person['name']}:{notice.partition(':')[2]}"
