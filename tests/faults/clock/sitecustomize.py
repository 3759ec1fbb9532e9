"""A wall clock that a test may set: Python imports this at its start when the folder is on PYTHONPATH.

The file named by `FAULTS_CLOCK` holds how many seconds the clock is wrong; it is read anew at every look, so that a running
process sees the clock step. The steady clock is left as it is, as a real step leaves it.
"""

import datetime as datetimes
import os
import time

REAL_TIME, REAL_TIME_NS, REAL = time.time, time.time_ns, datetimes.datetime
PATH = os.environ.get("FAULTS_CLOCK", "")


def offset_s() -> float:
    """How wrong the clock is at this moment."""
    try:
        with open(PATH, encoding="ascii") as file:  # noqa: PTH123 - at every look at the clock: as little as can be
            return float(file.read() or 0)
    except (OSError, ValueError):
        return 0.0


class AsReal(type(REAL)):
    """A real datetime, as C code makes them, counts as one of ours."""

    def __instancecheck__(cls, other: object) -> bool:
        return isinstance(other, REAL)

    def __subclasscheck__(cls, other: type) -> bool:
        return issubclass(other, REAL)


class datetime(REAL, metaclass=AsReal):  # noqa: N801 - it stands in for the real one
    """Instants that begin at the wrong clock."""

    @classmethod
    def now(cls, tz: datetimes.tzinfo | None = None) -> REAL:
        """Now, by the wrong clock."""
        return REAL.fromtimestamp(REAL_TIME() + offset_s(), tz)

    @classmethod
    def utcnow(cls) -> REAL:
        """Now in UTC without saying so, by the wrong clock."""
        return REAL.fromtimestamp(REAL_TIME() + offset_s(), datetimes.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> REAL:
        """Now, by the wrong clock."""
        return cls.now()


if PATH:
    time.time = lambda: REAL_TIME() + offset_s()
    time.time_ns = lambda: REAL_TIME_NS() + int(offset_s() * 1e9)
    datetimes.datetime = datetime
