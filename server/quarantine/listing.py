"""Finding refused things: for clerks by township, state, reason or user; for a phone its user's own; what belongs to a record.

Who may ask is `server/domain/permissions.py`. Nothing is written here.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from server import cursors
from server.domain import times
from server.domain.errors import InvalidInput, Missing
from server.domain.permissions import Person, may_decide_refused
from server.quarantine.entries import Entry, with_defaults
from server.quarantine.opening import view
from sync import databases
from sync.couch import Couch
from sync.errors import NotFound

EVERYWHERE = "*"
STATES = ("waiting", "adopted", "dismissed")
PARTS = ("records", "photos")
LIMIT_MOST = 100
MINE_MOST, MINE_AGE = 500, timedelta(days=200)
RELATED_MOST = 500


class Page(NamedTuple):
    """Entries in order, and the cursor of what follows (None: nothing does)."""

    entries: list[Entry]
    next: str | None


def page(
    couch: Couch,
    scope: str,
    state: str,
    *,
    part: str | None = None,
    reason: str | None = None,
    user: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """A page of a township's entries (or `EVERYWHERE`): the longest waiting first, the latest decided or refused first.

    `part` keeps to `records` or `photos`. Of reason and user the user is looked up and the reason compared, so a page may hold
    fewer than `limit` and still have a `next`. Raises InvalidInput.
    """
    if state not in STATES or not 1 <= limit <= LIMIT_MOST or (part and part not in PARTS):
        raise InvalidInput({"state": "unknown"} if state not in STATES else {"limit": "out_of_range"})
    facet, value = ("user", user) if user else ("reason", reason) if reason else ("all", "")
    prefix = [scope, f"{state}/{part}" if part else state, facet, value]
    rows = _rows(couch, prefix, state != "waiting", cursors.read(cursor), limit + 1)
    shown = [with_defaults(row["doc"]) for row in rows[:limit] if row.get("doc")]
    kept = [entry for entry in shown if not (user and reason) or entry["reason"] == reason]
    return Page(kept, cursors.write(_place(rows[limit - 1])) if len(rows) > limit else None)


def counts(couch: Couch, scope: str) -> dict[str, int]:
    """How many there are, by list: `waiting`, `waiting/records`, … every one of them named."""
    names = [*STATES, *(f"{state}/{part}" for state in STATES for part in PARTS)]
    span = {"startkey": [scope], "endkey": [scope, {}]}
    rows = view(couch, "listing", reduce=True, group_level=3, **span)["rows"]
    return dict.fromkeys(names, 0) | {row["key"][1]: row["value"] for row in rows if row["key"][2] == "all"}


def count(couch: Couch, scope: str, name: str) -> int:
    """How many there are in one list."""
    rows = view(couch, "listing", reduce=True, startkey=[scope, name, "all"], endkey=[scope, name, "all", {}])["rows"]
    return int(rows[0]["value"]) if rows else 0


def facets(couch: Couch, scope: str, name: str, facet: str) -> dict[str, int]:
    """What there is to filter a list by: `{reason or user: how many}`."""
    span = {"startkey": [scope, name, facet], "endkey": [scope, name, facet, {}]}
    rows = view(couch, "listing", reduce=True, group_level=4, **span)["rows"]
    return {row["key"][3]: row["value"] for row in rows}


def find(couch: Couch, person: Person, id: str) -> Entry:
    """An entry, for somebody who may decide about it. Raises Missing for everybody else."""
    full = id if id.startswith("refused:") else f"refused:{id}"
    try:
        entry = couch.database(databases.QUARANTINE).find(full)
    except NotFound:
        entry = None
    if entry is None or entry.get("type") != "refused":
        raise Missing
    found = with_defaults(entry)
    if not may_decide_refused(person, found["townships"]):
        raise Missing
    return found


def of_user(couch: Couch, user: str, now: datetime) -> list[Entry]:
    """A user's entries of the last 200 days, newest first, at most 500."""
    since = times.to_text(now - MINE_AGE)
    span = {"startkey": [user, {}], "endkey": [user, since], "descending": True, "limit": MINE_MOST}
    rows = view(couch, "users", include_docs=True, **span)["rows"]
    return [with_defaults(row["doc"]) for row in rows if row.get("doc")]


def about(couch: Couch, ids: Iterable[str], user: str) -> list[Entry]:
    """The entries of these records, and of the photos that belong to them, as far as the same user sent them."""
    return [entry for entry in about_records(couch, ids) if entry["user"] == user]


def about_records(couch: Couch, ids: Iterable[str]) -> list[Entry]:
    """The entries of these records, and of the photos that belong to them, whoever sent them."""
    wanted = sorted(set(ids))
    if not wanted:
        return []
    rows = view(couch, "subjects", keys=wanted, include_docs=True, limit=RELATED_MOST)["rows"]
    found = {row["id"]: with_defaults(row["doc"]) for row in rows if row.get("doc")}
    return [entry for _, entry in sorted(found.items())]


def photos_of(document: Any) -> list[str]:
    """The photo ids a refused document names, in order, its voice note last; what else it holds in their place is left out."""
    given = document if isinstance(document, dict) else {}
    solved = given.get("solved")
    lists = [given.get("photos"), solved.get("photos") if isinstance(solved, dict) else None, [given.get("voice")]]
    named = [photo for photos in lists if isinstance(photos, list) for photo in photos if isinstance(photo, str)]
    return list(dict.fromkeys(photo for photo in named if photo.startswith("photo:")))


def _rows(couch: Couch, prefix: list[Any], newest_first: bool, after: list[str] | None, limit: int) -> list[dict[str, Any]]:
    low, high = [*prefix], [*prefix, {}]
    start, end = (high, low) if newest_first else (low, high)
    span: dict[str, Any] = {"startkey": start, "endkey": end}
    if after:
        span |= {"startkey": [*prefix, after[0]], "startkey_docid": after[1]}
    asked = {"descending": newest_first, "include_docs": True, "reduce": False, "limit": limit + (1 if after else 0)}
    rows: list[dict[str, Any]] = view(couch, "listing", **span, **asked)["rows"]
    return [row for row in rows if after is None or _place(row) != after]


def _place(row: dict[str, Any]) -> list[str]:
    return [row["key"][4], row["id"]]
