"""`_all_docs` and its relatives: one query, or several in `queries`."""

import sqlite3

from sync.embedded.exchange import Answer, Request, answer_json
from sync.embedded.listing import list_documents
from sync.embedded.node import Node
from sync.embedded.options import Options
from sync.embedded.refusals import bad_request


async def list_all(node: Node, request: Request) -> Answer:
    """`_all_docs` by GET or POST."""
    database = node.catalogue.get(request.segments[0])
    options = await request.options()
    if "queries" in options.body:
        return await list_queries(node, request)
    return answer_json(200, await node.run(database.read, lambda each: list_documents(each, options, database.epoch)))


async def list_designs(node: Node, request: Request) -> Answer:
    """`_design_docs`: design documents alone."""
    database = node.catalogue.get(request.segments[0])
    options = await request.options()
    if not options.has("keys") and not options.has("key"):
        start, end = ("_design0", "_design/") if options.flag("descending") else ("_design/", "_design0")
        options.body = {"startkey": start, "endkey": end} | options.body
    return answer_json(200, await node.run(database.read, lambda each: list_documents(each, options, database.epoch)))


async def list_queries(node: Node, request: Request) -> Answer:
    """`_all_docs/queries`: several queries on one snapshot."""
    database = node.catalogue.get(request.segments[0])
    queries = (await request.json_object()).get("queries")
    if not isinstance(queries, list) or not all(isinstance(each, dict) for each in queries):
        raise bad_request("`queries` member must be an array of objects.")

    def answer(connection: sqlite3.Connection) -> bytes:
        parts = [list_documents(connection, Options(request.query, each), database.epoch) for each in queries]
        return b'{"results":[' + b",".join(parts) + b"]}"

    return answer_json(200, await node.run(database.read, answer))
