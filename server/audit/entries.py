"""Entries of the access log: who did or saw what, when and why, in `audit-<yyyymm>` (China's months); added and never changed.

    {"_id": "entry:<uuidv7 of at>", "type": "audit", "v": 1, "at", "by", "action", "subject", "township", "why", "facts": {…},
     "sha256"}

`sha256` is that of the entry's own content in canonical JSON; seals (`sealing.py`) name it. `township` says who besides
administrators may read of it (`searching.py`). What deserves an entry is decided by whoever acts; no contents of records belong
in `facts`, only codes and names.
"""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from server.domain import ids, times
from sync.couch import Couch
from sync.databases import audit_db, month_at
from sync.errors import NotFound, Unreachable

WHY_LENGTH = 1000
# Looking at the same thing again within so long is one look: the first.
SEEN_S = 600
SEEN_KEPT = 5000
_SEEN: OrderedDict[str, None] = OrderedDict()
_SEEN_LOCK = threading.Lock()
Entry = dict[str, Any]


def note(
    couch: Couch,
    *,
    by: str,
    action: str,
    subject: str,
    why: str = "",
    facts: Mapping[str, Any] | None = None,
    at: datetime | None = None,
    key: str | None = None,
    township: str | None = None,
    since: datetime | None = None,
) -> str:
    """Add one entry durably; its id. `by` is an account name, `subject` a document's id, `action` `<what>.<verb>`.

    `township` (9 digits) is the one it concerns; without it that of `facts["township"]` or `facts["grid"]`, if there is one.

    With `since` the id comes from it and not from `at`: what has the same key since then is one entry, the first.
    With `key` and the same `at` it may be called again after a crash: the entry is there once. Raises the store's errors; then
    what was to be logged must not happen.
    """
    moment = at or datetime.now(UTC)
    random = hashlib.sha256(key.encode()).digest() if key is not None else secrets.token_bytes(10)
    about = dict(facts or {})
    content: Entry = {
        "type": "audit",
        "v": 1,
        "at": times.to_text(moment),
        "by": by,
        "action": action,
        "subject": subject,
        "township": township or str(about.get("township") or about.get("grid") or "")[:9] or None,
        "why": why[:WHY_LENGTH],
        "facts": about,
    }
    entry = {"_id": f"entry:{ids.uuid7(since or moment, random)}", **content, "sha256": digest(content)}
    _add(couch, audit_db(month_at(since or moment)), entry)
    return str(entry["_id"])


def note_seen(
    couch: Couch,
    *,
    by: str,
    action: str,
    subject: str,
    township: str | None = None,
    facts: Mapping[str, Any] | None = None,
    now: datetime,
) -> None:
    """Note that somebody looks at something, once in ten minutes for the same person, action and subject; before it is shown.

    One durable write, and none when this process wrote it already: an entry is never only in memory. Two processes write the
    same one. Raises the store's errors; then it must not be shown.
    """
    begun_at = datetime.fromtimestamp(now.timestamp() // SEEN_S * SEEN_S, UTC)
    key = f"{by} {action} {subject} {times.to_text(begun_at)}"
    with _SEEN_LOCK:
        if key in _SEEN:
            return
    note(couch, by=by, action=action, subject=subject, township=township, facts=facts, at=now, key=key, since=begun_at)
    with _SEEN_LOCK:
        _SEEN[key] = None
        while len(_SEEN) > SEEN_KEPT:
            _SEEN.popitem(last=False)


def read(couch: Couch, month: str, limit: int = 100, before: str | None = None) -> list[Entry]:
    """Entries of a month (`yyyymm`), newest first, at most `limit`; those older than the entry `before` when it is given."""
    end = f"{before}\x00" if before else "entry:\ufff0"
    try:
        found = couch.database(audit_db(month)).range(end, "entry:", limit + 1, descending=True)
    except NotFound:
        return []
    return [entry for entry in found if entry["_id"] != before][:limit]


def digest(content: Mapping[str, Any]) -> str:
    """The hash of an entry's content: everything but the store's own fields and the hash itself."""
    plain = {name: value for name, value in content.items() if not name.startswith("_") and name != "sha256"}
    return hashlib.sha256(orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _add(couch: Couch, name: str, entry: Entry) -> None:
    """Write what is not there yet. An entry is never replaced: a conflict means that this very one was written before."""
    try:
        rows = couch.database(name).bulk([entry])
    except NotFound:
        rows = couch.database(name, create=True).bulk([entry])
    if rows[0].get("error", "conflict") != "conflict":
        raise Unreachable(f"not logged: {rows[0]}")
