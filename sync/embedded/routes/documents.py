"""One document: GET with all its options, PUT, POST, DELETE; and `_local` documents."""

from sync.embedded.codec import parse
from sync.embedded.database import Database
from sync.embedded.designs import check_design
from sync.embedded.documents import Draft, check_id, read_draft, read_revision_parameter
from sync.embedded.exchange import Answer, Request, answer_json
from sync.embedded.local_documents import check_local, delete_local, put_local, read_local
from sync.embedded.node import Node
from sync.embedded.options import Options
from sync.embedded.reading import View, read_document, read_open_revisions
from sync.embedded.refusals import Refusal, bad_request, not_implemented
from sync.embedded.updates import edit, merge


async def get(node: Node, request: Request, id_: str) -> Answer:
    """A document, or with `open_revs` a list of revisions."""
    database = node.catalogue.get(request.segments[0])
    _refuse_multipart_answer(request)
    options = Options(request.query)
    view = read_view(options)
    if _wants_open_revisions(options):
        wanted = None if options.text("open_revs") == "all" else _read_revisions(options, "open_revs")
        text = await node.run(database.read, lambda connection: read_open_revisions(connection, id_, wanted, view))
        return answer_json(200, text)
    named = read_revision_parameter(options.text("rev")) if options.has("rev") else None
    revision, text = await node.run(database.read, lambda connection: read_document(connection, id_, named, view))
    etag = f'"{revision}"'
    if etag in [each.strip() for each in request.headers.get("if-none-match", "").split(",")]:
        return Answer(304, None, {"etag": etag})
    return answer_json(200, text, {"etag": etag})


async def put(node: Node, request: Request, id_: str) -> Answer:
    """Writes a document under the id of the path."""
    database = node.catalogue.get(request.segments[0])
    request.refuse_multipart()
    body, is_replicated = await request.body(), not Options(request.query).flag("new_edits", True)
    given = find_revision(request)
    draft = await node.run(_prepare, body, is_replicated, id_, given)
    return await _write(node, database, draft, is_replicated)


async def post(node: Node, request: Request) -> Answer:
    """Writes a document under the `_id` it carries, or under a new one."""
    database = node.catalogue.get(request.segments[0])
    request.refuse_multipart()
    request.need_json()
    draft = await node.run(_prepare, await request.body(), False, None, find_revision(request))
    if draft.id.startswith("_local/"):
        raise not_implemented("POST of a local document")
    return await _write(node, database, draft, False)


async def delete(node: Node, request: Request, id_: str) -> Answer:
    """Writes an empty tombstone on the revision of `rev` or `If-Match`."""
    database = node.catalogue.get(request.segments[0])
    draft = Draft(check_id(id_), find_revision(request), [], True, b"{}", b"{}")
    if await node.run(database.get_winner, id_) is None:  # CouchDB looks first, too
        await node.run(database.read, lambda connection: read_document(connection, id_, None, View()))
    return await _write(node, database, draft, False)


async def get_local(node: Node, request: Request, id_: str) -> Answer:
    """A `_local` document."""
    database = node.catalogue.get(request.segments[0])
    text = await node.run(database.read, lambda connection: read_local(connection, id_))
    return answer_json(200, text)


async def put_local_document(node: Node, request: Request, id_: str) -> Answer:
    """Writes a `_local` document."""
    database = node.catalogue.get(request.segments[0])
    document = check_local(parse(await request.body()))
    revision = await node.write(database, lambda transaction: put_local(transaction, id_, document))
    return answer_json(201, {"ok": True, "id": id_, "rev": revision})


async def delete_local_document(node: Node, request: Request, id_: str) -> Answer:
    """Removes a `_local` document."""
    database = node.catalogue.get(request.segments[0])
    revision = await node.write(database, lambda transaction: delete_local(transaction, id_))
    return answer_json(200, {"ok": True, "id": id_, "rev": revision})


def read_view(options: Options) -> View:
    """The extras of a read from its parameters."""
    is_meta = options.flag("meta")
    return View(
        revs=options.flag("revs"),
        revs_info=options.flag("revs_info") or is_meta,
        conflicts=options.flag("conflicts") or is_meta,
        deleted_conflicts=options.flag("deleted_conflicts") or is_meta,
        local_seq=options.flag("local_seq"),
        attachments=options.flag("attachments"),
        atts_since=_read_revisions(options, "atts_since") if options.has("atts_since") else None,
        latest=options.flag("latest"),
    )


def find_revision(request: Request) -> str | None:
    """The revision named by `rev` or `If-Match`. Raises 400."""
    given = request.query.get("rev") or request.headers.get("if-match", "").strip('" ')
    return read_revision_parameter(given) if given else None


def _wants_open_revisions(options: Options) -> bool:
    return options.has("open_revs") and options.text("open_revs").replace(" ", "") != "[]"


def _read_revisions(options: Options, name: str) -> list[str]:
    value = options.json(name)
    if not isinstance(value, list):
        raise bad_request(f"`{name}` must be a list of revisions")
    return [read_revision_parameter(each) for each in value]


def _refuse_multipart_answer(request: Request) -> None:
    accept = request.headers.get("accept", "*/*")
    if "multipart/" in accept and "json" not in accept and "*/*" not in accept:
        raise not_implemented("A multipart answer")


def _prepare(body: bytes, is_replicated: bool, id_: str | None, revision: str | None) -> Draft:
    document = parse(body)
    draft = read_draft(document, is_replicated, id_)
    if revision is not None and not is_replicated:
        if draft.parent is not None and draft.parent != revision:
            raise bad_request("Document rev from request body and query string have different values")
        draft.parent = revision
    check_design(draft)
    return draft


async def _write(node: Node, database: Database, draft: Draft, is_replicated: bool) -> Answer:
    if is_replicated:
        await node.write(database, lambda transaction: merge(transaction, [draft]))
        result: str | Refusal = draft.path[0]
    else:
        (result,) = await node.write(database, lambda transaction: edit(transaction, [draft]))
    if isinstance(result, Refusal):
        raise result
    answer = {"ok": True, "id": draft.id, "rev": result}
    return answer_json(200 if draft.is_deleted else 201, answer, {"etag": f'"{result}"'})
