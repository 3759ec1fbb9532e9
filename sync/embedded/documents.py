"""Incoming documents: from the JSON a client sends to a checked `Draft`. Purely; what is stored already is not known here.

The checks and their answers are CouchDB's (conformance cases `documents`, `bulk_docs`, `attachments`).
"""

import base64
import binascii
import uuid
from dataclasses import dataclass, field
from typing import Any

from sync.embedded.codec import dump, dump_sorted
from sync.embedded.refusals import Refusal, bad_request, not_implemented
from sync.embedded.trees import parse_revision

MOST_DOCUMENT_BYTES = 8_000_000  # CouchDB's default max_document_size

_IGNORED = {"_revs_info", "_conflicts", "_deleted_conflicts", "_local_seq"}


@dataclass(slots=True)
class IncomingAttachment:
    """An attachment as sent: `data` is None for a stub, which stands for what the revision before had."""

    name: str
    content_type: str
    data: bytes | None
    revpos: int | None = None


@dataclass(slots=True)
class Draft:
    """A checked document on its way in.

    `parent` is the revision an ordinary edit starts from. `path` is the history of a replicated revision, newest first,
    and empty for an edit. `body` is the JSON without `_` members, `fingerprint` the same with sorted keys (edits only).
    """

    id: str
    parent: str | None
    path: list[str]
    is_deleted: bool
    body: bytes
    fingerprint: bytes = b""
    attachments: list[IncomingAttachment] = field(default_factory=list)


def read_draft(document: object, is_replicated: bool, id_: str | None = None) -> Draft:
    """Checks one document; `id_` (from the path) overrides its `_id`. Raises a 400 refusal. Empties `document`."""
    if not isinstance(document, dict):
        raise bad_request("Document must be a JSON object")
    given = document.pop("_id", None) if "_id" in document else uuid.uuid4().hex
    name = check_id(id_ if id_ is not None else given)
    special = {key: document.pop(key) for key in [key for key in document if key[:1] == "_"]}
    revision = _read_revision(special.pop("_rev")) if "_rev" in special else None
    is_deleted = special.pop("_deleted", False)
    if not isinstance(is_deleted, bool):
        raise Refusal(400, "doc_validation", "`_deleted` must be a boolean")
    draft = Draft(name, None, [], is_deleted, _dump_body(document))
    revisions, attachments = special.pop("_revisions", None), special.pop("_attachments", None)
    for key in special:
        if key not in _IGNORED:
            raise Refusal(400, "doc_validation", f"Bad special document member: {key}")
    if attachments is not None:
        draft.attachments = _read_attachments(attachments)
    if is_replicated:
        draft.path = _read_path(revision, revisions)
    else:
        draft.parent = revision if revisions is None else _read_path(revision, revisions)[0]
        draft.fingerprint = dump_sorted(document)
    return draft


def check_id(id_: object) -> str:
    """The id when it may name a document. Raises a 400 refusal."""
    if not isinstance(id_, str):
        raise Refusal(400, "illegal_docid", "Document id must be a string")
    if not id_:
        raise Refusal(400, "illegal_docid", "Document id must not be empty")
    if id_[0] == "_" and not _is_reserved(id_):
        raise Refusal(400, "illegal_docid", "Only reserved document ids may start with underscore.")
    return id_


def read_revision_parameter(text: str) -> str:
    """A revision from a query or header. Raises 400 when it is none."""
    return _read_revision(text)


def decode_base64(text: object) -> bytes:
    """The bytes of an inline attachment. Raises 400."""
    if not isinstance(text, str):
        raise bad_request("Attachment data must be a base64 string")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise bad_request("Attachment data is not base64") from None


def _is_reserved(id_: str) -> bool:
    return any(id_.startswith(prefix) and len(id_) > len(prefix) for prefix in ("_design/", "_local/"))


def _read_revision(text: object) -> str:
    if parse_revision(text) is None:
        raise bad_request("Invalid rev format")
    return str(text)


def _read_path(revision: str | None, revisions: object) -> list[str]:
    if revisions is None:
        if revision is None:
            raise bad_request("A replicated document must have a revision")
        return [revision]
    start, ids = (revisions.get("start"), revisions.get("ids")) if isinstance(revisions, dict) else (None, None)
    if not isinstance(start, int) or isinstance(start, bool) or not isinstance(ids, list) or not 0 < len(ids) <= start:
        raise Refusal(400, "doc_validation", "RevIds isn't a array of revision ids below `start`.")
    path = [_read_revision(f"{start - at}-{each}") for at, each in enumerate(ids) if isinstance(each, str)]
    if len(path) != len(ids) or (revision is not None and revision != path[0]):
        raise Refusal(400, "doc_validation", "`_revisions` does not fit `_rev`.")
    return path


def _dump_body(document: dict[str, Any]) -> bytes:
    body = dump(document)
    if len(body) > MOST_DOCUMENT_BYTES:
        raise Refusal(413, "document_too_large", "The document is too large.")
    return body


def _read_attachments(members: object) -> list[IncomingAttachment]:
    if not isinstance(members, dict):
        raise Refusal(400, "doc_validation", "`_attachments` must be an object")
    return [_read_attachment(name, member) for name, member in members.items()]


def _read_attachment(name: str, member: object) -> IncomingAttachment:
    if not isinstance(member, dict):
        raise Refusal(400, "doc_validation", f"Attachment `{name}` must be an object")
    if not name or name.startswith("_"):
        raise bad_request(f"Attachment name '{name}' starts with prohibited character '_'")
    if member.get("follows") is True:
        raise not_implemented("A multipart body")
    content_type = member.get("content_type", "application/octet-stream")
    revpos = member.get("revpos")
    if not isinstance(content_type, str) or not (revpos is None or type(revpos) is int):
        raise Refusal(400, "doc_validation", f"Attachment `{name}` has a bad content_type or revpos")
    if member.get("stub") is True:
        return IncomingAttachment(name, content_type, None, revpos)
    if "data" not in member:
        raise Refusal(400, "doc_validation", f"Attachment `{name}` has neither data nor stub")
    return IncomingAttachment(name, content_type, decode_base64(member["data"]), revpos)
