"""Attachments on their own paths: GET (with Range), PUT, DELETE."""

import re
import sqlite3

from sync.embedded.documents import Draft, IncomingAttachment, check_id
from sync.embedded.exchange import Answer, Request, answer_json
from sync.embedded.node import Node
from sync.embedded.reading import has_body, read_blob, read_blob_part
from sync.embedded.refusals import Refusal, bad_request, conflict, missing
from sync.embedded.routes.documents import find_revision
from sync.embedded.rows import Attachment, Record, find_bodies, find_record
from sync.embedded.updates import edit
from sync.embedded.writer import Transaction

_RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")
_NO_ATTACHMENT = "Document is missing attachment"


async def get(node: Node, request: Request, id_: str, name: str) -> Answer:
    """The bytes, or the part of them that `Range` asks for."""
    database = node.catalogue.get(request.segments[0])
    revision = find_revision(request)

    wanted = request.headers.get("range")

    def read(connection: sqlite3.Connection) -> tuple[Attachment, bytes, tuple[int, int] | None]:
        attachment = _find(connection, id_, revision, name)
        if request.method == "HEAD":
            return attachment, b"", None
        part = choose_range(wanted, attachment.length)
        if part is not None:
            return attachment, read_blob_part(connection, attachment.blob, *part), part
        return attachment, read_blob(connection, attachment.blob), None

    attachment, data, part = await node.run(database.read, read)
    etag = f'"{attachment.digest.removeprefix("md5-")}"'
    headers = {"etag": etag, "content-type": attachment.content_type, "accept-ranges": "bytes"}
    headers["cache-control"] = "must-revalidate"
    if etag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Answer(304, None, {"etag": etag})
    if part is None:
        return Answer(200, data, headers | {"content-length": str(attachment.length)})
    first, last = part
    headers["content-range"] = f"bytes {first}-{last}/{attachment.length}"
    return Answer(206, data, headers)


async def put(node: Node, request: Request, id_: str, name: str) -> Answer:
    """Stores the body as an attachment, in a new revision; a document that is not there is made."""
    database = node.catalogue.get(request.segments[0])
    check_id(id_)
    if name.startswith("_"):
        raise bad_request(f"Attachment name '{name}' starts with prohibited character '_'")
    content_type = request.headers.get("content-type", "application/octet-stream")
    incoming = IncomingAttachment(name, content_type, await request.body())
    parent = find_revision(request)
    revision = await node.write(database, lambda transaction: _replace(transaction, id_, parent, name, incoming))
    return answer_json(201, {"ok": True, "id": id_, "rev": revision}, {"etag": f'"{revision}"'})


async def delete(node: Node, request: Request, id_: str, name: str) -> Answer:
    """Makes a revision without the attachment."""
    database = node.catalogue.get(request.segments[0])
    parent = find_revision(request)
    revision = await node.write(database, lambda transaction: _replace(transaction, id_, parent, name, None))
    return answer_json(200, {"ok": True, "id": id_, "rev": revision}, {"etag": f'"{revision}"'})


def choose_range(header: str | None, length: int) -> tuple[int, int] | None:
    """(first, last) byte of a single range, None for the whole. Raises 416."""
    match = _RANGE.fullmatch(header.replace(" ", "")) if header else None
    if match is None or (not match[1] and not match[2]):
        return None
    if match[1]:
        first, last = int(match[1]), min(int(match[2]) if match[2] else length - 1, length - 1)
    else:
        first, last = max(0, length - int(match[2])), length - 1
    if first > last:
        raise Refusal(416, "requested_range_not_satisfiable", "Requested range not satisfiable")
    return first, last


def _find(connection: sqlite3.Connection, id_: str, revision: str | None, name: str) -> Attachment:
    record = find_record(connection, id_)
    if record is None:
        raise missing()
    if revision is None:
        revision = record.tree.winner()
        if record.tree.nodes[revision].is_deleted:
            raise missing("deleted")
    if not has_body(record, revision):
        raise missing()
    for each in _attachments_of(connection, record, revision):
        if each.name == name:
            return each
    raise missing(_NO_ATTACHMENT)


def _attachments_of(connection: sqlite3.Connection, record: Record, revision: str) -> list[Attachment]:
    key = record.tree.nodes[revision].body
    return find_bodies(connection, [key])[key].attachments


def _replace(transaction: Transaction, id_: str, parent: str | None, name: str, incoming: IncomingAttachment | None) -> str:
    """The edit that keeps everything of a document but one attachment. Raises 404, 409."""
    draft = Draft(id_, parent, [], False, b"{}", b"{}")
    record = find_record(transaction.connection, id_)
    if record is not None and parent is not None and has_body(record, parent):
        body = find_bodies(transaction.connection, [record.tree.nodes[parent].body])
        (old,) = body.values()
        draft.body = draft.fingerprint = old.doc
        others = [each for each in old.attachments if each.name != name]
        if incoming is None and len(others) == len(old.attachments):
            raise missing(_NO_ATTACHMENT)
        draft.attachments = [IncomingAttachment(each.name, each.content_type, None) for each in others]
    elif incoming is None:
        raise missing() if record is None else conflict()
    if incoming is not None:
        draft.attachments.append(incoming)
    (result,) = edit(transaction, [draft])
    if isinstance(result, Refusal):
        raise result
    return result
