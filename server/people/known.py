"""Whom this process knows by their token, so that a request costs no question to the store; and what has changed since.

What is remembered counts only while it is confirmed: every `SURE_S` at most, one look at the changes of `devices` and `people`
drops whoever changed. So a revoked phone or a moved worker is known as such within seconds, however many phones have a stream
open, and while the store is away nobody is known. What a token opens is `policy.py`.
"""

import asyncio
import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from sync import databases
from sync.couch import Couch
from sync.errors import NotFound
from sync.gateway import Holder, NotAdmitted

SURE_S = 2.0
# Time itself changes what a token is worth (it expires, a quarter begins), and no change of a document says so.
FOUND_AGAIN_S = 60.0
KEPT = 10_000
# Apart from the holders, so that no number of made-up tokens makes a process forget a good one.
REFUSED_KEPT = 1_000
CHANGES = 1_000


class Kept(NamedTuple):
    """A holder, or why there is none, and when it was asked (monotonic)."""

    found: Holder | NotAdmitted
    asked_at_s: float


class Known:
    """Holders by token. `find(token)` asks the store: it blocks, and raises NotAdmitted and the store's errors."""

    def __init__(self, couch: Couch, find: Callable[[str], Holder]) -> None:
        self._couch = couch
        self._find = find
        self._kept: OrderedDict[bytes, Kept] = OrderedDict()
        self._refused: OrderedDict[bytes, Kept] = OrderedDict()
        self._seqs: dict[str, str | int | None] = {}
        self._confirmed_at_s = 0.0
        self._looks = 0
        self._looking: asyncio.Task[None] | None = None

    def peek(self, token: str) -> Holder | None:
        """Whom this token was last seen to belong to; no question is asked. For counting, never for admitting."""
        kept = self._kept.get(_key(token))
        return kept.found if kept is not None and isinstance(kept.found, Holder) else None

    def forget(self, token: str) -> None:
        """Ask the store about this token the next time: what its phone is told must be what its next request may do."""
        self._looks += 1  # an answer on its way was read before
        self._kept.pop(_key(token), None)

    async def holder(self, token: str) -> Holder:
        """Who holds this token. Raises NotAdmitted and the store's errors."""
        key = _key(token)
        kept = self._kept.get(key) or self._refused.get(key)
        if kept is not None and not self._is_sure(kept):
            if isinstance(kept.found, Holder) and time.monotonic() - kept.asked_at_s < FOUND_AGAIN_S:
                await self._look()
            kept = self._kept.get(key)
        if kept is None or not self._is_sure(kept):
            kept = await self._ask(key, token)
        if isinstance(kept.found, NotAdmitted):
            raise NotAdmitted(kept.found.reason)
        return kept.found

    def _is_sure(self, kept: Kept) -> bool:
        now_s = time.monotonic()
        # A refusal rests on documents that may not even be there, so no look at changes confirms it.
        confirmed_at_s = self._confirmed_at_s if isinstance(kept.found, Holder) else 0.0
        return now_s - max(kept.asked_at_s, confirmed_at_s) < SURE_S and now_s - kept.asked_at_s < FOUND_AGAIN_S

    async def _ask(self, key: bytes, token: str) -> Kept:
        looks, asked_at_s = self._looks, time.monotonic()
        try:
            kept = Kept(await asyncio.to_thread(self._find, token), asked_at_s)
        except NotAdmitted as refusal:
            kept = Kept(refusal, asked_at_s)
        self._kept.pop(key, None)
        self._refused.pop(key, None)
        # A look that ended meanwhile may have passed over the very change that came after this answer was read.
        if looks == self._looks:
            shelf, most = (self._kept, KEPT) if isinstance(kept.found, Holder) else (self._refused, REFUSED_KEPT)
            shelf[key] = kept
            if len(shelf) > most:
                shelf.popitem(last=False)
        return kept

    async def _look(self) -> None:
        """Look at what changed, together with whoever else wants to know just now."""
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look_once())
        await asyncio.shield(self._looking)

    async def _look_once(self) -> None:
        begun_at_s = time.monotonic()
        changed = await asyncio.to_thread(self._changed)
        self._looks += 1
        if changed is None:
            self._kept.clear()
        elif changed:
            for key in [key for key, kept in self._kept.items() if not changed.isdisjoint(_names(kept.found))]:
                del self._kept[key]
        self._confirmed_at_s = begun_at_s

    def _changed(self) -> set[str] | None:
        """Ids of accounts and devices that changed since the last look; None: anything may have."""
        found: set[str] = set()
        is_whole = True
        for name in (databases.DEVICES, databases.PEOPLE):
            since = self._seqs.get(name)
            try:
                page = self._couch.database(name).changes(since or "now", CHANGES, include_docs=False)
                if page.pending:
                    page = self._couch.database(name).changes("now", 1, include_docs=False)
                    since = None
            except NotFound:
                self._seqs.pop(name, None)
                return None
            is_whole = is_whole and since is not None
            self._seqs[name] = page.last_seq
            found.update(row["id"] for row in page.results)
        return found if is_whole else None


def _key(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()


def _names(found: Holder | NotAdmitted) -> tuple[str, ...]:
    """The documents this rests on."""
    return (f"device:{found.device}", f"user:{found.user}") if isinstance(found, Holder) else ()
