"""`_local` documents: a replicator's checkpoints, kept apart per device (`_local/<device>.<name>` in the store).

A device sees and writes only its own, under the name it chose; the answers name them as it did.
"""

from typing import Any

import orjson

from sync.gateway.answers import Stop
from sync.gateway.upstream import Upstream

NAME_LENGTH = 200
BODY_BYTES = 64 * 1024
PREFIX = "_local/"


def name_in(segments: list[str]) -> str | None:
    """The name in `_local/<name>` (also when the slash came encoded), or None for another path. Raises Stop for a bad one."""
    joined = "/".join(segments)
    if not joined.startswith(PREFIX):
        return None
    name = joined[len(PREFIX) :]
    if not name or "/" in name or len(name) > NAME_LENGTH:
        raise Stop(404, "not_found", "missing")
    return name


async def read_checkpoint(upstream: Upstream, device: str, database: str, name: str) -> tuple[int, Any]:
    """Status and body for `GET _local/<name>`."""
    status, answer = await upstream.read("GET", [database, "_local", f"{device}.{name}"], {})
    return status, _renamed(answer, "_id", name)


async def write_checkpoint(upstream: Upstream, device: str, database: str, name: str, body: bytes) -> tuple[int, Any]:
    """Status and body for `PUT _local/<name>`. Raises Stop for a body that is no document."""
    try:
        doc = orjson.loads(body)
    except orjson.JSONDecodeError:
        doc = None
    if not isinstance(doc, dict):
        raise Stop(400, "bad_request", "invalid_json")
    doc["_id"] = f"{PREFIX}{device}.{name}"
    status, answer = await upstream.read("PUT", [database, "_local", f"{device}.{name}"], {}, orjson.dumps(doc))
    return status, _renamed(answer, "id", name)


def _renamed(answer: bytes, field: str, name: str) -> Any:
    value = orjson.loads(answer)
    if isinstance(value, dict) and field in value:
        value[field] = PREFIX + name
    return value
