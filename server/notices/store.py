"""The `notices` database: made with its views on first need, written once per notice, asked through its views.

A notice is never changed: a second one with the same key is the first. What is read by whom is `reading.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from server.domain import notices
from sync import databases, designs
from sync.couch import Couch
from sync.database import Database
from sync.errors import NotFound, Unreachable

DESIGN = "notices"
Document = dict[str, Any]


def notify(
    couch: Couch,
    *,
    to: Iterable[str],
    what: str,
    subject: str,
    key: str,
    township: str | None = None,
    facts: Mapping[str, Any] | None = None,
    at: datetime | None = None,
    urgency: str = "normal",
) -> str:
    """Tell parties something, durably; the notice's id. Nothing is written when nobody is named ("" is answered).

    `what` is `<kind>.<what happened>` with words under `notice.<what>` in the locales, `subject` the id of what it is about,
    `facts` codes, numbers and instants that fill the words. The same `key` again is the same notice, so it may be called again
    after a crash. Raises the store's errors.
    """
    now = datetime.now(UTC)
    made = notices.notice(
        to=to,
        what=what,
        subject=subject,
        township=township,
        facts=facts or {},
        key=key,
        at=at or now,
        noted_at=now,
        urgency=urgency,
    )
    return made["_id"] if notify_all(couch, [made]) else ""


def notify_all(couch: Couch, made: Sequence[Document]) -> list[str]:
    """Write notices (`server/domain/notices.notice`) in one request; the ids of all that were for somebody, new or not."""
    wanted = {one["_id"]: one for one in made if one["to"]}
    if not wanted:
        return []
    write(couch, list(wanted.values()))
    return list(wanted)


def write(couch: Couch, docs: Sequence[Document]) -> set[str]:
    """Write documents in one request; the ids of those that somebody else wrote first. Raises the store's errors."""
    if not docs:
        return set()
    try:
        rows = couch.database(databases.NOTICES).bulk(docs)
    except NotFound:
        rows = ensure(couch).bulk(docs)
    failed = {row["id"]: row["error"] for row in rows if "error" in row}
    odd = set(failed.values()) - {"conflict"}
    if odd:
        raise Unreachable(f"not written: {sorted(odd)}")
    return set(failed)


def ensure(couch: Couch) -> Database:
    """The database, made with its views when it is not there."""
    database = couch.database(databases.NOTICES, create=True)
    designs.install(database, DESIGN)
    return database


def view(couch: Couch, name: str, **params: Any) -> list[Document]:
    """A view's rows; database and views are made when they are not there."""
    try:
        answer = couch.database(databases.NOTICES).view(DESIGN, name, **params)
    except NotFound:
        answer = ensure(couch).view(DESIGN, name, **params)
    rows: list[Document] = answer["rows"]
    return rows


def many(couch: Couch, ids: Sequence[str]) -> dict[str, Document]:
    """Those documents that are there, by id."""
    try:
        found = couch.database(databases.NOTICES).many(ids)
    except NotFound:
        return {}
    return {id: doc for id, doc in found.items() if doc}
