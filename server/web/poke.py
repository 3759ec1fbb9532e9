"""`GET /api/poke`: one stream a phone that names the databases that changed. Only a hint: phones also ask by themselves.

What the device may pull is looked at again every few seconds while the stream is open: a quarter may have begun, or the token
may be over. That costs the store nothing (`server/people/known.py`), so a thousand streams may do it.
"""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import NotSignedIn
from server.web import streams
from server.web.live import Listener
from server.web.services import services_of
from server.web.sessions import bearer_of
from sync import databases
from sync.errors import Unreachable
from sync.gateway import NotAdmitted, Unavailable

CHECK_S = 2.0


async def poke(request: Request) -> Response:
    """Everything the device pulls at once, then what changes."""
    return streams.stream(_events(request, await _pulled(request)))


async def _events(request: Request, names: list[str]) -> AsyncIterator[bytes]:
    hub = services_of(request).hub
    await hub.note(names)
    with hub.listening(names) as listener:
        yield streams.event({"databases": names})
        checked_s = spoken_s = time.monotonic()
        while True:
            changed = await listener.wait(max(0.01, checked_s + CHECK_S - time.monotonic()))
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
        names = await _pulled(request)
    except NotSignedIn:
        return False
    except Unreachable:
        return True
    added = set(names) - listener.names
    if listener.names != set(names):
        listener.names = frozenset(names)
        await services_of(request).hub.note(names)
        listener.tell(added)
    return True


async def _pulled(request: Request) -> list[str]:
    """The databases this phone pulls now, in order. Raises NotSignedIn and Unreachable."""
    token = bearer_of(request)
    if not token:
        raise NotSignedIn("token_unknown")
    try:
        holder = await services_of(request).policy.identify(token)
    except NotAdmitted as refusal:
        raise NotSignedIn(refusal.reason) from None
    except Unavailable:
        raise Unreachable("who asks cannot be known now") from None
    # What the next quarter opens is open a little early (`policy.AHEAD`), and told of once it has begun.
    present = databases.quarter_at(datetime.now(UTC))
    return [name for name, rights in holder.databases.items() if rights.pull and _quarter(name) <= present]


def _quarter(name: str) -> str:
    """A database's quarter; "" of one that has none."""
    parts = databases.parse(name)
    return parts.quarter or "" if parts else ""
