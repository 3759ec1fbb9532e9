"""The desks' streams: a list hears how many cases each of its tabs has, a case's page hears that its case moved; each
hears besides, as event `notices`, how many unread notices the reader has.

What changed is fetched by the page itself, with its own filters; the stream only says that it is worth it.
"""

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from server.domain.errors import DomainError
from server.domain.grids import township_of
from server.web import list_pages, streams
from server.web.case import load_seen
from server.web.notice_badge import as_shown
from server.web.services import services_of
from sync import databases
from sync.errors import StoreError

CHECK_S = 5.0
# Counting a person's notices costs a few questions to the store: not more often than this, however much comes in.
COUNT_S = 1.0
Read = Callable[[], Any]


@dataclass
class _Topic:
    """What one kind of event of a stream tells: read again when a database of its changed, said again when it is another."""

    databases: frozenset[str]
    read: Read
    event: str | None = None
    pace_s: float = 0.0
    told: Any = None
    read_s: float = 0.0
    is_due: bool = True

    def wait_s(self) -> float:
        """How long until it is to be read again."""
        left_s = (self.pace_s if self.is_due else streams.HEARTBEAT_S) - (time.monotonic() - self.read_s)
        return max(0.0, left_s)


async def list_stream(request: Request) -> Response:
    """`GET /township/{code}/live` and its like: the counts of the list's tabs, at once and after each change."""
    _, scope = await run_in_threadpool(list_pages.read_scope, request)
    names = frozenset(databases.cases_db(place.township) for place in scope.places)
    topic = _Topic(names, lambda: list_pages.read_counts(request), pace_s=COUNT_S if len(names) > 1 else 0.0)
    return streams.stream(_changes(request, topic, _unread(request)))


async def case_stream(request: Request) -> Response:
    """`GET /cases/{id}/live`: the case's version, at once and when it is another."""
    case = await run_in_threadpool(load_seen, request)

    def read() -> dict[str, str]:
        return {"version": load_seen(request)["_rev"]}

    return streams.stream(
        _changes(request, _Topic(frozenset({databases.cases_db(township_of(case["grid"]))}), read), _unread(request))
    )


async def notice_stream(request: Request) -> Response:
    """`GET /notices/live`: the number of unread notices alone, for pages that have nothing else to hear of."""
    topic = _unread(request)
    await run_in_threadpool(topic.read)
    return streams.stream(_changes(request, topic))


def _unread(request: Request) -> _Topic:
    services = services_of(request)

    def read() -> dict[str, Any]:
        return as_shown(services.notice_badge.count(services.sessions.person_of(request)))

    return _Topic(frozenset({databases.NOTICES}), read, event="notices", pace_s=COUNT_S)


async def _changes(request: Request, *topics: _Topic) -> AsyncIterator[bytes]:
    """Events whenever what is read differs; ends when the reader may no longer read it (the page then asks and is told why)."""
    hub, names = services_of(request).hub, frozenset().union(*(topic.databases for topic in topics))
    await hub.note(names)
    with hub.listening(names) as listener:
        spoken_s = 0.0
        while True:
            for topic in topics:
                try:
                    is_news = await _read(topic)
                except DomainError:
                    return
                if is_news:
                    spoken_s = time.monotonic()
                    yield streams.event(topic.told, topic.event)
            if time.monotonic() - spoken_s >= streams.HEARTBEAT_S:
                spoken_s = time.monotonic()
                yield streams.HEARTBEAT
            changed = await listener.wait(min([CHECK_S, *(topic.wait_s() for topic in topics)]))
            for topic in topics:
                topic.is_due = topic.is_due or not topic.databases.isdisjoint(changed)


async def _read(topic: _Topic) -> bool:
    """Read a topic when it is time for it; True when it is another than what was told. A store that is away changes nothing."""
    if topic.wait_s() > 0:
        return False
    topic.is_due = False
    try:
        now = await run_in_threadpool(topic.read)
    except StoreError:
        now = topic.told
    topic.read_s = time.monotonic()
    is_news: bool = now != topic.told
    topic.told = now
    return is_news
