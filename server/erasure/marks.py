"""Marks: what is left of an erased id. A keyed hash, so that nobody without the key can try ids, and no id is kept.

The key is drawn from `XUNGE_SECRET`, as the key that phones seal to is (`server/sealing.py`): with another secret no mark is
known any more. It is set once for a process, where its settings are read.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = "mark:"
_KEY: list[bytes] = []


class NoKey(RuntimeError):
    """Marks are asked for in a process that has not said which secret they are made with."""


def use(secret: str) -> None:
    """Make marks with the key of this secret from now on, in this process."""
    _KEY[:] = [HKDF(hashes.SHA256(), 32, None, b"xunge erasure marks").derive(secret.encode())]


def key_id() -> str:
    """Tells one secret's marks from another's."""
    return mark_of("")[:16]


def mark_of(name: str) -> str:
    """The mark of an id or a value, 32 hexadecimal digits. Raises NoKey."""
    if not _KEY:
        raise NoKey
    return hmac.digest(_KEY[0], name.encode(errors="surrogatepass"), hashlib.sha256).hex()[:32]


class Marks:
    """Marks that are known, in memory; `erasures` says of some by which erasure."""

    def __init__(self, known: Iterable[str] = (), erasures: Mapping[str, str] | None = None) -> None:
        self.known = set(known)
        self.erasures = dict(erasures or {})

    def has(self, name: str) -> bool:
        """True when this id or value was erased."""
        return bool(self.known) and mark_of(name) in self.known

    def of(self, name: str) -> str:
        """The mark of an id or value."""
        return mark_of(name)

    def add(self, names: Iterable[str]) -> None:
        """These were erased, too."""
        self.known.update(map(mark_of, names))
