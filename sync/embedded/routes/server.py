"""What concerns the whole server: `/`, `_up`, `_all_dbs`, `_dbs_info`, `_uuids`."""

import bisect
import uuid
from typing import Any

from sync.embedded.changes import format_seq
from sync.embedded.database import Database
from sync.embedded.exchange import Answer, Request, answer_json
from sync.embedded.node import Node
from sync.embedded.refusals import Refusal, bad_request

_MOST_UUIDS = 1000
_MOST_DESCRIBED = 100  # as many as CouchDB takes by default
VERSION = "3.5.0"


async def welcome(node: Node, request: Request) -> Answer:
    """Who this is. The version is that of the CouchDB whose behaviour was recorded."""
    del node, request
    return answer_json(200, {"couchdb": "Welcome", "version": VERSION, "vendor": {"name": "Xunge embedded node"}})


async def up(node: Node, request: Request) -> Answer:
    """Whether it takes requests."""
    del node, request
    return answer_json(200, {"status": "ok", "seeds": {}})


async def make_uuids(node: Node, request: Request) -> Answer:
    """Random ids of 32 hex digits."""
    del node
    count = (await request.options()).count("count", 1)
    if count > _MOST_UUIDS:
        raise bad_request("count parameter too large")
    return answer_json(200, {"uuids": [uuid.uuid4().hex for _ in range(count)]})


async def list_databases(node: Node, request: Request) -> Answer:
    """The names in order, by range."""
    return answer_json(200, choose_names(node.catalogue.names(), await request.options()))


async def describe_databases(node: Node, request: Request) -> Answer:
    """`_dbs_info`: figures of the databases named in `keys`, or (GET) of all."""
    options = await request.options()
    keys = options.json("keys")
    if keys is None:
        keys = choose_names(node.catalogue.names(), options)
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys):
        raise bad_request("`keys` member must be an array of names.")
    if request.method == "POST" and len(keys) > _MOST_DESCRIBED:
        raise bad_request("too_many_keys")
    return answer_json(200, await node.run(_describe_all, node, keys))


def describe_database(database: Database) -> dict[str, Any]:
    """The figures of one database, as CouchDB names them."""
    figures = database.figures()
    file_bytes, active_bytes = database.sizes()
    return {
        "db_name": database.name,
        "purge_seq": format_seq(figures.purge, database.epoch),
        "update_seq": format_seq(figures.seq, database.epoch),
        "sizes": {"file": file_bytes, "external": active_bytes, "active": active_bytes},
        "props": {},
        "doc_del_count": figures.dead,
        "doc_count": figures.live,
        "disk_format_version": 8,
        "compact_running": database.is_compacting,
        "cluster": {"q": 1, "n": 1, "w": 1, "r": 1},
        "instance_start_time": "0",
    }


def choose_names(names: list[str], options: Any) -> list[str]:
    """Names by `startkey`, `endkey`, `descending`, `skip` and `limit`."""
    start, end = options.json("startkey", "start_key"), options.json("endkey", "end_key")
    is_descending = options.flag("descending")
    low, high = (end, start) if is_descending else (start, end)
    first = bisect.bisect_left(names, low) if isinstance(low, str) else 0
    last = bisect.bisect_right(names, high) if isinstance(high, str) else len(names)
    if isinstance(end, str) and not is_descending and not options.flag("inclusive_end", True):
        last = bisect.bisect_left(names, end)
    chosen = names[first:last]
    if is_descending:
        chosen.reverse()
    skip = options.count("skip", 0)
    return chosen[skip : skip + options.count("limit", len(names))]


def _describe_all(node: Node, names: list[str]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name in names:
        try:
            rows.append({"key": name, "info": describe_database(node.catalogue.get(name))})
        except (Refusal, FileNotFoundError):
            rows.append({"key": name, "error": "not_found"})
    return rows
