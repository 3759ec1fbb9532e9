"""`_bulk_docs`: check every document, quarantine what is refused, store the rest with a receipt, answer for each.

The order matters: a refused document is kept in quarantine before the refusal is answered, and nothing is answered as held
before the store has said so. Any failure on the way is a 503 for the whole batch: the phone keeps it and pushes it again.
"""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from sync.gateway.answers import StoreDown
from sync.gateway.batch import DOCUMENTS, Batch, Name, read_batch, read_docs, write_batch
from sync.gateway.policy import Holder, Policy, Rejected, Rejection, Whole
from sync.gateway.receipts import make_receipt_now, withdraw
from sync.gateway.upstream import Upstream

log = logging.getLogger(__name__)

Entry = dict[str, Any]
UNSTORABLE = Rejection("schema", {"document": "not_storable"})
REFUSED_BY_STORE = Rejection("schema", {"document": "refused_by_store"})
QUOTA = "quota"
# The answers that are about the documents. No other one, whatever it is, may send what is sound to quarantine.
ABOUT_DOCUMENTS = frozenset({400, 413})


class Held(msgspec.Struct, gc=False):
    """The entry of a document that the store holds, for the common case."""

    id: str
    rev: str
    ok: bool = True


class Pushed(NamedTuple):
    """The answer to a batch: one entry per document, in order (DESIGN §6.3), as JSON; whether anything was stored."""

    text: bytes
    has_stored: bool


async def push_batch(upstream: Upstream, policy: Policy, holder: Holder, database: str, body: bytes) -> Pushed:
    """Store what may be stored, keep the rest in quarantine. Raises Stop when the batch as a whole is not taken."""
    whole = policy.read_whole(holder, database, body)
    if whole is not None and await _is_whole_held(upstream, holder, database, whole):
        return Pushed(msgspec.json.encode([Held(id, rev) for id, rev in whole.names]), True)
    entries = await _push_each(upstream, policy, holder, database, read_batch(read_docs(body)))
    return Pushed(orjson.dumps(entries), any("ok" in entry for entry in entries))


async def _is_whole_held(upstream: Upstream, holder: Holder, database: str, whole: Whole) -> bool:
    """Store the common case, all sound and all taken, with as little as that needs. False: nothing is known, look at each."""
    if not 0 < len(whole.names) <= DOCUMENTS or len(set(whole.names)) != len(whole.names):
        return False
    receipt = make_receipt_now(database, holder.device, [id for id, _ in whole.names])
    text = write_batch([whole.text, orjson.dumps(receipt)] if receipt else [whole.text])
    status, answer = await upstream.read("POST", [database, "_bulk_docs"], {}, text)
    return status in (200, 201) and not await _failures(upstream, database, receipt, answer)


async def _push_each(upstream: Upstream, policy: Policy, holder: Holder, database: str, batch: Batch) -> list[Entry]:
    names = batch.names()
    rejections = _check(policy, holder, database, batch)
    await _quarantine(policy, holder, database, batch, rejections)
    rows = zip(names, batch.texts, rejections, strict=True)
    accepted = {name: text for name, text, rejection in rows if rejection is None}
    failed = await _store(upstream, holder, database, accepted)
    if failed:
        pairs = zip(names, rejections, strict=True)
        late = [REFUSED_BY_STORE if rejection is None and name in failed else None for name, rejection in pairs]
        await _quarantine(policy, holder, database, batch, late)
        rejections = [first or second for first, second in zip(rejections, late, strict=True)]
    return [_entry(id, rev, rejection) for (id, rev), rejection in zip(names, rejections, strict=True)]


def _check(policy: Policy, holder: Holder, database: str, batch: Batch) -> list[Rejection | None]:
    sizes_bytes = [len(text) for text in batch.texts]
    rejections = list(policy.check_all(holder, database, batch.docs, sizes_bytes))
    for place in batch.unstorable:
        rejections[place] = UNSTORABLE
    return rejections


async def _quarantine(policy: Policy, holder: Holder, database: str, batch: Batch, rejections: list[Rejection | None]) -> None:
    """Keep the refused ones. One that the device's quota has no room for is marked so, and stays on the phone."""
    refused = [(place, rejection) for place, rejection in enumerate(rejections) if rejection is not None and rejection.keep]
    if not refused:
        return
    rejected = [Rejected(batch.docs[place], batch.texts[place], rejection) for place, rejection in refused]
    kept = await policy.quarantine(holder, database, rejected)
    for (place, _), is_kept in zip(refused, kept, strict=True):
        if not is_kept:
            rejections[place] = Rejection(QUOTA, keep=False)


def _entry(id: str | None, rev: str | None, rejection: Rejection | None) -> Entry:
    if rejection is None:
        return {"ok": True, "id": id, "rev": rev}
    entry: Entry = {"error": "forbidden", "id": id, "rev": rev, "reason": rejection.reason}
    if rejection.fields:
        entry["detail"] = {"fields": dict(rejection.fields)}
    return {**entry, "quarantined": rejection.keep}


async def _store(upstream: Upstream, holder: Holder, database: str, accepted: Mapping[Name, bytes]) -> set[Name]:
    """Store documents and their receipt; the names of those that the store itself would not take.

    The store refuses a batch whole (4xx) for one document it cannot stomach. Halving finds that one, and the rest goes in: no
    document may hold up those behind it.
    """
    if not accepted:
        return set()
    receipt = make_receipt_now(database, holder.device, [str(id) for id, _ in accepted])
    texts = [*accepted.values(), *([orjson.dumps(receipt)] if receipt else [])]
    status, answer = await upstream.read("POST", [database, "_bulk_docs"], {}, write_batch(texts))
    if status in (200, 201):
        return await _failures(upstream, database, receipt, answer)
    if status not in ABOUT_DOCUMENTS:
        log.error("the store answered %d to documents for %s", status, database)
        raise StoreDown
    log.warning("the store refused %d documents for %s with %d", len(accepted), database, status)
    if len(accepted) == 1:
        return set(accepted)
    rows = list(accepted.items())
    middle = len(rows) // 2
    first = await _store(upstream, holder, database, dict(rows[:middle]))
    return first | await _store(upstream, holder, database, dict(rows[middle:]))


async def _failures(upstream: Upstream, database: str, receipt: Entry | None, answer: bytes) -> set[Name]:
    """What the store listed as not taken. With `new_edits` false its answer holds only those, and normally none."""
    failed = {(row.get("id"), row.get("rev")) for row in orjson.loads(answer) if "error" in row} if answer != b"[]" else set()
    if failed and receipt:
        status, _ = await upstream.read("POST", [database, "_bulk_docs"], {}, write_batch([orjson.dumps(withdraw(receipt))]))
        log.error("the store took a batch for %s only in part; its receipt is withdrawn (%d)", database, status)
        raise StoreDown("stored_in_part")
    return failed
