"""What every decision has in common: one write makes it, guarded by the entry's revision; its consequences follow and may be done
again; a last write says that they are all done (`is_settled`). A decision whose maker was killed is finished by the worker.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from server import audit
from server.domain import times
from server.domain.errors import Changed, InvalidInput
from server.quarantine.entries import Entry
from sync import databases
from sync.couch import Couch
from sync.errors import Conflict

REASON_LENGTH = 1000
HISTORY_MOST = 20
SERVER = "server"
Decision = dict[str, Any]


def make(what: str, by: str, now: datetime, *, reason: str = "", **more: Any) -> Decision:
    """A decision that is not carried out yet."""
    return {"what": what, "by": by, "at": times.to_text(now), "reason": reason, "is_settled": False, **more}


def claim(couch: Couch, entry: Entry, state: str, decision: Decision) -> Entry:
    """Make a decision: of any number at the same time one is made. Raises Conflict to the others."""
    history = entry["history"]
    if entry["decision"]:
        if not entry["decision"]["is_settled"]:
            _log(couch, entry, entry["decision"])
        history = [*history, {name: value for name, value in entry["decision"].items() if name != "doc"}][-HISTORY_MOST:]
    return _put(couch, entry | {"state": state, "decision": decision, "history": history})


def settle(couch: Couch, entry: Entry, state: str, **more: Any) -> Entry:
    """Log a decision, then say that all of it is done. Whoever else does so at the same time, once is enough."""
    decision = entry["decision"]
    _log(couch, entry, decision)
    try:
        return _put(couch, entry | {"state": state, "decision": decision | {"is_settled": True} | more})
    except Conflict:
        return entry | couch.database(databases.QUARANTINE).get(entry["_id"])


def check_version(entry: Entry, if_match: str | None) -> None:
    """Raises Changed when the entry is no longer what the person saw."""
    if if_match is not None and if_match != entry["_rev"]:
        raise changed(entry)


def changed(entry: Entry) -> Changed:
    """Somebody else decided meanwhile; `facts` say who and what."""
    decision = entry["decision"] or {}
    return Changed("decided_meanwhile", by=decision.get("by"), state=entry["state"], version=entry["_rev"])


def read_reason(text: object) -> str:
    """A reason that must be given. Raises InvalidInput."""
    if not isinstance(text, str) or not text.strip():
        raise InvalidInput({"reason": "required"})
    if len(text) > REASON_LENGTH:
        raise InvalidInput({"reason": "too_long"})
    return text.strip()


def _log(couch: Couch, entry: Entry, decision: Mapping[str, Any]) -> None:
    facts = {"refused_for": entry["reason"], "user": entry["user"], "record": entry["about"]["id"]}
    facts |= {name: decision[name] for name in ("database", "id", "with") if decision.get(name)}
    audit.note(
        couch,
        by=str(decision["by"]),
        action=f"refused.{decision['what']}",
        subject=entry["_id"],
        why=str(decision["reason"]),
        facts=facts,
        at=times.from_text(decision["at"]),
        key=f"{entry['_id']} {decision['what']} {decision['by']}",
    )


def _put(couch: Couch, entry: Entry) -> Entry:
    return entry | {"_rev": couch.database(databases.QUARANTINE).put(entry)}
