"""`_local` documents: a replicator's checkpoints, kept apart per device (`_local/<device>.<name>` in the store).

A device sees and writes only its own, under the name it chose; the answers name them as it did. It keeps `NAMES` of them in a
database: a list of names, `_local/<device>.`, which no device can name itself, says which; one name too many ends the oldest.
A replicator whose checkpoint is gone begins anew, which costs time and nothing else.
"""

from collections import OrderedDict
from typing import Any

import orjson

from sync.gateway.answers import Stop, StoreDown
from sync.gateway.upstream import Upstream

NAME_LENGTH = 200
BODY_BYTES = 64 * 1024
NAMES = 32
NAMES_KNOWN = 20_000
TRIES = 5
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


class Names:
    """The names this process has seen in the lists, so that a checkpoint written again is one request."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str, str], None] = OrderedDict()

    async def enter(self, upstream: Upstream, device: str, database: str, name: str) -> None:
        """Make sure that the list has this name, and that it is no longer than it may be. Raises StoreDown."""
        key = (device, database, name)
        if key in self._known:
            return
        path = [database, "_local", f"{device}."]
        for _ in range(TRIES):
            status, answer = await upstream.read("GET", path, {})
            kept = orjson.loads(answer) if status == 200 else {}
            listed = [one for one in kept.get("names", []) if one != name]
            for old in listed[: max(0, len(listed) + 1 - NAMES)]:
                await self._remove(upstream, device, database, old)
            body = {"_id": f"{PREFIX}{device}.", "names": [*listed, name][-NAMES:]}
            body |= {"_rev": kept["_rev"]} if "_rev" in kept else {}
            status, _ = await upstream.read("PUT", path, {}, orjson.dumps(body))
            if status in (200, 201):
                self._known[key] = None
                if len(self._known) > NAMES_KNOWN:
                    self._known.popitem(last=False)
                return
        raise StoreDown("checkpoints_change_too_fast")

    async def _remove(self, upstream: Upstream, device: str, database: str, name: str) -> None:
        self._known.pop((device, database, name), None)
        path = [database, "_local", f"{device}.{name}"]
        status, answer = await upstream.read("GET", path, {})
        if status == 200:
            await upstream.read("DELETE", path, {"rev": str(orjson.loads(answer)["_rev"])})


async def read_checkpoint(upstream: Upstream, device: str, database: str, name: str) -> tuple[int, Any]:
    """Status and body for `GET _local/<name>`."""
    status, answer = await upstream.read("GET", [database, "_local", f"{device}.{name}"], {})
    return status, _renamed(answer, "_id", name)


def parse_checkpoint(body: bytes) -> dict[str, Any]:
    """A checkpoint as it was sent. Raises Stop for a body that is no document."""
    try:
        doc = orjson.loads(body)
        # What can be read may be too deep to be written again.
        orjson.dumps(doc)
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        doc = None
    if not isinstance(doc, dict):
        raise Stop(400, "bad_request", "invalid_json")
    return doc


async def write_checkpoint(upstream: Upstream, device: str, database: str, name: str, doc: dict[str, Any]) -> tuple[int, Any]:
    """Status and body for `PUT _local/<name>`; the name is in the device's list already (`Names.enter`)."""
    body = orjson.dumps({**doc, "_id": f"{PREFIX}{device}.{name}"})
    status, answer = await upstream.read("PUT", [database, "_local", f"{device}.{name}"], {}, body)
    return status, _renamed(answer, "id", name)


def _renamed(answer: bytes, field: str, name: str) -> Any:
    value = orjson.loads(answer)
    if isinstance(value, dict) and field in value:
        value[field] = PREFIX + name
    return value
