"""What the gateway must be told by whoever uses it. Shapes only, no rule lives here."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol


class Rights(NamedTuple):
    """What a device may do with one database."""

    pull: bool
    push: bool


class Holder(NamedTuple):
    """Who holds a token: device and user by name, and every database they may open. `person` is the policy's own business."""

    device: str
    user: str
    databases: Mapping[str, Rights]
    person: Any = None


class Rejection(NamedTuple):
    """Why a document is refused, as a code; `fields` says where. `keep` False: not quarantined, the phone mends and resends."""

    reason: str
    fields: Mapping[str, str] = MappingProxyType({})
    keep: bool = True


class Rejected(NamedTuple):
    """A refused document on its way to quarantine. `text` is it as JSON in pure ASCII, also when it cannot be stored as it is."""

    doc: Any
    text: bytes
    rejection: Rejection


class Whole(NamedTuple):
    """A batch that may be stored as it is: its documents written anew, as the inside of a JSON list; id and revision of each."""

    text: bytes
    names: Sequence[tuple[str, str]]


class NotAdmitted(Exception):
    """The token opens nothing; `reason` is a code (`token_unknown`, `token_expired`, `token_revoked`)."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Unavailable(Exception):
    """The policy cannot answer now: its store is away, or full. The request is answered 503 with `reason` and comes again."""

    def __init__(self, reason: str = "store_unreachable") -> None:
        self.reason = reason
        super().__init__(reason)


class Policy(Protocol):
    """The rules behind the gate."""

    async def identify(self, token: str) -> Holder:
        """Who holds this token. Asked at every request and every few seconds of an open stream.

        Raises NotAdmitted, and Unavailable when it cannot be known now.
        """

    def answers_each(self, database: str) -> bool:
        """True when a push into this database by somebody who may not is refused document by document, so that each is kept."""

    def read_whole(self, holder: Holder, database: str, body: bytes) -> Whole | None:
        """The documents of a pushed body when all of them may be stored, read and checked in one step; else None. No I/O.

        None says nothing: each document is then read and checked by itself. What is returned was written anew from what was
        checked; of the client's own bytes nothing is in it. It must be a body with `new_edits` false.
        """

    def check_all(
        self, holder: Holder, database: str, docs: Sequence[Any], sizes_bytes: Sequence[int]
    ) -> Sequence[Rejection | None]:
        """For each pushed document (any JSON value, and its size as JSON) None when it may be stored, else why not. No I/O."""

    async def quarantine(self, holder: Holder, database: str, rejected: Sequence[Rejected]) -> Sequence[bool]:
        """Keep refused documents durably: for each True, or False when the device's quota is used up.

        Raises Unavailable when they cannot be kept now; the whole batch is then answered 503.
        """


Stored = Callable[[str], Awaitable[None]]
