"""`GET /api/poke`: one stream a phone that names the databases that changed. Only a hint: phones also ask by themselves.

What the device may open is looked at again every few seconds while the stream is open: a quarter may have begun, a grid may have
been given or taken, or the token may be over. That costs the store nothing (`server/people/known.py`), so a thousand streams may
do it. `rights_changed` in an event: `/api/devices/me` now answers something else.
"""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

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


class Opened(NamedTuple):
    """What a phone may open now: the databases it pulls, in order, and everything that decides what it may do."""

    pulled: list[str]
    rights: tuple[Any, ...]


async def poke(request: Request) -> Response:
    """Everything the device pulls at once, then what changes."""
    return streams.stream(_events(request, await _opened(request)))


async def _events(request: Request, opened: Opened) -> AsyncIterator[bytes]:
    hub = services_of(request).hub
    await hub.note(opened.pulled)
    with hub.listening(opened.pulled) as listener:
        yield streams.event({"databases": opened.pulled})
        checked_s = spoken_s = time.monotonic()
        while True:
            changed = await listener.wait(max(0.01, checked_s + CHECK_S - time.monotonic()))
            news: dict[str, Any] = {}
            if time.monotonic() - checked_s >= CHECK_S:
                try:
                    before, opened = opened, await _opened_still(request, opened)
                except NotSignedIn:
                    return
                if opened.rights != before.rights:
                    news["rights_changed"] = True
                    changed |= await _listen_to(request, listener, opened.pulled)
                checked_s = time.monotonic()
            allowed = sorted(changed & listener.names)
            if allowed or news:
                yield streams.event({"databases": allowed, **news})
                spoken_s = time.monotonic()
            elif time.monotonic() - spoken_s >= streams.HEARTBEAT_S:
                yield streams.HEARTBEAT
                spoken_s = time.monotonic()


async def _listen_to(request: Request, listener: Listener, names: list[str]) -> set[str]:
    """Listen to these from now on; those that are new."""
    added = set(names) - listener.names
    listener.names = frozenset(names)
    await services_of(request).hub.note(names)
    return added


async def _opened_still(request: Request, last: Opened) -> Opened:
    try:
        return await _opened(request)
    except Unreachable:
        return last


async def _opened(request: Request) -> Opened:
    """Raises NotSignedIn and Unreachable."""
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
    begun = {name: rights for name, rights in holder.databases.items() if _quarter(name) <= present}
    return Opened([name for name, rights in begun.items() if rights.pull], (begun, sorted(holder.person["roles"])))


def _quarter(name: str) -> str:
    """A database's quarter; "" of one that has none."""
    parts = databases.parse(name)
    return parts.quarter or "" if parts else ""
