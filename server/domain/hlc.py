"""Hybrid logical clock stamps: which of two edits of one field is the later one, on any node, by any clock (DESIGN §5). Pure.

A stamp is `<ms since 1970, 15 digits>-<counter, 4 hex>-<node>`; of sound stamps the later one is the greater text, everywhere.
The node is the device that made the edit, or `desk:<user>`. Phones make theirs by the same rules in `pwa/src/store/clock.js`.
What is done with stamps is `merge.py`; how far ahead one may be when it is pushed is `admission.py`.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

STAMP = re.compile(r"([0-9]{15})-([0-9a-f]{4})-([A-Za-z0-9_.:@-]{1,64})")
# How far ahead of the server a stamp may be, and how far ahead of its own clock a phone lets itself be pulled.
AHEAD_MOST = timedelta(minutes=10)
COUNTER_MOST = 0xFFFF
LAST_MS = 253_402_300_799_999
DESK = "desk:"


class Stamp(NamedTuple):
    """A sound stamp's parts."""

    ms: int
    counter: int
    node: str


def parse(text: object) -> Stamp | None:
    """The parts of a sound stamp, None for anything else."""
    found = STAMP.fullmatch(text) if isinstance(text, str) else None
    return Stamp(int(found[1]), int(found[2], 16), found[3]) if found else None


def rank(text: str) -> tuple[bool, str]:
    """What stamps are ordered by: no stamp, or one that is none, is before every sound one."""
    return parse(text) is not None, text


def tick(now: datetime, node: str, *seen: str) -> str:
    """A new stamp, later than every sound one of `seen`, also when this clock is behind."""
    now_ms = int(now.timestamp() * 1000)
    last = max((stamp[:2] for text in seen if (stamp := parse(text))), default=(0, 0))
    if now_ms > last[0]:
        ms, counter = now_ms, 0
    elif last[1] < COUNTER_MOST:
        ms, counter = last[0], last[1] + 1
    else:
        ms, counter = last[0] + 1, 0
    return f"{ms:015d}-{counter:04x}-{node}"


def is_ahead(text: str, now: datetime) -> bool:
    """True when a sound stamp is more than `AHEAD_MOST` ahead of this clock."""
    stamp = parse(text)
    return stamp is not None and stamp.ms > (now + AHEAD_MOST).timestamp() * 1000


def made_at(text: str) -> datetime | None:
    """When an edit was made by its stamp, as near as its phone knew; None for no sound stamp."""
    stamp = parse(text)
    return datetime.fromtimestamp(min(stamp.ms, LAST_MS) / 1000, UTC) if stamp else None
