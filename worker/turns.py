"""One run at a time for each thing in this process, and one more when it was asked for meanwhile. Thrift, not safety.

Two runs over one database would read the same changes and write the same documents: harmless, but twice the work.
"""

import threading


class Turns:
    """Who is at what. `take` and `give_back` come in pairs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked_again: dict[str, bool] = {}

    def take(self, what: str) -> bool:
        """True when the caller may begin. False: somebody is at it, and will look once more before he leaves."""
        with self._lock:
            if what in self._asked_again:
                self._asked_again[what] = True
                return False
            self._asked_again[what] = False
            return True

    def give_back(self, what: str, *, at_once: bool = False) -> bool:
        """True when the turn is over. False: it was asked for again meanwhile, go on (never with `at_once`)."""
        with self._lock:
            if self._asked_again[what] and not at_once:
                self._asked_again[what] = False
                return False
            del self._asked_again[what]
            return True
