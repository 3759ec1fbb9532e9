"""Waking those who wait for changes of a database. What changed they read themselves."""

import asyncio
import contextlib
from collections.abc import Iterator


class Hub:
    """Who waits for which database. `announce` may be called from any thread, everything else from the event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[str, set[asyncio.Event]] = {}

    @contextlib.contextmanager
    def listen(self, name: str) -> Iterator[asyncio.Event]:
        """An event that is set after each change from now on; clear it before reading."""
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._waiting.setdefault(name, set()).add(event)
        try:
            yield event
        finally:
            events = self._waiting[name]
            events.discard(event)
            if not events:
                del self._waiting[name]

    def announce(self, name: str) -> None:
        """Wakes the listeners of a database. Who listens after this call reads the change without being woken."""
        if self._loop is not None and name in self._waiting:
            with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
                self._loop.call_soon_threadsafe(self._wake, name)

    def wake_all(self) -> None:
        """Wakes everyone, for the end of the node."""
        for name in list(self._waiting):
            self._wake(name)

    def _wake(self, name: str) -> None:
        for event in self._waiting.get(name, ()):
            event.set()
