"""From path and method to handler. The one table of what this node answers; everything else is 501."""

from collections.abc import Awaitable, Callable

from sync.embedded.exchange import Answer, Request
from sync.embedded.node import Node
from sync.embedded.refusals import Refusal, bad_request, not_implemented
from sync.embedded.routes import attachments, bulk, changes, databases, documents, listing, mango, server, views

Handler = Callable[[Node, Request], Awaitable[Answer | None]]
Methods = dict[str, Handler]

_SERVER: dict[str, Methods] = {
    "": {"GET": server.welcome},
    "_up": {"GET": server.up},
    "_uuids": {"GET": server.make_uuids},
    "_all_dbs": {"GET": server.list_databases, "POST": server.list_databases},
    "_dbs_info": {"GET": server.describe_databases, "POST": server.describe_databases},
}

_DATABASE: Methods = {
    "GET": databases.describe,
    "PUT": databases.create,
    "DELETE": databases.delete,
    "POST": documents.post,
}

_ENDPOINTS: dict[str, Methods] = {
    "_all_docs": {"GET": listing.list_all, "POST": listing.list_all},
    "_all_docs/queries": {"POST": listing.list_queries},
    "_design_docs": {"GET": listing.list_designs, "POST": listing.list_designs},
    "_bulk_docs": {"POST": bulk.write_documents},
    "_bulk_get": {"POST": bulk.read_documents},
    "_changes": {"GET": changes.follow_changes, "POST": changes.follow_changes},
    "_revs_diff": {"POST": bulk.compare_revisions},
    "_missing_revs": {"POST": bulk.list_missing_revisions},
    "_security": {"GET": databases.get_security, "PUT": databases.put_security},
    "_revs_limit": {"GET": databases.get_revs_limit, "PUT": databases.put_revs_limit},
    "_compact": {"POST": databases.start_compaction},
    "_ensure_full_commit": {"POST": databases.ensure_commit},
    "_purge": {"POST": databases.purge_revisions},
    "_find": {"POST": mango.find},
    "_explain": {"POST": mango.explain_find},
    "_index": {"GET": mango.show_indexes, "POST": mango.create_index},
    "_index/_bulk_delete": {"POST": mango.delete_indexes},
    "_view_cleanup": {"POST": views.clean_up},
}

# Names CouchDB gives a meaning that this node does not know. Any other `_name` is an illegal document id.
_ELSEWHERE = frozenset(
    {
        "_design",
        "_local",
        "_local_docs",
        "_purged_infos_limit",
        "_purged_infos",
        "_shards",
        "_sync_shards",
        "_partition",
        "_temp_view",
        "_replicate",
        "_session",
        "_users",
        "_node",
        "_cluster_setup",
        "_membership",
        "_active_tasks",
        "_scheduler",
        "_db_updates",
        "_reshard",
        "_search_analyze",
        "_nouveau_analyze",
        "_utils",
        "_auto_purge",
    }
)


def find_handler(request: Request) -> Handler:
    """The handler of a request. Raises 400, 405 or 501."""
    segments = request.segments
    first = segments[0] if segments else ""
    if first in _SERVER:
        if len(segments) > 1:
            raise not_implemented(f"/{'/'.join(segments)}")
        return _choose(_SERVER[first], request)
    if first in _ELSEWHERE:
        raise not_implemented(f"/{first}")
    if len(segments) == 1:
        return _choose(_DATABASE, request)
    if segments[1] == "_index" and len(segments) > 3:
        return _choose({"DELETE": mango.delete_index}, request)
    rest = "/".join(segments[1:])
    if rest in _ENDPOINTS:
        return _choose(_ENDPOINTS[rest], request)
    return _find_document_handler(request, segments[1:])


def _find_document_handler(request: Request, path: list[str]) -> Handler:
    if path[0] in ("_design", "_local") and len(path) > 1:
        path = [f"{path[0]}/{path[1]}", *path[2:]]
    elif path[0] in _ELSEWHERE:
        return _refuse(f"/<database>/{path[0]}")
    id_, rest = path[0], path[1:]
    if id_.startswith("_local/"):
        return _bind(request, id_, rest)
    if id_.startswith("_design/") and rest and rest[0].startswith("_"):
        return _find_view_handler(request, id_.removeprefix("_design/"), rest)
    if id_.startswith("_") and not id_.startswith("_design/"):
        raise Refusal(400, "illegal_docid", "Only reserved document ids may start with underscore.")
    return _bind(request, id_, rest)


def _find_view_handler(request: Request, design: str, rest: list[str]) -> Handler:
    is_view = rest[0] == "_view" and (len(rest) == 2 or (len(rest) == 3 and rest[2] == "queries"))
    if not is_view or request.method not in ("GET", "HEAD", "POST"):
        return _refuse(f"/<database>/_design/<name>/{rest[0]}")
    return lambda node, each: views.query(node, each, design, rest[1])


def _bind(request: Request, id_: str, rest: list[str]) -> Handler:
    if rest and id_.startswith("_local/"):
        raise bad_request("Local documents have no attachments.")
    if rest:
        name = "/".join(rest)
        return _choose(
            {
                "GET": lambda node, each: attachments.get(node, each, id_, name),
                "PUT": lambda node, each: attachments.put(node, each, id_, name),
                "DELETE": lambda node, each: attachments.delete(node, each, id_, name),
            },
            request,
        )
    is_local = id_.startswith("_local/")
    get = documents.get_local if is_local else documents.get
    put = documents.put_local_document if is_local else documents.put
    delete = documents.delete_local_document if is_local else documents.delete
    return _choose(
        {
            "GET": lambda node, each: get(node, each, id_),
            "PUT": lambda node, each: put(node, each, id_),
            "DELETE": lambda node, each: delete(node, each, id_),
        },
        request,
    )


def _refuse(what: str) -> Handler:
    """Of a database that is not there, that is the answer; of one that is, that the node cannot do this."""

    async def refuse(node: Node, request: Request) -> Answer:
        node.catalogue.get(request.segments[0])
        raise not_implemented(what)

    return refuse


def _choose(methods: Methods, request: Request) -> Handler:
    method = "GET" if request.method == "HEAD" else request.method
    if method in methods:
        return methods[method]
    if method in ("COPY", "PATCH"):
        raise not_implemented(f"The method {method}")
    raise Refusal(405, "method_not_allowed", f"Only {','.join(['HEAD', *methods])} allowed")
