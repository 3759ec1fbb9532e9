"""`GET /api/poke`: one stream a phone that names the databases that changed. Only a hint: phones also ask by themselves.

The token is checked again every five seconds while the stream is open, and its databases with it (a quarter may have begun).
"""

import time
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import NotSignedIn
from server.web import devices_api, streams
from server.web.live import Listener
from server.web.services import services_of
from sync.errors import StoreError

CHECK_S = 5.0


async def poke(request: Request) -> Response:
    """Everything the device pulls at once, then what changes."""
    names = await run_in_threadpool(_pulled, request)
    return streams.stream(_events(request, names))


async def _events(request: Request, names: list[str]) -> AsyncIterator[bytes]:
    hub = services_of(request).hub
    await hub.note(names)
    with hub.listening(names) as listener:
        yield streams.event({"databases": names})
        checked_s = spoken_s = time.monotonic()
        while True:
            changed = await listener.wait(CHECK_S)
            if time.monotonic() - checked_s >= CHECK_S:
                if not await _is_still_allowed(request, listener):
                    return
                checked_s = time.monotonic()
            allowed = sorted(changed & listener.names)
            if allowed:
                yield streams.event({"databases": allowed})
                spoken_s = time.monotonic()
            elif time.monotonic() - spoken_s >= streams.HEARTBEAT_S:
                yield streams.HEARTBEAT
                spoken_s = time.monotonic()


async def _is_still_allowed(request: Request, listener: Listener) -> bool:
    try:
        names = await run_in_threadpool(_pulled, request)
    except NotSignedIn:
        return False
    except StoreError:
        return True
    added = set(names) - listener.names
    if listener.names != set(names):
        listener.names = frozenset(names)
        await services_of(request).hub.note(names)
        listener.tell(added)
    return True


def _pulled(request: Request) -> list[str]:
    holder = devices_api.holder_of(request)
    return [database["name"] for database in devices_api.databases_of(holder) if database["pull"]]
