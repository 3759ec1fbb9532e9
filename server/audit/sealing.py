"""Seals: each covers the entries that came since the one before it and bears that one's hash, so that all hang together.

    {"_id": "seal:<n, 8 digits>", "type": "seal", "v": 1, "n", "at", "prev", "entries": [[entry id, sha256], …], "sha256"}

A month's first seal bears the hash of the last seal of a month before. An entry that came late is covered by the next seal. The
newest hash (the head) is written to the log and beside the accounts: whoever cuts off the end of the chain leaves it there, and
whoever can write to the store as well as to its logs elsewhere can still not make an exported head true again.
"""

import logging
from datetime import datetime
from typing import Any

from server.audit.entries import digest
from server.domain import times
from sync import designs, feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import PEOPLE, audit_db, parse
from sync.errors import Conflict, NotFound

DESIGN, CHECKPOINT, HEADS = "audit", "seal", "audit-heads"
BATCH = 500
LOG = logging.getLogger(__name__)

Document = dict[str, Any]


class Sealing:
    """Remembers, for this process's life, which months have nothing new."""

    def __init__(self) -> None:
        self._settled: dict[str, str] = {}

    def run(self, couch: Couch, now: datetime) -> int:
        """Seal what is new in every month; how many entries. Raises the errors of the store."""
        names = [audit_db(month) for month in months_of(couch)]
        count = 0
        for name, info in couch.info(names).items():
            if info is not None and self._settled.get(name) != str(info["update_seq"]):
                count += (sealed := seal_month(couch, name, now))
                if not sealed:
                    self._settled[name] = str(info["update_seq"])
        return count


def months_of(couch: Couch) -> list[str]:
    """The months there is a log of, oldest first."""
    found = [parts.month for name in couch.all_databases() if (parts := parse(name)) and parts.kind == "audit" and parts.month]
    return sorted(found)


def seal_month(couch: Couch, name: str, now: datetime) -> int:
    """Seal what is new in one month's log; how many entries. May run twice and at once: a seal's number is taken once."""
    database, count = couch.database(name), 0
    designs.install(database, DESIGN)
    while True:
        page = feed.read(database, CHECKPOINT, BATCH)
        fresh = _unsealed(database, page)
        if fresh:
            try:
                _put(couch, database, fresh, now)
            except Conflict:
                continue
            count += len(fresh)
        feed.finish(database, CHECKPOINT, page)
        if not page.more:
            return count


def last_seal(database: Database) -> Document | None:
    """The newest seal of a month, or None."""
    try:
        return next(iter(database.range("seal:\ufff0", "seal:", 1, descending=True)), None)
    except NotFound:
        return None


def anchor_of(couch: Couch, month: str) -> str:
    """The hash that a month's first seal bears: that of the last seal of the newest month before that has one; else ""."""
    for earlier in reversed([one for one in months_of(couch) if one < month]):
        seal = last_seal(couch.database(audit_db(earlier)))
        if seal is not None:
            return str(seal["sha256"])
    return ""


def heads(couch: Couch) -> dict[str, list[Any]]:
    """`{month: [number, hash]}` of the newest seals as they were noted when they were made."""
    try:
        saved = couch.database(PEOPLE).local_get(HEADS)
    except NotFound:
        return {}
    return dict(saved["heads"]) if saved else {}


def sealed_in(database: Database, ids: list[str]) -> dict[str, list[int]]:
    """The numbers of the seals that cover these entries; those not sealed are not named."""
    found: dict[str, list[int]] = {}
    for row in database.view(DESIGN, "sealed", keys=ids)["rows"] if ids else []:
        found.setdefault(row["key"], []).append(row["value"])
    return found


def _unsealed(database: Database, page: feed.Batch) -> list[list[str]]:
    """`[id, sha256]` of a page's entries that no seal covers; an entry that was removed before it was sealed has no hash."""
    rows = {row["id"]: row.get("doc") or {} for row in page.changes if row["id"].startswith("entry:")}
    known = sealed_in(database, sorted(rows))
    return sorted([id, "" if doc.get("_deleted") else digest(doc)] for id, doc in rows.items() if id not in known)


def _put(couch: Couch, database: Database, entries: list[list[str]], now: datetime) -> None:
    month = str((parse(database.name) or ("",) * 6)[4])
    last = last_seal(database)
    n, prev = (last["n"] + 1, last["sha256"]) if last else (1, anchor_of(couch, month))
    content = {"type": "seal", "v": 1, "n": n, "at": times.to_text(now), "prev": prev, "entries": entries}
    seal = {"_id": f"seal:{n:08d}", **content, "sha256": digest(content)}
    database.put(seal)
    LOG.info("audit %s: seal %s of %s entries, head %s", month, n, len(entries), seal["sha256"])
    couch.create(PEOPLE, replicated=False)
    couch.database(PEOPLE).local_put(HEADS, {"heads": heads(couch) | {month: [n, seal["sha256"]]}})
