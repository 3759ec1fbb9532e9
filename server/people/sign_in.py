"""Signing in with a name and a password, and how often one may try.

Five tries per name and fifty failures per address in fifteen minutes (`server/tally.py` counts). An unknown
name and a wrong password cost the same and say the same.
"""

import limits
from limits.storage import Storage

from server.domain.errors import Missing, NotSignedIn
from server.domain.permissions import Person
from server.people import accounts, passwords
from server.tally import Tally, create_storage
from sync.couch import Couch
from sync.errors import Conflict

BY_NAME = limits.parse("5/15 minutes")
BY_ADDRESS = limits.parse("50/15 minutes")
NAME_LENGTH = 64


class SignInLimits:
    """Counts tries."""

    def __init__(self, shared: Storage | None) -> None:
        self._tally = Tally(shared)

    def enter(self, name: str, address: str) -> None:
        """Count a try. Raises TooMany(retry_after_s) when this name or this address has none left."""
        self._tally.check(BY_ADDRESS, "address", address)
        self._tally.hit(BY_NAME, "name", name)

    def note_failure(self, address: str) -> None:
        """Count a failed try against the address; many phones may share one, so what succeeds does not count."""
        self._tally.note(BY_ADDRESS, "address", address)

    def forget(self, name: str) -> None:
        """Give a name its tries back after it signed in."""
        self._tally.forget(BY_NAME, "name", name)


def create_limits(broker_url: str) -> SignInLimits:
    """The limits of one process, shared through the broker when there is one."""
    return SignInLimits(create_storage(broker_url, "xunge:tries"))


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
