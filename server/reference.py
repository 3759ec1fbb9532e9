"""Reference data: writing `ref` documents so that nothing changes when nothing changed (every device pulls what changes)."""

from typing import Any

from sync.couch import Couch

BATCH = 200


def write(couch: Couch, documents: list[dict[str, Any]]) -> int:
    """Puts these `ref` documents, leaving alone the ones that are there with the same content; how many were written.

    Documents that are in `ref` but not in the list stay. Raises sync.errors.StoreError.
    """
    couch.create("ref", replicated=True)
    database, written = couch.database("ref"), 0
    for start in range(0, len(documents), BATCH):
        batch = documents[start : start + BATCH]
        present = database.many([doc["_id"] for doc in batch])
        changed = [_revised(doc, present[doc["_id"]]) for doc in batch if not _is_same(doc, present[doc["_id"]])]
        if changed:
            database.bulk(changed)
            written += len(changed)
    return written


def _revised(doc: dict[str, Any], present: dict[str, Any] | None) -> dict[str, Any]:
    return doc if present is None else {**doc, "_rev": present["_rev"]}


def _is_same(doc: dict[str, Any], present: dict[str, Any] | None) -> bool:
    return present is not None and doc == {name: value for name, value in present.items() if name != "_rev"}
