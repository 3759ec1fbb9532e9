"""Another time for our own code in this process, for tests of what happens as quarters pass. The rest keeps its clock."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from typing import Self

OURS = ("server", "sync", "media", "worker")


@contextmanager
def moved_clock() -> Iterator[type["Moved"]]:
    """While open, `datetime.now` of our modules is ahead of the real one by `Moved.by`; set it with `Moved.go_to`."""
    Moved.by = timedelta(0)
    touched = [
        module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in OURS and vars(module).get("datetime") is datetime
    ]
    for module in touched:
        vars(module)["datetime"] = Moved
    try:
        yield Moved
    finally:
        for module in touched:
            vars(module)["datetime"] = datetime


class Moved(datetime):
    """A datetime whose now can be set."""

    by = timedelta(0)

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls.fromisoformat((datetime.now(tz) + cls.by).isoformat())

    @classmethod
    def go_to(cls, at: datetime) -> None:
        """From now on it is `at`."""
        cls.by = at - datetime.now(at.tzinfo)
