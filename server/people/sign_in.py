"""Signing in with a name and a password, and how often one may try.

Five tries per name and fifty failures per address in fifteen minutes, counted in the broker so that all server processes share
them, and in this process's memory while the broker is away. An unknown name and a wrong password cost the same and say the same.
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

from server.domain.errors import Missing, NotSignedIn, TooMany
from server.domain.permissions import Person
from server.people import accounts, passwords
from sync.couch import Couch
from sync.errors import Conflict

log = logging.getLogger(__name__)

BY_NAME = limits.parse("5/15 minutes")
BY_ADDRESS = limits.parse("50/15 minutes")
BROKER_TIMEOUT_S = 1.0
NAME_LENGTH = 64


class SignInLimits:
    """Counts tries. The broker's count is used while it answers; the memory's is the fallback."""

    def __init__(self, shared: Storage | None) -> None:
        self._shared = FixedWindowRateLimiter(shared) if shared else None
        self._own = FixedWindowRateLimiter(MemoryStorage())

    def enter(self, name: str, address: str) -> None:
        """Count a try. Raises TooMany(retry_after_s) when this name or this address has none left."""
        self._with_fallback(lambda limiter: _enter(limiter, name, address))

    def note_failure(self, address: str) -> None:
        """Count a failed try against the address; many phones may share one, so what succeeds does not count."""
        self._with_fallback(lambda limiter: limiter.hit(BY_ADDRESS, "address", address))

    def forget(self, name: str) -> None:
        """Give a name its tries back after it signed in."""
        self._with_fallback(lambda limiter: limiter.clear(BY_NAME, "name", name))

    def _with_fallback(self, act: Callable[[FixedWindowRateLimiter], object]) -> None:
        if self._shared is not None:
            try:
                act(self._shared)
            except StorageError:
                log.warning("the broker does not count sign-ins; counting in memory")
            else:
                return
        act(self._own)


def create_limits(broker_url: str) -> SignInLimits:
    """The limits of one process, shared through the broker when there is one."""
    if not broker_url:
        return SignInLimits(None)
    # The library's own client would retry for seconds while the broker is away, and people would wait.
    quick = {"socket_timeout": BROKER_TIMEOUT_S, "socket_connect_timeout": BROKER_TIMEOUT_S, "retry": None}
    pool = redis.ConnectionPool.from_url(broker_url, **quick)
    return SignInLimits(RedisStorage(broker_url, connection_pool=pool, key_prefix="xunge:tries", wrap_exceptions=True))


def sign_in(couch: Couch, counted: SignInLimits, name: str, password: str, address: str) -> Person:
    """The person with this name and password.

    Raises NotSignedIn("wrong_credentials") and TooMany; a disabled account is like an unknown one.
    """
    who = name.lower()[:NAME_LENGTH]
    counted.enter(who, address)
    try:
        person: Person | None = accounts.find(couch, name)
    except Missing:
        person = None
    kept = person["password_hash"] if person else None
    if not passwords.is_right(kept, password) or person is None:
        counted.note_failure(address)
        raise NotSignedIn("wrong_credentials")
    counted.forget(who)
    if passwords.is_outdated(person["password_hash"]):
        return _rehash(couch, person, password)
    return person


def _rehash(couch: Couch, person: Person, password: str) -> Person:
    try:
        return accounts.change(couch, person["name"], {"password_hash": passwords.make_hash(password)})
    except Conflict:
        return person


def _enter(limiter: FixedWindowRateLimiter, name: str, address: str) -> None:
    if not limiter.test(BY_ADDRESS, "address", address):
        raise _too_many(limiter, BY_ADDRESS, "address", address)
    if not limiter.hit(BY_NAME, "name", name):
        raise _too_many(limiter, BY_NAME, "name", name)


def _too_many(limiter: FixedWindowRateLimiter, limit: limits.RateLimitItem, kind: str, whose: str) -> TooMany:
    reset_at_s = limiter.get_window_stats(limit, kind, whose).reset_time
    return TooMany(retry_after_s=max(1, math.ceil(reset_at_s - time.time())))
