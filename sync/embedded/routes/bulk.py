"""Many documents at once: `_bulk_docs`, `_bulk_get`, `_revs_diff`, `_missing_revs`."""

import sqlite3
from typing import Any

from sync.embedded.codec import Fragment, dump, parse
from sync.embedded.designs import check_design
from sync.embedded.documents import Draft, read_draft
from sync.embedded.exchange import Answer, Request, answer_json
from sync.embedded.node import Node
from sync.embedded.options import Options
from sync.embedded.reading import View, choose_revisions, has_body, render_revision
from sync.embedded.refusals import Refusal, bad_request, not_implemented
from sync.embedded.routes.databases import check_revisions
from sync.embedded.routes.documents import read_view
from sync.embedded.rows import Record, find_bodies, find_records
from sync.embedded.trees import parse_revision, rank
from sync.embedded.updates import edit, merge


async def write_documents(node: Node, request: Request) -> Answer:
    """`_bulk_docs`: edits, answered one by one, or replicated revisions (`new_edits` false), answered by what failed."""
    database = node.catalogue.get(request.segments[0])
    request.need_json()
    drafts, refused, is_replicated = await node.run(_prepare, await request.body())
    if is_replicated:
        if drafts:
            await node.write(database, lambda transaction: merge(transaction, drafts))
        return answer_json(201, [_describe_refusal(draft, refusal) for draft, refusal in refused.values()])
    results = iter(await node.write(database, lambda transaction: edit(transaction, drafts)) if drafts else [])
    passed = iter(drafts)
    rows = []
    for at in range(len(drafts) + len(refused)):
        draft, result = refused[at] if at in refused else (next(passed), next(results))
        if isinstance(result, Refusal):
            rows.append(_describe_refusal(draft, result))
        else:
            rows.append({"ok": True, "id": draft.id, "rev": result})
    return answer_json(201, rows)


async def read_documents(node: Node, request: Request) -> Answer:
    """`_bulk_get`: each asked for by id, or by id and revision."""
    database = node.catalogue.get(request.segments[0])
    body = await request.json_object()
    if "docs" not in body or not isinstance(body["docs"], list):
        raise bad_request("Missing JSON list of 'docs'.")
    view = read_view(Options(request.query))
    return answer_json(200, await node.run(database.read, lambda connection: _bulk_get(connection, body["docs"], view)))


async def compare_revisions(node: Node, request: Request) -> Answer:
    """`_revs_diff`: which of the client's revisions are not here, and what they may have grown from."""
    return answer_json(200, await _find_missing(node, request))


async def list_missing_revisions(node: Node, request: Request) -> Answer:
    """`_missing_revs`: the same without ancestors."""
    found = await _find_missing(node, request)
    return answer_json(200, {"missing_revs": {id_: each["missing"] for id_, each in found.items()}})


Prepared = tuple[list[Draft], dict[int, tuple[Draft, Refusal]], bool]


def _prepare(body: bytes) -> Prepared:
    """Drafts to write, those refused by their place in the request, and whether they are replicated."""
    content = parse(body)
    documents = content.get("docs") if isinstance(content, dict) else None
    if not isinstance(documents, list):
        raise bad_request("POST body must include `docs` parameter.")
    is_replicated = content.get("new_edits", True) is False
    drafts, refused = [], {}
    for at, document in enumerate(documents):
        draft = read_draft(document, is_replicated)
        if draft.id.startswith("_local/"):
            raise not_implemented("A local document in _bulk_docs")
        try:
            check_design(draft)
        except Refusal as refusal:
            refused[at] = (draft, refusal)
        else:
            drafts.append(draft)
    return drafts, refused, is_replicated


def _describe_refusal(draft: Draft, refusal: Refusal) -> dict[str, Any]:
    row = {"id": draft.id, "error": refusal.error, "reason": refusal.reason}
    return row | {"rev": draft.path[0]} if draft.path else row


def _bulk_get(connection: sqlite3.Connection, asked: list[Any], view: View) -> bytes:
    ids = [each["id"] for each in asked if isinstance(each, dict) and isinstance(each.get("id"), str)]
    records = find_records(connection, ids)
    chosen = [_choose(records, each, view) for each in asked]
    keys = [record.tree.nodes[revision].body for record, revisions in chosen if record for revision in revisions or ()]
    bodies = find_bodies(connection, [key for key in keys if key])
    rows: list[dict[str, Any]] = []
    for each, (record, revisions) in zip(asked, chosen, strict=True):
        shown: list[dict[str, Any]] = []
        for revision in revisions or ():
            assert record is not None
            body = bodies[record.tree.nodes[revision].body]
            shown.append({"ok": Fragment(render_revision(connection, record, revision, view, with_meta=False, body=body))})
        id_ = each.get("id") if isinstance(each, dict) else None
        rows.append({"id": id_, "docs": shown or [{"error": _explain_absence(each)}]})
    return dump({"results": rows})


def _choose(records: dict[str, Record], asked: Any, view: View) -> tuple[Record | None, list[str] | None]:
    """The record and those of its revisions to show; None for nothing."""
    if not isinstance(asked, dict) or not isinstance(asked.get("id"), str):
        return None, None
    record = records.get(asked["id"])
    wanted = [asked["rev"]] if "rev" in asked else None
    if record is None or (wanted is not None and parse_revision(wanted[0]) is None):
        return None, None
    return record, [each for each in choose_revisions(record, wanted, view.latest) if has_body(record, each)]


def _explain_absence(asked: Any) -> dict[str, Any]:
    if not isinstance(asked, dict) or not isinstance(asked.get("id"), str):
        return {"id": None, "rev": None, "error": "bad_request", "reason": "document id missed"}
    revision = asked.get("rev", "undefined")
    if revision != "undefined" and parse_revision(revision) is None:
        return {"id": asked["id"], "rev": revision, "error": "bad_request", "reason": "Invalid rev format"}
    return {"id": asked["id"], "rev": revision, "error": "not_found", "reason": "missing"}


async def _find_missing(node: Node, request: Request) -> dict[str, dict[str, list[str]]]:
    database = node.catalogue.get(request.segments[0])
    asked = await request.json_object()
    for revisions in asked.values():
        check_revisions(revisions)
    return await node.run(database.read, lambda connection: _compare(connection, asked))


def _compare(connection: sqlite3.Connection, asked: dict[str, list[str]]) -> dict[str, dict[str, list[str]]]:
    records = find_records(connection, asked)
    answer: dict[str, dict[str, list[str]]] = {}
    for id_, revisions in asked.items():
        record = records.get(id_)
        missing = [each for each in revisions if record is None or each not in record.tree.nodes]
        if not missing:
            continue
        answer[id_] = {"missing": missing}
        highest = max(rank(each)[0] for each in missing)
        ancestors = [leaf for leaf in record.tree.leaves() if rank(leaf)[0] < highest] if record else []
        if ancestors:
            answer[id_]["possible_ancestors"] = ancestors
    return answer
