"""`_changes`: at once, waiting (`longpoll`), or on and on (`continuous`), with heartbeats.

A waiting feed holds no thread and no connection: it listens at the hub and reads when woken.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator

from sync.embedded.changes import Page, Question, count_pending, format_seq, parse_seq, read_page, sift
from sync.embedded.codec import dump
from sync.embedded.database import Database
from sync.embedded.exchange import Answer, Request
from sync.embedded.node import Node
from sync.embedded.options import Options
from sync.embedded.reading import View
from sync.embedded.refusals import Refusal, not_implemented
from sync.embedded.routes.filters import choose_filter
from sync.embedded.routes.presence import talk_while_there
from sync.embedded.rows import read_figures
from sync.embedded.sieves import SieveFailed
from sync.embedded.views.groups import shared_groups

_DEFAULT_TIMEOUT_MS = 60_000
_UNLIMITED = 1 << 62


async def follow_changes(node: Node, request: Request) -> Answer | None:
    """Answers by streaming; None means that it has."""
    database = node.catalogue.get(request.segments[0])
    options = Options(request.query)
    feed = options.text("feed", "normal")
    if feed not in ("normal", "longpoll", "continuous"):
        raise not_implemented(f"The feed {feed}")
    question = await read_question(node, database, request, options)
    feeder = Feeder(node, request, database, question, Waiting(options))
    await talk_while_there(request, feeder.talk(feed))
    return None


async def read_question(node: Node, database: Database, request: Request, options: Options) -> Question:
    """The question of a feed from its parameters. Raises 400, 404, 501."""
    newest = (await node.run(database.read, read_figures)).seq
    since, is_descending = options.text("since", "0"), options.flag("descending")
    question = Question(
        since=0 if is_descending else parse_seq(since, database.epoch, newest),  # backwards starts at the newest
        limit=max(1, options.count("limit", _UNLIMITED)),
        is_descending=is_descending,
        shows_leaves=options.text("style", "main_only") == "all_docs",
        includes_docs=options.flag("include_docs"),
        view=View(conflicts=options.flag("conflicts"), attachments=options.flag("attachments")),
    )
    await choose_filter(node, database, request, question)
    return question


class Waiting:
    """How long a feed waits and how often it shows that it lives; from `timeout` and `heartbeat`, milliseconds."""

    def __init__(self, options: Options) -> None:
        beat = options.text("heartbeat", "false")
        beat_ms = _DEFAULT_TIMEOUT_MS if beat == "true" else 0 if beat == "false" else options.count("heartbeat", 0)
        timeout_ms = min(options.count("timeout", _DEFAULT_TIMEOUT_MS), _DEFAULT_TIMEOUT_MS)
        self.beat_s: float | None = beat_ms / 1000 if beat_ms else None
        self.timeout_s: float | None = None if self.beat_s is not None else timeout_ms / 1000


class Feeder:
    """One feed being answered."""

    def __init__(self, node: Node, request: Request, database: Database, question: Question, waiting: Waiting) -> None:
        self._node = node
        self._request = request
        self._database = database
        self._question = question
        self._waiting = waiting
        self._room = question.limit or _UNLIMITED
        self._has_started = False
        self._shown_s = asyncio.get_running_loop().time()

    async def talk(self, feed: str) -> None:
        """Streams the whole answer."""
        if feed == "continuous":
            await self._talk_on()
        else:
            await self._talk_once(is_waiting=feed == "longpoll")

    async def _talk_once(self, is_waiting: bool) -> None:
        count = 0
        async for page in self._pages(is_waiting):
            for_client = b",\n".join(page.lines)
            if not page.lines:
                continue
            await self._open(b'{"results":[\n' if count == 0 else b",\n")
            await self._request.send(for_client)
            count += len(page.lines)
            is_waiting = False
        if count == 0:
            await self._open(b'{"results":[')
        await self._request.send(b'\n],\n"last_seq":' + await self._end() + b"\n", is_last=True)

    async def _talk_on(self) -> None:
        await self._open(b"")
        async for page in self._pages(is_waiting=True, is_endless=True):
            if page.lines:
                await self._request.send(b"\n".join(page.lines) + b"\n")
        await self._request.send(b'{"last_seq":' + await self._end() + b"\n", is_last=True)

    async def _pages(self, is_waiting: bool, is_endless: bool = False) -> AsyncIterator[Page]:
        """Pages until the room is used up; then, if waiting, one more change at least, or for ever."""
        with self._node.hub.listen(self._database.name) as event:
            while self._room > 0:
                event.clear()
                try:
                    page = await self._read()
                except SieveFailed:
                    raise  # a feed that is cut short must not look whole
                except Refusal:
                    if self._has_started:  # the database went away: the feed ends as it would with time
                        return
                    raise
                self._question.since = page.last
                self._room -= len(page.lines)
                is_waiting = is_waiting and (is_endless or not page.lines)
                yield page
                if not page.is_end:
                    await self._show_life(page)
                    continue
                if not is_waiting or not await self._wait(event):
                    return

    async def _read(self) -> Page:
        epoch, question, room = self._database.epoch, self._question, self._room
        page = await self._node.run(self._database.read, lambda connection: read_page(connection, epoch, question, room))
        if question.sieve is None or not page.candidates:
            return page
        return await shared_groups().run(sift, page, question.sieve, room)

    async def _wait(self, event: asyncio.Event) -> bool:
        """True when something changed, False when time is up, the node stops or the database is gone."""
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        while not self._node.stopping.is_set():
            left_s = self._waiting.beat_s
            if left_s is None and self._waiting.timeout_s is not None:
                left_s = self._waiting.timeout_s - (loop.time() - started_s)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(event.wait(), left_s)
                return not self._node.stopping.is_set() and self._is_there()
            if self._waiting.beat_s is None:
                return False
            await self._open(b"\n")
        return False

    async def _show_life(self, page: Page) -> None:
        """A heartbeat while a filter finds nothing for long."""
        now_s = asyncio.get_running_loop().time()
        if page.lines:
            self._shown_s = now_s
        elif self._waiting.beat_s is not None and now_s - self._shown_s > self._waiting.beat_s:
            self._shown_s = now_s
            await self._open(b"\n")

    async def _open(self, data: bytes) -> None:
        """Sends a part, and before the first one the head."""
        if not self._has_started:
            self._has_started = True
            await self._request.start(200, {"content-type": "application/json"})
        await self._request.send(data)

    def _is_there(self) -> bool:
        try:
            return self._node.catalogue.get(self._database.name) is self._database
        except Refusal:
            return False

    async def _end(self) -> bytes:
        """`<last_seq>,"pending":<n>}`: how far the feed got and how much was left."""
        since, question = self._question.since, self._question

        def count(connection: sqlite3.Connection) -> int:
            return 0 if question.is_descending else count_pending(connection, since)

        pending = 0
        with contextlib.suppress(Refusal):
            pending = await self._node.run(self._database.read, count)
        return dump(format_seq(since, self._database.epoch)) + b',"pending":' + dump(pending) + b"}"
