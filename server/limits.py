"""How much one phone and one person may ask in a minute, in requests and in bytes each way, counted across server processes.

Phones share addresses, so nothing here is counted by address. The count that all processes share is in the broker; a process
adds to it once a second and learns what the others added, so that a request costs two look-ups in memory and no question to
anybody. While the broker is away each process counts for itself: nobody is stopped for that, and everybody stays bounded.
Signing in has limits of its own (`people/sign_in.py`).
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

WINDOW_S = 60
FLUSH_S = 1.0
BROKER_TIMEOUT_S = 0.8
KEY = "xunge:asked:"
MIB = 1 << 20


class Allowance(NamedTuple):
    """What is allowed in a minute."""

    requests: int
    received_bytes: int
    sent_bytes: int


# A morning's thirty records, a first load of ten thousand documents and a hundred photos at once are far below these: they stop
# a phone gone mad or a stolen token, not work.
PER_DEVICE = Allowance(requests=3_000, received_bytes=600 * MIB, sent_bytes=1_200 * MIB)
PER_USER = Allowance(*(2 * most for most in PER_DEVICE))
AT_ONCE_PER_DEVICE = 60
RETRY_AT_ONCE_S = 2


class Used:
    """One name's use of this minute: `own` here since the last flush, `room` what was left for all processes by then."""

    __slots__ = ("most", "own", "room")

    def __init__(self, most: Allowance) -> None:
        self.most = most
        self.own = [0, 0, 0]
        self.room = list(most)

    def is_over(self) -> bool:
        """True when any of the three is used up."""
        (requests, received, sent), (requests_left, received_left, sent_left) = self.own, self.room
        return requests >= requests_left or received >= received_left or sent >= sent_left


class Share:
    """A device's use and its person's (`name`) in this minute, found by one look-up; `open` requests are the device's."""

    __slots__ = ("device", "name", "open", "user")

    def __init__(self, name: str, device: Used, user: Used) -> None:
        self.name, self.device, self.user, self.open = name, device, user, 0


class Meter:
    """The counts of one process. `run()` shares them while the process serves; `now_s` is time since 1970."""

    def __init__(
        self,
        broker_url: str,
        per_device: Allowance = PER_DEVICE,
        per_user: Allowance = PER_USER,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._per_device, self._per_user = per_device, per_user
        self._now_s = now_s
        self._window, self._ends_s = 0, 0.0
        self._used: dict[str, Used] = {}
        self._shares: dict[str, Share] = {}
        self._broker: redis.Redis | None = None
        if broker_url:
            quick = {"socket_timeout": BROKER_TIMEOUT_S, "socket_connect_timeout": BROKER_TIMEOUT_S}
            self._broker = redis.Redis.from_url(broker_url, retry=Retry(NoBackoff(), 0), **quick)
        self._was_down = False

    def enter(self, device: str, user: str) -> int | None:
        """Count a request that begins: None, or after how many seconds to come again. `leave` it when it was let in."""
        share = self._share(device, user)
        if share.open >= AT_ONCE_PER_DEVICE:
            return RETRY_AT_ONCE_S
        if share.device.is_over() or share.user.is_over():
            return max(1, math.ceil(self._ends_s - self._now_s()))
        share.device.own[0] += 1
        share.user.own[0] += 1
        share.open += 1
        return None

    def leave(self, device: str, user: str, received_bytes: int, sent_bytes: int) -> None:
        """The request is over; what it took each way."""
        share = self._share(device, user)
        share.open -= 1
        for own in (share.device.own, share.user.own):
            own[1] += received_bytes
            own[2] += sent_bytes

    async def run(self) -> None:
        """Shares the counts every second until cancelled."""
        while True:
            await asyncio.sleep(FLUSH_S)
            await self.flush()

    async def flush(self) -> None:
        """Add what was counted here to the broker's counts, and learn what they are."""
        window = self._window
        given = {name: tuple(used.own) for name, used in self._used.items() if any(used.own)}
        if self._broker is None or not given:
            return
        totals = await asyncio.to_thread(self._add, self._broker, window, given)
        if totals is None or window != self._window:
            return
        for (name, amounts), told in zip(given.items(), totals, strict=True):
            used = self._used[name]
            used.room = [most - count for most, count in zip(used.most, told, strict=True)]
            used.own = [own - amount for own, amount in zip(used.own, amounts, strict=True)]

    def close(self) -> None:
        """Let go of the broker."""
        if self._broker is not None:
            self._broker.close()

    def _add(self, broker: redis.Redis, window: int, given: dict[str, tuple[int, ...]]) -> list[list[int]] | None:
        try:
            with broker.pipeline(transaction=False) as pipe:
                for name, amounts in given.items():
                    key = f"{KEY}{window}:{name}"
                    for field, amount in enumerate(amounts):
                        pipe.hincrby(key, str(field), amount)
                    pipe.expire(key, 2 * WINDOW_S)
                answers: Iterable[int] = pipe.execute()
        except (redis.RedisError, OSError):
            if not self._was_down:
                log.warning("the broker does not count requests; each process counts its own")
            self._was_down = True
            return None
        self._was_down = False
        counts = list(answers)
        return [counts[place : place + 3] for place in range(0, len(counts), 4)]

    def _share(self, device: str, user: str) -> Share:
        now_s = self._now_s()
        if now_s >= self._ends_s:
            self._begin_window(now_s)
        share = self._shares.get(device)
        if share is None:
            share = self._shares[device] = Share(user, *self._uses(device, user))
        return share

    def _uses(self, device: str, user: str) -> tuple[Used, Used]:
        own = self._used.setdefault(f"d:{device}", Used(self._per_device))
        return own, self._used.setdefault(f"u:{user}", Used(self._per_user))

    def _begin_window(self, now_s: float) -> None:
        """A new minute: everybody has used nothing; what is open stays open."""
        self._window = int(now_s // WINDOW_S)
        self._ends_s = (self._window + 1) * WINDOW_S
        self._used = {}
        opened = {device: share for device, share in self._shares.items() if share.open}
        for device, share in opened.items():
            share.device, share.user = self._uses(device, share.name)
        self._shares = opened
