"""A database as a whole: create, describe, delete, its settings, compaction and purge."""

from typing import Any

from sync.embedded.changes import format_seq
from sync.embedded.codec import dump, parse
from sync.embedded.database import Database
from sync.embedded.documents import read_revision_parameter
from sync.embedded.exchange import Answer, Request, answer_json
from sync.embedded.node import Node
from sync.embedded.refusals import Refusal, bad_request
from sync.embedded.routes.server import describe_database
from sync.embedded.rows import read_setting
from sync.embedded.updates import DEFAULT_REVS_LIMIT, purge
from sync.embedded.writer import Transaction

# As many as CouchDB takes by default.
_MOST_PURGED_DOCUMENTS, _MOST_PURGED_REVISIONS = 100, 1000
_DEFAULT_SECURITY = {"members": {"roles": ["_admin"]}, "admins": {"roles": ["_admin"]}}


async def create(node: Node, request: Request) -> Answer:
    """Makes a database; parameters such as `q` mean nothing here."""
    await node.run(node.catalogue.create, request.segments[0])
    return answer_json(201, {"ok": True})


async def describe(node: Node, request: Request) -> Answer:
    """Figures of a database."""
    return answer_json(200, await node.run(describe_database, node.catalogue.get(request.segments[0])))


async def delete(node: Node, request: Request) -> Answer:
    """Removes a database and its file."""
    await node.run(node.catalogue.delete, request.segments[0])
    return answer_json(200, {"ok": True})


async def get_security(node: Node, request: Request) -> Answer:
    """Who may do what, as it was put; this node itself knows only its administrator."""
    text = await _read(node, request, "security")
    return answer_json(200, text.encode() if text is not None else _DEFAULT_SECURITY)


async def put_security(node: Node, request: Request) -> Answer:
    """Keeps the security object."""
    value = parse(await request.body())
    _check_security(value)
    await _write(node, request, "security", dump(value).decode())
    return answer_json(200, {"ok": True})


async def get_revs_limit(node: Node, request: Request) -> Answer:
    """How many revisions of a branch are remembered."""
    text = await _read(node, request, "revs_limit")
    return answer_json(200, int(text) if text is not None else DEFAULT_REVS_LIMIT)


async def put_revs_limit(node: Node, request: Request) -> Answer:
    """Sets it; trees shrink at their next change."""
    value = parse(await request.body())
    if type(value) is not int or not 0 < value <= 1_000_000:
        raise bad_request("`_revs_limit` must be a positive integer")
    await _write(node, request, "revs_limit", str(value))
    return answer_json(200, {"ok": True})


async def start_compaction(node: Node, request: Request) -> Answer:
    """Drops what no leaf needs and shrinks the file. Answered when done, or after a moment, as CouchDB does at once."""
    request.need_json()
    await node.compact(node.catalogue.get(request.segments[0]))
    return answer_json(202, {"ok": True})


async def ensure_commit(node: Node, request: Request) -> Answer:
    """Every answered write is durable already."""
    request.need_json()
    node.catalogue.get(request.segments[0])
    return answer_json(201, {"ok": True, "instance_start_time": "0"})


async def purge_revisions(node: Node, request: Request) -> Answer:
    """Removes leaves as if they had never been."""
    database = node.catalogue.get(request.segments[0])
    wanted = await request.json_object()
    for revisions in wanted.values():
        check_revisions(revisions)
    if len(wanted) > _MOST_PURGED_DOCUMENTS:
        raise bad_request("Exceeded maximum number of documents.")
    if sum(map(len, wanted.values())) > _MOST_PURGED_REVISIONS:
        raise bad_request("Exceeded maximum number of revisions.")
    purged = await node.write(database, lambda transaction: purge(transaction, wanted))
    return answer_json(201, {"purge_seq": format_seq(database.figures().purge, database.epoch), "purged": purged})


def check_revisions(revisions: object) -> None:
    """A list of revisions. Raises 400."""
    if not isinstance(revisions, list):
        raise bad_request("Revisions must be a list")
    for revision in revisions:
        read_revision_parameter(revision)


def _check_security(value: Any) -> None:
    is_right = isinstance(value, dict)
    for part in ("admins", "members"):
        members = value.get(part, {}) if is_right else None
        is_right = is_right and isinstance(members, dict)
        for kind in ("names", "roles"):
            names = members.get(kind, []) if isinstance(members, dict) else None
            is_right = is_right and isinstance(names, list) and all(isinstance(each, str) for each in names)
    if not is_right:
        raise Refusal(400, "bad_request", "Not a security object")


async def _read(node: Node, request: Request, setting: str) -> str | None:
    database = node.catalogue.get(request.segments[0])
    return await node.run(database.read, lambda connection: read_setting(connection, setting))


async def _write(node: Node, request: Request, setting: str, value: str) -> None:
    database: Database = node.catalogue.get(request.segments[0])

    def put(transaction: Transaction) -> None:
        transaction.connection.execute("INSERT OR REPLACE INTO setting VALUES(?, ?)", (setting, value))

    await node.write(database, put)
