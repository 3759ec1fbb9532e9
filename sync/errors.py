"""What can go wrong between us and the store, by what a caller can do about it.

No HTTP responses here: the server maps these to pages and problems, the worker retries what is transient.
"""

# Said by what stands before a store, or by a store with too much to do; never about what was asked.
BUSY = frozenset({408, 425, 429})


def is_transient(status: int) -> bool:
    """True for an HTTP status that says nothing about what was asked: the same may be answered later. 501 will not be."""
    return status in BUSY or (status >= 500 and status != 501)


class StoreError(Exception):
    """Base of all. The text is for logs, never for users."""


class NotFound(StoreError):
    """The database or document is not there (or is deleted)."""


class Conflict(StoreError):
    """Somebody else wrote first: read again, decide again."""


class Unreachable(StoreError):
    """Transient: no connection, a timeout, a 5xx, or a write that missed its quorum (CouchDB's 202). Try again later."""


class StorageFull(StoreError):
    """The store's disk is full. Nothing of the request was kept."""


class Refused(StoreError):
    """The store understood and will not do it: a fault of ours. `status` is its answer."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        super().__init__(f"{status} {text}")
