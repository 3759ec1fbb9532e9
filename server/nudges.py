"""Hints to the worker and to open pages, by the broker: "look at this database", "this one changed". No truth travels here.

A nudge that is lost costs time, never a record: the worker's sweep finds what it was about. So nothing here raises or waits
long when the broker is dead; after a failure the broker is left alone for a moment. Tasks are sent by name: the server does not
import the worker. What the worker does with a nudge is in `worker/`.
"""

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable

import redis
import redis.asyncio
from celery import Celery
from kombu.exceptions import OperationalError
from redis.backoff import NoBackoff
from redis.retry import Retry

from server.queues import CATCH_UP, ERASE_TASK, INTAKE, INTAKE_TASK, PHOTO_TASK, PHOTOS, TWINS, TWINS_TASK, client_options

CHANNEL = "xunge:changed"
MARK = "xunge:nudged:"
MARK_S = 30
TRIES = "xunge:tries:"
TRIES_S = 24 * 3600
REST_S = 2.0
SOCKET_TIMEOUT_S = 0.8
WAITING_MOST = 10_000
TROUBLE = (redis.RedisError, OperationalError, OSError)
LOG = logging.getLogger(__name__)

Task = tuple[str, str, tuple[str, ...]]
Action = Callable[[], object]


class Nudges:
    """Sends hints through one broker. Safe to share between threads; `…_soon` is for the event loop and never waits at all."""

    def __init__(self, broker_url: str) -> None:
        self._url = broker_url
        self._redis = redis.Redis.from_url(
            broker_url, socket_timeout=SOCKET_TIMEOUT_S, socket_connect_timeout=SOCKET_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
        self._celery = Celery("xunge", broker=broker_url, set_as_current=False)
        self._celery.conf.update(client_options(SOCKET_TIMEOUT_S))
        self._resting_until = 0.0
        self._was_down = False
        self._tasks: dict[str, Task] = {}
        self._changed: set[str] = set()
        self._waiting = threading.Condition()
        self._sender: threading.Thread | None = None
        self._closed = False

    def nudge(self, database: str, *, seen: str | None = None, insist: bool = False) -> bool:
        """Ask for the intake of a database; one that already waits is not asked for twice. True when it was sent or waits.

        `seen` is the update sequence a sweep saw; `insist` is for catching up: it goes to a queue of its own, and is sent even
        when a mark says that one waits (which may be lost).
        """
        return self._send((INTAKE_TASK, CATCH_UP if insist else INTAKE, (database, seen or "")), database, insist)

    def nudge_photo(self, media_database: str, photo: str, *, insist: bool = False) -> bool:
        """Ask for a photo's sizes to be made. True when it was sent or waits."""
        return self._send((PHOTO_TASK, PHOTOS, (media_database, photo)), f"{media_database}/{photo}", insist)

    def nudge_twins(self, township: str, *, database: str = "", seen: str = "", insist: bool = False) -> bool:
        """Ask for possible duplicates among what is new in a township; `seen` is the sequence of `database` that a sweep saw."""
        return self._send((TWINS_TASK, TWINS, (township, database, seen)), f"twins/{township}", insist)

    def nudge_erasures(self) -> bool:
        """Ask for erasures that were asked for to be carried out."""
        return self._send((ERASE_TASK, CATCH_UP, ()), "erasures", insist=True)

    def waiting(self, queue: str) -> int:
        """How many tasks wait in a queue; 0 when the broker cannot say."""
        counted: list[int] = [0]

        def count() -> None:
            counted[0] = int(str(self._redis.llen(queue)))

        self._attempt(count)
        return counted[0]

    def announce(self, databases: Iterable[str]) -> bool:
        """Tell whoever listens that these databases changed. True when the broker took it."""
        names = sorted(set(databases))
        return not names or self._attempt(lambda: self._redis.publish(CHANNEL, json.dumps(names)))

    def begin(self, what: str) -> None:
        """Take away the mark of a nudge, as its task begins: a change from now on needs a nudge of its own."""
        self._attempt(lambda: self._redis.delete(MARK + what))

    def count_try(self, what: str) -> int:
        """How many times this was begun and not forgotten since, this one included; 1 when the broker cannot say."""
        counted: list[int] = [1]

        def count() -> None:
            counted[0] = int(self._redis.incr(TRIES + what))
            self._redis.expire(TRIES + what, TRIES_S)

        self._attempt(count)
        return counted[0]

    def forget_tries(self, what: str) -> None:
        """It ended well: forget how many times it was begun."""
        self._attempt(lambda: self._redis.delete(TRIES + what))

    async def nudge_soon(self, database: str) -> None:
        """`nudge` and `announce` from the event loop: handed to a thread, returns at once, whatever the broker does."""
        self._later(database, (INTAKE_TASK, INTAKE, (database, "")), [database])

    async def nudge_photo_soon(self, media_database: str, photo: str) -> None:
        """`nudge_photo` from the event loop."""
        self._later(f"{media_database}/{photo}", (PHOTO_TASK, PHOTOS, (media_database, photo)), [])

    async def announce_soon(self, databases: Iterable[str]) -> None:
        """`announce` from the event loop."""
        self._later("", None, databases)

    async def subscribe(self) -> AsyncIterator[set[str]]:
        """Sets of changed databases, for ever. After a lost connection came back it yields an empty set: "anything may have"."""
        client = redis.asyncio.Redis.from_url(self._url, socket_connect_timeout=SOCKET_TIMEOUT_S, health_check_interval=15)
        was_lost = False
        try:
            while True:
                with contextlib.suppress(*TROUBLE):
                    async with client.pubsub(ignore_subscribe_messages=True) as pubsub:
                        await pubsub.subscribe(CHANNEL)
                        if was_lost:
                            yield set()
                        while True:
                            message = await pubsub.get_message(timeout=5.0)
                            if message is not None:
                                yield set(json.loads(message["data"]))
                was_lost = True
                await asyncio.sleep(1.0)
        finally:
            await client.aclose()

    def is_broker_alive(self) -> bool:
        """True when the broker answers; asked in earnest, for `/healthz`."""
        try:
            return bool(self._redis.ping())
        except TROUBLE:
            return False

    def is_worker_alive(self) -> bool:
        """True when a worker that takes records in answers within a second."""
        try:
            return self.is_broker_alive() and bool(
                self._celery.control.ping(limit=1, timeout=1.0, pattern=f"{INTAKE}@*", matcher="glob")
            )
        except TROUBLE:
            return False

    def close(self) -> None:
        """Stop the sending thread and let go of the connections."""
        with self._waiting:
            self._closed = True
            self._waiting.notify()
        if self._sender is not None:
            self._sender.join(2 * SOCKET_TIMEOUT_S)
        self._celery.close()
        self._redis.close()

    def _send(self, task: Task, mark: str, insist: bool) -> bool:
        def send() -> None:
            if self._redis.set(MARK + mark, "1", ex=MARK_S, nx=not insist) or insist:
                name, queue, arguments = task
                self._celery.send_task(name, args=arguments, queue=queue, retry=False, ignore_result=True)

        return self._attempt(send)

    def _attempt(self, action: Action) -> bool:
        if time.monotonic() < self._resting_until:
            return False
        try:
            action()
        except TROUBLE as error:
            self._resting_until = time.monotonic() + REST_S
            if not self._was_down:
                LOG.warning("the broker does not answer (%s); the sweep will do what nudges cannot", type(error).__name__)
            self._was_down = True
            return False
        if self._was_down:
            LOG.info("the broker answers again")
        self._was_down = False
        return True

    def _later(self, key: str, task: Task | None, changed: Iterable[str]) -> None:
        with self._waiting:
            if task is not None and len(self._tasks) < WAITING_MOST:
                self._tasks[key] = task
            if len(self._changed) < WAITING_MOST:
                self._changed.update(changed)
            if self._sender is None:
                self._sender = threading.Thread(target=self._run, name="nudges", daemon=True)
                self._sender.start()
            self._waiting.notify()

    def _run(self) -> None:
        while True:
            with self._waiting:
                self._waiting.wait_for(lambda: self._tasks or self._changed or self._closed)
                if self._closed:
                    return
                tasks, self._tasks = self._tasks, {}
                changed, self._changed = self._changed, set()
            for mark, task in tasks.items():
                self._send(task, mark, insist=False)
            self.announce(changed)
