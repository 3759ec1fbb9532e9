"""What `filter` of a changes feed stands for: `_doc_ids`, `_design`, `_selector`, `_view`, or `design/name` of a function.

The answers to what is wrong are CouchDB's. What a filter then does is in `sieves`.
"""

from typing import Any

from sync.embedded.changes import Question
from sync.embedded.database import Database
from sync.embedded.exchange import Request
from sync.embedded.mango.fields import Projection
from sync.embedded.mango.selector import Selector
from sync.embedded.node import Node
from sync.embedded.options import Options
from sync.embedded.refusals import Refusal, bad_request, missing
from sync.embedded.sieves import FunctionSieve, SelectorSieve

MOST_SELECTOR_BYTES = 1 << 20
_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization")


async def choose_filter(node: Node, database: Database, request: Request, question: Question) -> None:
    """Puts into the question what `filter` asks for. Raises 400, 404."""
    options = Options(request.query)
    body = await request.json_object() if request.method == "POST" and await request.body() else {}
    name = options.text("filter")
    if name == "_doc_ids":
        question.doc_ids = _read_ids(body.get("doc_ids", options.json("doc_ids")))
    elif name == "_design":
        question.only_designs = True
    elif name == "_selector":
        await _choose_selector(request, body, question)
    elif name == "_view":
        view = options.text("view")
        if not view:
            raise bad_request("`view` filter parameter is not provided.")
        question.sieve = await _find_function(node, database, request, "views")
    elif name.startswith("_"):
        raise bad_request("unknown builtin filter name")
    elif name:
        question.sieve = await _find_function(node, database, request, "filters")


async def _choose_selector(request: Request, body: dict[str, Any], question: Question) -> None:
    if request.method != "POST":
        raise bad_request("Selector must be specified in POST payload")
    if len(await request.body()) > MOST_SELECTOR_BYTES:
        raise Refusal(413, "too_large", "The request entity is too large.")
    if not isinstance(body.get("selector"), dict):
        raise bad_request("Selector error: expected a JSON object")
    try:
        question.sieve = SelectorSieve(Selector(body["selector"]))
        question.fields = Projection(body["fields"]) if "fields" in body else None
    except Refusal as refusal:
        raise bad_request(refusal.reason) from None


async def _find_function(node: Node, database: Database, request: Request, kind: str) -> FunctionSieve:
    parameter, form = ("view", "viewname") if kind == "views" else ("filter", "filtername")
    design_name, _, name = request.query[parameter].partition("/")
    if not design_name or not name or "/" in name:
        raise bad_request(f"`{parameter}` must be of the form `designname/{form}`")
    design = await node.run(database.get_winner, f"_design/{design_name}")
    if design is None:
        raise missing()
    if design.get("language", "javascript") != "javascript":
        raise bad_request(f"Functions in {design['language']} are not supported by this node.")
    return FunctionSieve(design, kind, name, await _describe(node, database, request))


async def _describe(node: Node, database: Database, request: Request) -> dict[str, Any]:
    """The request as a filter function sees it, without anything that would open a door."""
    path = request.segments
    text = (await request.body()).decode("utf-8", "replace") if request.method == "POST" else "undefined"
    return {
        "info": {"db_name": database.name, "update_seq": await node.run(database.update_seq)},
        "id": None,
        "method": request.method,
        "path": path,
        "requested_path": path,
        "raw_path": "/" + "/".join(path),
        "query": request.query,
        "headers": {name: value for name, value in request.headers.items() if name not in _SECRET_HEADERS},
        "body": text,
        "form": {},
        "cookie": {},
        "userCtx": {"db": database.name, "name": None, "roles": ["_admin"]},
        "secObj": {},
    }


def _read_ids(ids: Any) -> list[str]:
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise bad_request("`doc_ids` must be a list of ids")
    return ids
