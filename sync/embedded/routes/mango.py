"""Queries over HTTP: `_find` and `_explain`, and `_index` to list, make and remove what they read."""

import time
from typing import Any

from sync.embedded.codec import dump
from sync.embedded.database import Database
from sync.embedded.designs import check_design
from sync.embedded.documents import read_draft
from sync.embedded.exchange import Answer, Request, answer_json
from sync.embedded.mango.explaining import explain
from sync.embedded.mango.indexes import drop_view, list_indexes, put_view, read_new_index
from sync.embedded.mango.planning import make_plan
from sync.embedded.mango.questions import Question, read_question
from sync.embedded.mango.search import Search, read_designs
from sync.embedded.node import Node
from sync.embedded.options import Options
from sync.embedded.refusals import Refusal, missing
from sync.embedded.routes.presence import talk_while_there
from sync.embedded.updates import edit

MOST_BODY_BYTES = 1 << 20
_MOST_TRIES = 5


async def find(node: Node, request: Request) -> Answer | None:
    """`_find`: streams the documents; None means that it has."""
    database = node.catalogue.get(request.segments[0])
    question = read_question(await _read_body(request))
    designs = await read_designs(database)
    search = Search(database, question, make_plan(question, list_indexes(designs)), designs)
    await talk_while_there(request, _talk(request, search))
    return None


async def explain_find(node: Node, request: Request) -> Answer:
    """`_explain`: which index a `_find` would take."""
    database = node.catalogue.get(request.segments[0])
    question = read_question(await _read_body(request))
    indexes = list_indexes(await read_designs(database))
    return answer_json(200, explain(database.name, question, make_plan(question, indexes), indexes))


async def show_indexes(node: Node, request: Request) -> Answer:
    """The indexes, `limit` and `skip` of them."""
    database = node.catalogue.get(request.segments[0])
    options = Options(request.query)
    indexes = list_indexes(await read_designs(database))
    limit, skip = options.count("limit", len(indexes)), options.count("skip", 0)
    if limit == 0:
        raise Refusal(400, "invalid_list_index_params", "Index parameter ranges: limit > 1, skip > 0")
    shown = [index.describe() for index in indexes[skip:][:limit]]
    return answer_json(200, {"total_rows": len(indexes), "indexes": shown})


async def create_index(node: Node, request: Request) -> Answer:
    """Makes an index, or says that it is there."""
    database = node.catalogue.get(request.segments[0])
    index, view = read_new_index(await _read_body(request))
    assert index.design is not None
    answer = {"result": "created", "id": index.design, "name": index.name}
    for _ in range(_MOST_TRIES):
        design = await node.run(database.get_winner, index.design) or {"_id": index.design}
        wanted = put_view(design, index.name, view)
        if wanted is None:
            return answer_json(200, answer | {"result": "exists"})
        if await _save(node, database, wanted):
            return answer_json(200, answer)
    raise Refusal(500, "error_saving_ddoc", "Encountered a conflict while saving the design document.")


async def delete_index(node: Node, request: Request) -> Answer:
    """Removes an index, and its design document when nothing else is in it. `…/_index/[_design/]design/json/name`."""
    database = node.catalogue.get(request.segments[0])
    *parts, kind, name = request.segments[2:]
    design = "_design/" + "/".join(parts).removeprefix("_design/")
    if kind != "json":
        raise missing()
    await _remove(node, database, design, name)
    return answer_json(200, {"ok": True})


async def delete_indexes(node: Node, request: Request) -> Answer:
    """`_index/_bulk_delete`: removes all indexes of the design documents named."""
    database = node.catalogue.get(request.segments[0])
    ids = (await _read_body(request)).get("docids")
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise Refusal(400, "invalid_bulk_docs", "Bulk Delete requires an array of non-null docids.")
    gone: list[dict[str, Any]] = []
    kept: list[dict[str, Any]] = []
    for design in ("_design/" + id_.removeprefix("_design/") for id_ in ids):
        names = [each.name for each in list_indexes(await read_designs(database)) if each.design == design]
        for name in names:
            await _remove(node, database, design, name)
        (gone if names else kept).append({"id": design} | ({"ok": True} if names else {"error": "not_found"}))
    return answer_json(200, {"success": gone, "fail": kept})


async def _remove(node: Node, database: Database, design_id: str, name: str) -> None:
    for _ in range(_MOST_TRIES):
        designs = [each for each in await read_designs(database) if each["_id"] == design_id]
        if not any(index.name == name and index.design for index in list_indexes(designs)):
            raise missing()
        if await _save(node, database, drop_view(designs[0], name)):
            return
    raise Refusal(500, "error_saving_ddoc", "Encountered a conflict while saving the design document.")


async def _save(node: Node, database: Database, design: dict[str, Any]) -> bool:
    """False when somebody else changed the design document meanwhile."""
    draft = read_draft(dict(design), is_replicated=False)
    check_design(draft)
    (result,) = await node.write(database, lambda transaction: edit(transaction, [draft]))
    if isinstance(result, Refusal) and result.status != 409:
        raise result
    return not isinstance(result, Refusal)


async def _talk(request: Request, search: Search) -> None:
    started_s = time.monotonic()
    has_started = False
    async for documents in search.documents():
        if not has_started:
            await request.start(200, {"content-type": "application/json"})
        await request.send((b",\n" if has_started else b'{"docs":[\n') + b",\n".join(map(dump, documents)))
        has_started = True
    if not has_started:
        await request.start(200, {"content-type": "application/json"})
    end = dump(_conclude(search, search.question, time.monotonic() - started_s))
    await request.send((b"\n]" if has_started else b'{"docs":[]') + (b"," + end[1:] if end != b"{}" else b"}"), is_last=True)


def _conclude(search: Search, question: Question, took_s: float) -> dict[str, Any]:
    """What stands after the documents."""
    if search.plan.is_empty() or question.has_nothing_to_say:
        return {}
    end: dict[str, Any] = {"bookmark": search.bookmark}
    if question.wants_statistics:
        end["execution_stats"] = {
            "total_keys_examined": 0,
            "total_docs_examined": search.examined,
            "total_quorum_docs_examined": 0,
            "results_returned": search.returned,
            "execution_time_ms": round(took_s * 1000, 3),
        }
    warnings = search.warnings()
    return end | {"warning": "\n".join(warnings)} if warnings else end


async def _read_body(request: Request) -> dict[str, Any]:
    if len(await request.body()) > MOST_BODY_BYTES:
        raise Refusal(413, "too_large", "The request entity is too large.")
    return await request.json_object()
