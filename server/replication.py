"""Ties the gateway to our rules: what `server/app.py` mounts at `/db`."""

import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from server.settings import Settings
from sync.gateway import Policy
from sync.gateway.app import Gateway, create_gateway
from sync.gateway.wire import Receive, Scope, Send

COLLECT_AFTER = (20_000, 20, 20)


class Replication:
    """The ASGI app. A process that serves it stays inside `running()`, which closes its connections at the end."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request of a phone's replication."""
        await self._gateway(scope, receive, send)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """While the process serves.

        What lives as long as the process is taken out of garbage collection: a pushed batch makes enough objects to set off a
        walk through all of it, which cost a tenth of the throughput.
        """
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
        try:
            yield
        finally:
            await self._gateway.close()


def create_replication(settings: Settings, policy: Policy, nudge: Callable[[str], Awaitable[None]]) -> Replication:
    """The gateway before `settings.couchdb_url`. `nudge(database)` is awaited after each push that stored something, apart from
    the answer: it may take its time or fail."""
    return Replication(create_gateway(settings.couchdb_url, policy, nudge))
