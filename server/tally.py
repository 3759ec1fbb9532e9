"""Counting what somebody may do so many times in so long: in the broker, so that all server processes share the count, and in
this process's memory while the broker is away. What is counted, and how much of it is allowed, the caller says.
"""

import logging
import math
import time
from collections.abc import Callable

import limits
import redis
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter

from server.domain.errors import TooMany

BROKER_TIMEOUT_S = 1.0
log = logging.getLogger(__name__)


class Tally:
    """Counts by limit and name. The broker's count is used while it answers; the memory's is the fallback."""

    def __init__(self, shared: Storage | None) -> None:
        self._shared = FixedWindowRateLimiter(shared) if shared else None
        self._own = FixedWindowRateLimiter(MemoryStorage())

    def hit(self, limit: limits.RateLimitItem, *whose: str) -> None:
        """Count one. Raises TooMany(retry_after_s) when none is left."""
        self._with_fallback(lambda limiter: _hit(limiter, limit, *whose))

    def check(self, limit: limits.RateLimitItem, *whose: str) -> None:
        """Raises TooMany(retry_after_s) when none is left, and counts nothing."""
        self._with_fallback(lambda limiter: _check(limiter, limit, *whose))

    def note(self, limit: limits.RateLimitItem, *whose: str) -> None:
        """Count one and raise nothing."""
        self._with_fallback(lambda limiter: limiter.hit(limit, *whose))

    def forget(self, limit: limits.RateLimitItem, *whose: str) -> None:
        """Begin again with nothing counted."""
        self._with_fallback(lambda limiter: limiter.clear(limit, *whose))

    def _with_fallback(self, act: Callable[[FixedWindowRateLimiter], object]) -> None:
        if self._shared is not None:
            try:
                act(self._shared)
            except StorageError:
                log.warning("the broker does not count; counting in memory")
            else:
                return
        act(self._own)


def create_storage(broker_url: str, prefix: str) -> Storage | None:
    """Where counts are shared; None without a broker."""
    if not broker_url:
        return None
    # The library's own client would retry for seconds while the broker is away, and people would wait.
    quick = {"socket_timeout": BROKER_TIMEOUT_S, "socket_connect_timeout": BROKER_TIMEOUT_S, "retry": None}
    pool = redis.ConnectionPool.from_url(broker_url, **quick)
    return RedisStorage(broker_url, connection_pool=pool, key_prefix=prefix, wrap_exceptions=True)


def _hit(limiter: FixedWindowRateLimiter, limit: limits.RateLimitItem, *whose: str) -> None:
    if not limiter.hit(limit, *whose):
        raise _too_many(limiter, limit, *whose)


def _check(limiter: FixedWindowRateLimiter, limit: limits.RateLimitItem, *whose: str) -> None:
    if not limiter.test(limit, *whose):
        raise _too_many(limiter, limit, *whose)


def _too_many(limiter: FixedWindowRateLimiter, limit: limits.RateLimitItem, *whose: str) -> TooMany:
    reset_at_s = limiter.get_window_stats(limit, *whose).reset_time
    return TooMany(retry_after_s=max(1, math.ceil(reset_at_s - time.time())))
