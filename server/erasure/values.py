"""Values of a household's contact that were an erased member's: a phone that had not heard of it may bring one back."""

from typing import Any

from server.domain import erasure, merge
from server.domain.erasure import Value
from server.erasure import store
from sync.couch import Couch


def without_values(couch: Couch, doc: dict[str, Any]) -> dict[str, Any]:
    """A merged household without them; anything else as it is. Raises the errors of the store."""
    if doc.get("type") != erasure.HOUSEHOLD:
        return doc
    edits = [edit for edit in merge.edits_of(doc) if edit.field in erasure.CONTACT and edit.value]
    names = [erasure.value_name(Value(doc["_id"], edit.field, edit.value)) for edit in edits]
    marks = store.among(couch, names)
    return erasure.without_values(doc, lambda value: marks.has(erasure.value_name(value)))
