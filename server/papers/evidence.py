"""Photos as evidence on papers: what is known of each, the picture to print, and whether the kept file is still the sent one.

Only photos of a case's own township and of no household or beat: those go on no paper (DESIGN §5).
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from media import store
from server import photo_rights
from server.domain.grids import township_of
from server.domain.permissions import Person
from sync import databases
from sync.couch import Couch
from sync.database import Database
from sync.errors import NotFound

Document = dict[str, Any]
SHOWN_KINDS = frozenset({"grid", "cases"})
PRINTED_BYTES = 2 * 1024 * 1024


def facts_of(couch: Couch, case: Mapping[str, Any], photos: Sequence[str]) -> dict[str, Document]:
    """`{photo: {sha256, size_bytes, taken_at, received_at}}` of those that arrived; `taken_at` is the camera's or phone's."""
    docs = _docs(couch, case, photos)
    records = _records(couch, docs)
    files = {id: doc["files"].get("sent") or doc["files"].get("original") or {} for id, doc in docs.items()}
    return {
        id: {
            "sha256": files[id].get("sha256"),
            "size_bytes": files[id].get("size_bytes"),
            "taken_at": doc.get("taken_at") or records.get(id, {}).get("taken_at"),
            "received_at": doc.get("received_at"),
        }
        for id, doc in docs.items()
    }


def pictures_of(couch: Couch, person: Person, case: Mapping[str, Any], photos: Sequence[str]) -> dict[str, bytes]:
    """The `screen` size (JPEG) of those this person may see: what a paper prints, free of what the camera wrote into it.

    Being named in a case is not enough: who makes a move names its photos, and could name another's.
    """
    found = {}
    for id, doc in _docs(couch, case, photos).items():
        if not photo_rights.may_see(couch, person, doc):
            continue
        opened = store.open(_media(couch, case), id, "screen")
        if opened is not None and opened[1] == "image/jpeg" and len(opened[0]) <= PRINTED_BYTES:
            found[id] = opened[0]
    return found


def sha256_of_file(couch: Couch, case: Mapping[str, Any], photo: str) -> str | None:
    """The hash of the file as it lies there now, counted anew; None when it is gone."""
    if photo not in _docs(couch, case, [photo]):
        return None
    opened = store.open(_media(couch, case), photo, "sent")
    return hashlib.sha256(opened[0]).hexdigest() if opened else None


def _records(couch: Couch, docs: Mapping[str, Document]) -> dict[str, Document]:
    """The photos' records, one look a database."""
    found: dict[str, Document] = {}
    for name in {doc["database"] for doc in docs.values()}:
        try:
            rows = couch.database(name).many([id for id, doc in docs.items() if doc["database"] == name])
        except NotFound:
            continue
        found |= {id: doc for id, doc in rows.items() if doc}
    return found


def _media(couch: Couch, case: Mapping[str, Any]) -> Database:
    return couch.database(databases.media_db(township_of(case["grid"])))


def _docs(couch: Couch, case: Mapping[str, Any], photos: Sequence[str]) -> dict[str, Document]:
    try:
        found = _media(couch, case).many(list(photos))
    except NotFound:
        return {}
    return {id: doc for id, doc in found.items() if doc and _is_shown(doc)}


def _is_shown(doc: Document) -> bool:
    name = databases.parse(doc["database"])
    return name is not None and name.kind in SHOWN_KINDS and not doc.get("unclaimed_since")
