"""Views: finds the design document and passes the query on to `sync.embedded.views`."""

from typing import Any

from sync.embedded.exchange import Answer, Request, answer_json
from sync.embedded.node import Node, load_views
from sync.embedded.refusals import missing


async def query(node: Node, request: Request, design: str, view: str) -> Answer:
    """One view by GET or POST; `queries` in the body asks several things at once."""
    database = node.catalogue.get(request.segments[0])
    found = await node.run(database.get_winner, f"_design/{design}")
    if found is None:
        record = await node.run(database.read, lambda connection: _was_there(connection, f"_design/{design}"))
        raise missing("deleted" if record else "missing")
    body: dict[str, Any] | None = await request.json_object() if request.method == "POST" else None
    views = load_views()
    if request.segments[-1] == "queries" or (body is not None and "queries" in body):
        status, answer = await views.query_many(database, found, view, (body or {}).get("queries"))
    else:
        status, answer = await views.query(database, found, view, request.query, body)
    return answer_json(status, answer)


async def clean_up(node: Node, request: Request) -> Answer:
    """`_view_cleanup`: removes the index files of design documents that are no more."""
    database = node.catalogue.get(request.segments[0])
    request.need_json()
    ids = await node.run(database.read, _list_designs)
    await node.run(load_views().forget_unused, database.path, ids)
    return answer_json(202, {"ok": True})


def _list_designs(connection: Any) -> list[str]:
    sql = "SELECT id FROM doc WHERE deleted = 0 AND id >= '_design/' AND id < '_design0'"
    return [row[0] for row in connection.execute(sql)]


def _was_there(connection: Any, id_: str) -> bool:
    return connection.execute("SELECT 1 FROM doc WHERE id = ?", (id_,)).fetchone() is not None
