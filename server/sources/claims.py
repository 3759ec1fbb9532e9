"""Which number of a source became which case: claims in the `sources` database, made before the case and never changed.

    number:<source>:<sha256 of the number>   {source, number, township, case, at, kind}
    key:<source>:<sha256 of the key>         {of: the number's claim}

A claim fixes township and time of arrival, so that whoever sends the same again, or does the rest after a crash, makes the same
first event. It holds nothing of what was reported.
"""

import hashlib
from datetime import datetime
from typing import Any

from server.domain import ids, sources, times
from server.domain.errors import Differs
from server.sources import store
from sync.couch import Couch
from sync.databases import SOURCES
from sync.errors import Conflict, NotFound

Document = dict[str, Any]


def claim(couch: Couch, source: Document, number: str, township: str, now: datetime) -> Document:
    """The claim on a number: the one that is there, or one for this township and instant."""
    id = _id("number", source["id"], number)
    head = {"_id": id, "type": "claim", "v": 1, "source": source["id"], "kind": source["kind"], "number": number}
    case = ids.case_id(sources.report_id(source["id"], number))
    return _made(couch, head | {"township": township, "case": case, "at": times.to_text(now)})


def find(couch: Couch, source: str, number: str) -> Document | None:
    """The claim on a number, or None."""
    try:
        return couch.database(SOURCES).find(_id("number", source, number))
    except NotFound:
        return None


def bind_key(couch: Couch, source: str, key: str, number: str) -> None:
    """Bind an idempotency key to a number. Raises Differs when it was used for another one."""
    of = _id("number", source, number)
    found = _made(couch, {"_id": _id("key", source, key), "type": "key", "v": 1, "source": source, "of": of})
    if found["of"] != of:
        raise Differs({"Idempotency-Key": "reused"})


def _made(couch: Couch, doc: Document) -> Document:
    """A document put where none is yet, or the one that is there."""
    for attempt in range(2):
        try:
            couch.database(SOURCES).put(doc)
        except Conflict:
            return couch.database(SOURCES).get(doc["_id"])
        except NotFound:
            if attempt:
                raise
            store.ensure(couch)
        else:
            break
    return doc


def _id(what: str, source: str, text: str) -> str:
    return f"{what}:{source}:{hashlib.sha256(text.encode()).hexdigest()}"
