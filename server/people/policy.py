"""The gateway's policy: tokens to holders, documents through the domain's admission rules, refused ones into quarantine.

No rule of its own: who may open what is `reach.py`, what may be stored is `server/domain/admission.py`.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from server import quarantine
from server.domain import admission, times
from server.domain.batches import read_sound
from server.domain.errors import NotSignedIn
from server.erasure.watching import Erased
from server.people import devices, reach
from server.people.known import Known
from sync import databases
from sync.couch import Couch
from sync.databases import DatabaseName
from sync.errors import StorageFull, StoreError
from sync.gateway import Holder, NotAdmitted, Rejected, Rejection, Rights, Unavailable, Whole

# What a new quarter or month opens is open this much early: a holder is remembered for a minute, and another server process,
# whose clock may be ahead, may have announced it already. Refusing then would put good records into quarantine.
AHEAD = timedelta(minutes=5)
ERASED = "erased_id"
NO_RIGHTS = Rights(pull=False, push=False)
# These the phone mends by itself and pushes again: nothing for a clerk to look at.
MENDED_BY_PHONE = frozenset({"stamp_ahead"})


class DevicePolicy:
    """Implements `sync.gateway.Policy`. One per server process, for all that asks by token."""

    def __init__(self, couch: Couch, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._couch = couch
        self._now = now
        self._known = Known(couch, self._find)
        self.erased = Erased(couch)

    async def identify(self, token: str) -> Holder:
        """Who holds this token and what they may open. Raises NotAdmitted and Unavailable."""
        try:
            if self.erased.is_stale():
                await asyncio.to_thread(self.erased.look)
            return await self._known.holder(token)
        except StoreError as error:
            raise Unavailable from error

    def peek(self, token: str) -> Holder | None:
        """Whom this token was last seen to belong to, without asking. For counting, never for admitting."""
        return self._known.peek(token)

    def forget(self, token: str) -> None:
        """Ask the store about this token the next time."""
        self._known.forget(token)

    def answers_each(self, database: str) -> bool:
        """True for a database that phones push to at all: a push there without the right is refused document by document."""
        return reach.is_pushed_to(databases.parse(database))

    def read_whole(self, holder: Holder, database: str, body: bytes) -> Whole | None:
        """A batch that is sound as a whole, read and checked in one step; None says nothing."""
        name = databases.parse(database)
        if name is None or name.grid not in holder.person["grids"] or not holder.databases.get(database, NO_RIGHTS).push:
            return None
        found = read_sound(body, admission.Target(name.kind, name.grid), holder.person)
        if found is None or (self.erased.has_any() and any(map(self.erased.has, found.ids()))):
            return None
        return Whole(found.text, found.names)

    def check_all(self, holder: Holder, database: str, docs: Sequence[Any], sizes_bytes: Sequence[int]) -> list[Rejection | None]:
        """For each document None when it may be stored, else why not (DESIGN §6.3)."""
        name = databases.parse(database)
        rights = holder.databases.get(database, NO_RIGHTS)
        # Before anything else: whatever is wrong with it besides, it must be kept nowhere.
        erased = self.erased.covered(docs)
        return [
            Rejection(ERASED) if place in erased else self._check(holder, rights, name, doc, size_bytes)
            for place, (doc, size_bytes) in enumerate(zip(docs, sizes_bytes, strict=True))
        ]

    def _check(self, holder: Holder, rights: Rights, name: DatabaseName | None, doc: Any, size_bytes: int) -> Rejection | None:
        if name is None:
            return Rejection("not_grid_holder")
        target = admission.Target(name.kind, name.grid)
        refusal = admission.check(doc, size_bytes, target, holder.person) or admission.check_stamps(doc, self._now())
        if refusal is not None:
            return Rejection(refusal.reason, refusal.fields, keep=refusal.reason not in MENDED_BY_PHONE)
        if not rights.push:
            return Rejection(_why_closed(holder, name))
        # What was read is logged apart from any grid's records, but of which grid it was is not for a phone to make up.
        grid = name.grid or (doc["grid"] if name.kind == "log" else None)
        if grid is None or grid in holder.person["grids"]:
            return None
        reason = _why_not_then(holder.person, grid, doc, self._now())
        return Rejection(reason) if reason else None

    async def quarantine(self, holder: Holder, database: str, rejected: Sequence[Rejected]) -> list[bool]:
        """Keep refused documents. Raises Unavailable when the store cannot."""
        refused = [quarantine.Refused(one.doc, one.text, one.rejection.reason, one.rejection.fields) for one in rejected]
        self.erased.add([one.doc for one in rejected if one.rejection.reason == ERASED])
        try:
            return await asyncio.to_thread(quarantine.keep_all, self._couch, database, holder.device, holder.user, refused)
        except StorageFull as error:
            raise Unavailable("storage_full") from error
        except StoreError as error:
            raise Unavailable from error

    def _find(self, token: str) -> Holder:
        try:
            found = devices.find(self._couch, token, self._now())
        except NotSignedIn as error:
            raise NotAdmitted(error.code) from None
        now = self._now()
        opened = [
            *devices.opened_by(found.person, now + AHEAD, found.device),
            *devices.opened_by(found.person, now, found.device),
        ]
        rights = {one.name: Rights(one.pull, one.push) for one in opened}
        return Holder(found.device_id, found.person["name"], rights, found.person | {"enrolled_at": found.device["created_at"]})


def _why_closed(holder: Holder, name: DatabaseName) -> str:
    """Why a database this person could push to by role is closed to them: not their grid, or a quarter long past."""
    is_own = name.grid in holder.person["grids"] and name.quarter is not None
    return "archived_database" if is_own else "not_grid_holder"


def _why_not_then(person: dict[str, Any], grid: str, doc: dict[str, Any], now: datetime) -> str | None:
    """Whether a record of a grid that the author no longer holds was made while they did; None when it was.

    Here alone the phone's clock decides, so it must be one that can: measured against ours, and the time it gives not before this
    phone was enrolled nor after now. A phone that claims a past it cannot have gets `clock_wrong`, and its record to a clerk.
    Whoever holds the grid today is never asked for the time: a phone a day wrong works on.
    """
    if not any(period["grid"] == grid for period in person.get("grid_periods", ())):
        return "not_grid_holder"
    if admission.is_clock_wrong(doc, times.from_text(person["enrolled_at"]), now):
        return "clock_wrong"
    captured_at = times.corrected(doc["captured_at"], doc["clock_offset_ms"])
    return None if reach.has_held(person, grid, captured_at) else "not_grid_holder"
