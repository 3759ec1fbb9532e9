"""From stored revision to the document a client reads: `_id`, `_rev`, fields, `_deleted`, `_attachments`, and extras.

Stored JSON is passed on as it is, without being parsed; only readers that compute on documents ask for objects.
"""

import base64
from collections.abc import Callable
from typing import Any

from sync.embedded.codec import dump, parse
from sync.embedded.rows import Attachment, Body


def render(id_: str, revision: str, body: Body, is_deleted: bool, extras: dict[str, Any] | None = None) -> bytes:
    """The JSON text of one revision; `extras` are further members such as `_conflicts`."""
    parts = [b'{"_id":', dump(id_), b',"_rev":"', revision.encode(), b'"']
    if len(body.doc) > 2:
        parts += [b",", body.doc[1:-1]]
    if is_deleted:
        parts.append(b',"_deleted":true')
    more = dict(extras) if extras else {}
    if body.attachments and "_attachments" not in more:
        more["_attachments"] = describe_attachments(body.attachments)
    if more:
        parts += [b",", dump(more)[1:-1]]
    parts.append(b"}")
    return b"".join(parts)


def render_object(id_: str, revision: str, body: Body, is_deleted: bool) -> dict[str, Any]:
    """The same as an object, for views and selectors."""
    document: dict[str, Any] = parse(render(id_, revision, body, is_deleted))
    return document


def describe_attachments(attachments: list[Attachment]) -> dict[str, Any]:
    """The `_attachments` member as stubs."""
    return {
        each.name: {
            "content_type": each.content_type,
            "revpos": each.revpos,
            "digest": each.digest,
            "length": each.length,
            "stub": True,
        }
        for each in attachments
    }


def inline_attachments(attachments: list[Attachment], read_blob: Callable[[int], bytes]) -> dict[str, Any]:
    """The `_attachments` member with the bytes in it, base64."""
    return {
        each.name: {
            "content_type": each.content_type,
            "revpos": each.revpos,
            "digest": each.digest,
            "data": base64.b64encode(read_blob(each.blob)).decode(),
        }
        for each in attachments
    }
