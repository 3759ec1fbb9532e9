"""Password hashes: Argon2id, with the memory and time that OWASP's password storage guide recommends for a shared server.

The number of hashes under way at once is bounded, so that a burst of sign-ins cannot use up the machine's memory.
"""

import secrets
import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

AT_ONCE = 4
LENGTH = 1024
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_turns = threading.BoundedSemaphore(AT_ONCE)


def make_hash(password: str) -> str:
    """The hash to keep for a password."""
    with _turns:
        return _hasher.hash(password)


def is_right(kept: str | None, password: str) -> bool:
    """True when the password fits the hash. Without a hash (an unknown account) it takes the same time and is False."""
    if len(password) > LENGTH:
        return False
    with _turns:
        try:
            return _hasher.verify(kept or _nobodys_hash(), password) and kept is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """True when a hash was made with other parameters than today's and should be made anew at this sign-in."""
    return _hasher.check_needs_rehash(kept)


@cache
def _nobodys_hash() -> str:
    return _hasher.hash(secrets.token_urlsafe(24))
