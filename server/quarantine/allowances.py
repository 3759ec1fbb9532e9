"""How much one device may have lying in quarantine undecided: documents and files, pushed and rescued, each by number and bytes.

A document `quota:<device>` counts what is let in, guarded by its revision, before it is written: pushes at one time cannot go
beyond. It only ever counts up; when it says "full" and nothing was let in for a minute, the entries themselves are counted anew,
because what was decided costs nothing any more.
"""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from server.domain import times
from server.quarantine import entries

MIB = 1 << 20
REST = timedelta(minutes=1)
Counter = dict[str, Any]


class Allowance(NamedTuple):
    """At most so many entries, of so many bytes in all."""

    number: int
    size_bytes: int


class Usage(NamedTuple):
    """What is used of an allowance."""

    number: int
    size_bytes: int

    def with_one(self, size_bytes: int) -> "Usage":
        """One entry more."""
        return Usage(self.number + 1, self.size_bytes + size_bytes)

    def is_within(self, allowance: Allowance) -> bool:
        """True when this much is allowed."""
        return self.number <= allowance.number and self.size_bytes <= allowance.size_bytes


ALLOWANCES = {
    entries.PUSHED: Allowance(500, 64 * MIB),
    entries.FILES: Allowance(200, 256 * MIB),
    # What a revoked phone still holds may be months of work (DESIGN §6.3): it is not asked to choose.
    entries.RESCUED: Allowance(20_000, 1024 * MIB),
    entries.RESCUED_FILES: Allowance(5_000, 2048 * MIB),
}


def counter_id(device: str) -> str:
    """The id of a device's counter."""
    return f"quota:{device}"


def fresh(device: str) -> Counter:
    """The counter of a device that nothing was ever refused of."""
    return {"_id": counter_id(device), "type": "quota", "v": 1, "used": {}}


def usage(counter: Counter, allowance: str) -> Usage:
    """What a counter says is used of one of `ALLOWANCES`."""
    used = counter.get("used")
    return Usage(*used.get(allowance, (0, 0))) if isinstance(used, dict) else Usage(int(used or 0), 0)


def with_usage(counter: Counter, allowance: str, used: Usage, now: datetime) -> Counter:
    """The counter after that."""
    before = counter.get("used")
    return counter | {"used": (before if isinstance(before, dict) else {}) | {allowance: list(used)}, "at": times.to_text(now)}


def is_at_rest(counter: Counter, now: datetime) -> bool:
    """True when whatever was counted is written by now, or never will be."""
    return "at" not in counter or now - times.from_text(counter["at"]) >= REST
