"""What a locked phone hands over: records and files sealed with its data key, and that key sealed for this server.

A phone that is revoked while it is locked can open nothing itself, and must not be given its key again: it hands over what it
has, and what comes out goes the way of everything rescued. What cannot be opened is answered as not kept, so that the phone
keeps it. How things are sealed is `server/sealing.py`.
"""

import base64
import binascii
import json
from typing import Any

from media.inspect import sniff
from server.sealing import SealKey, Unreadable, open_with

# What such a file is called: first the sealed data key, then nonce and ciphertext.
FILE_TYPE = "application/x-xunge-sealed"
KEY_BYTES = 65 + 12 + 32 + 16

Document = dict[str, Any]


def open_data_key(seal_key: SealKey, sealed: Any, person: str) -> bytes | None:
    """A phone's data key, from base64; None when there is none, or none of this person's for this server."""
    try:
        return seal_key.open(base64.b64decode(sealed, validate=True), person) if isinstance(sealed, str) else None
    except (Unreadable, binascii.Error, ValueError):
        return None


def is_sealed(doc: Any) -> bool:
    """Whether a document's body is sealed."""
    return isinstance(doc, dict) and isinstance(doc.get("sealed"), str)


def open_document(data_key: bytes | None, database: str, doc: Document) -> Document | None:
    """The document as its phone made it, with the id, revision and history it carries; None when it cannot be opened."""
    about = f"{database}|{doc.get('_id')}|{doc.get('_rev')}"
    try:
        body = json.loads(open_with(data_key or b"", base64.b64decode(doc["sealed"], validate=True), about))
    except (Unreadable, binascii.Error, ValueError):
        return None
    head = {name: value for name, value in doc.items() if name.startswith("_")}
    return {**body, **head} if isinstance(body, dict) else None


def open_file(seal_key: SealKey, sealed: bytes, person: str, about: str) -> tuple[bytes, str]:
    """A file's bytes and their content type. Raises Unreadable."""
    data_key = seal_key.open(sealed[:KEY_BYTES], person)
    plain = open_with(data_key, sealed[KEY_BYTES:], about)
    return plain, sniff(plain) or "application/octet-stream"
