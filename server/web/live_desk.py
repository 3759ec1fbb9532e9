"""The desks' streams: a township's list hears how many cases each state has, a case's page hears that its case moved.

What changed is fetched by the page itself, with its own filters; the stream only says that it is worth it.
"""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import DomainError
from server.domain.grids import township_of
from server.web import streams
from server.web.case import load_seen
from server.web.services import services_of
from server.web.township import read_counts
from sync import databases
from sync.errors import StoreError

CHECK_S = 5.0
Read = Callable[[], Any]


async def township_stream(request: Request) -> Response:
    """`GET /township/{code}/live`: the counts by state, at once and after each change."""
    await run_in_threadpool(read_counts, request)
    database = databases.cases_db(str(request.path_params["code"]))
    return streams.stream(_changes(request, database, lambda: read_counts(request)))


async def case_stream(request: Request) -> Response:
    """`GET /cases/{id}/live`: the case's version, at once and when it is another."""
    case = await run_in_threadpool(load_seen, request)

    def read() -> dict[str, str]:
        return {"version": load_seen(request)["_rev"]}

    return streams.stream(_changes(request, databases.cases_db(township_of(case["grid"])), read))


async def _changes(request: Request, database: str, read: Read) -> AsyncIterator[bytes]:
    """Events whenever what is read differs; ends when the reader may no longer read it (the page then asks and is told why)."""
    hub = services_of(request).hub
    await hub.note([database])
    with hub.listening([database]) as listener:
        told: Any = None
        checked_s = spoken_s = 0.0
        changed = {database}
        while True:
            if changed or time.monotonic() - checked_s >= streams.HEARTBEAT_S:
                try:
                    now = await run_in_threadpool(read)
                except DomainError:
                    return
                except StoreError:
                    now = told
                checked_s = time.monotonic()
                if now != told:
                    told, spoken_s = now, checked_s
                    yield streams.event(now)
            if time.monotonic() - spoken_s >= streams.HEARTBEAT_S:
                spoken_s = time.monotonic()
                yield streams.HEARTBEAT
            changed = await listener.wait(CHECK_S)
