"""What is read from the store once in a while and kept between: one value of each kind for each store, safe between threads."""

import threading
import time
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from sync.couch import Couch

KEPT_S = 30.0
Value = TypeVar("Value")


class Kept(Generic[Value]):
    """Asks `read` again when what it has is older than `KEPT_S`; an empty answer is not kept: it may be about to be filled."""

    def __init__(self, read: Callable[[Couch], Value]) -> None:
        self._read = read
        self._kept: weakref.WeakKeyDictionary[Couch, tuple[float, Value]] = weakref.WeakKeyDictionary()
        self._lock = threading.Lock()

    def of(self, couch: Couch) -> Value:
        """The value for this store. Raises what reading it raises."""
        now = time.monotonic()
        with self._lock:
            known = self._kept.get(couch)
        if known is not None and now - known[0] < KEPT_S:
            return known[1]
        found = self._read(couch)
        if found:
            with self._lock:
                self._kept[couch] = (now, found)
        return found
