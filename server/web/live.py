"""One hub a process: tells listeners (desk pages, phones' poke streams) which databases have changed.

An announcement on the broker only means "look now"; what decides is the store's update sequence, compared by equality. A
look every few seconds at what somebody listens to makes a dead broker cost time and nothing else.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from starlette.concurrency import run_in_threadpool

from sync.errors import StoreError

POLL_S = 5.0
RESTART_S = 1.0
log = structlog.get_logger("live")

Look = Callable[[list[str]], Mapping[str, Mapping[str, Any] | None]]


class Listener:
    """What one open stream wants to hear of. `names` may be replaced while it listens."""

    def __init__(self, names: Collection[str]) -> None:
        self.names = frozenset(names)
        self._changed: set[str] = set()
        self._wake = asyncio.Event()

    def tell(self, names: Collection[str]) -> None:
        """Notes changes; several before the next `wait` become one."""
        heard = self.names.intersection(names)
        if heard:
            self._changed |= heard
            self._wake.set()

    async def wait(self, timeout_s: float) -> set[str]:
        """The databases that changed since the last call; empty when none did within the time."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        except TimeoutError:
            return set()
        self._wake.clear()
        changed, self._changed = self._changed, set()
        return changed


class Hub:
    """`look(names)` reads `{name: {"update_seq"…} | None}` (blocking); `announced()` yields names; an empty set means any."""

    def __init__(self, look: Look, announced: Callable[[], AsyncIterator[set[str]]], poll_s: float = POLL_S) -> None:
        self._look = look
        self._announced = announced
        self._poll_s = poll_s
        self._listeners: set[Listener] = set()
        self._seen: dict[str, Any] = {}
        self._looking = asyncio.Lock()

    async def run(self) -> None:
        """Follows announcements and looks for itself, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            tasks.create_task(self._poll())

    @contextmanager
    def listening(self, names: Collection[str]) -> Iterator[Listener]:
        """A listener for the length of a stream. Call `note` first, so that nothing falls between reading and listening."""
        listener = Listener(names)
        self._listeners.add(listener)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    async def note(self, names: Collection[str]) -> None:
        """Remembers where databases nobody listened to stand now; one that cannot be read counts as changed later."""
        unknown = [name for name in names if name not in self._seen]
        if not unknown:
            return
        try:
            found = await run_in_threadpool(self._look, unknown)
        except StoreError:
            found = {}
        for name in unknown:
            self._seen.setdefault(name, _sequence(found.get(name)) if name in found else object())

    async def look_at(self, names: Collection[str]) -> None:
        """Compares databases with what was seen and tells the listeners of those that moved."""
        wanted = sorted(self._wanted().intersection(names))
        if not wanted:
            return
        async with self._looking:
            try:
                found = await run_in_threadpool(self._look, wanted)
            except StoreError as error:
                log.warning("look_failed", error=str(error))
                return
            now = {name: _sequence(found.get(name)) for name in wanted}
            moved = {name for name, sequence in now.items() if name not in self._seen or self._seen[name] != sequence}
            self._seen.update(now)
        for listener in self._listeners if moved else ():
            listener.tell(moved)

    def _wanted(self) -> set[str]:
        return set().union(*(listener.names for listener in self._listeners))

    async def _follow(self) -> None:
        while True:
            try:
                async for names in self._announced():
                    await self.look_at(names or self._wanted())
            except Exception:
                log.warning("announcements_stopped", exc_info=True)
            await asyncio.sleep(RESTART_S)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._poll_s)
            wanted = self._wanted()
            self._seen = {name: sequence for name, sequence in self._seen.items() if name in wanted}
            try:
                await self.look_at(wanted)
            except Exception:
                log.warning("poll_failed", exc_info=True)


def _sequence(info: Mapping[str, Any] | None) -> Any:
    return None if info is None else info.get("update_seq")
