"""Sources by command: what `xunge source add|list|disable` do, said line by line. Options are read by `server/cli.py`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from server import audit
from server.domain.errors import InvalidInput, Missing
from server.sources import store
from sync.couch import Couch

Say = Callable[[str], object]


def add(couch: Couch, server_secret: str, id: str, fields: Mapping[str, Any], *, by: str, say: Say) -> bool:
    """Add a source and say its keys; False, and why, when something is wrong."""
    try:
        source, keys = store.add(couch, server_secret, id, fields, by=by, now=datetime.now(UTC))
    except InvalidInput as error:
        say(", ".join(f"{field}: {code}" for field, code in error.fields.items()))
        return False
    audit.note(couch, by=by, action="sources.add", subject=id)
    say(f"{source['name']} may report to /api/ingest/{id}; its secret, shown this once:")
    say(keys.secret)
    if source["kind"] == "open311":
        say(f"api_key: {keys.api_key}")
    return True


def show(couch: Couch, say: Say) -> None:
    """Every source: id, kind, where it may write, whether it is let in."""
    for source in store.every(couch):
        state = "disabled" if source["is_disabled"] else "in use"
        say(f"{source['id']}  {source['kind']}  {' '.join(source['areas'])}  {state}  {source['name']}")


def disable(couch: Couch, id: str, by: str, say: Say) -> bool:
    """Let a source in no more; False when there is none."""
    try:
        store.set_disabled(couch, id, True)
    except Missing:
        return False
    audit.note(couch, by=by, action="sources.disable", subject=id)
    say(f"{id} is let in no more")
    return True
