"""`_bulk_docs`: check every document, quarantine what is refused, store the rest with a receipt, answer for each.

The order matters: a refused document is kept in quarantine before the refusal is answered, and nothing is answered as held
before the store has said so. Any failure on the way is a 503 for the whole batch: the phone keeps it and pushes it again.
"""

import logging
from collections.abc import Sequence
from typing import Any

import orjson

from sync.gateway.answers import StoreDown
from sync.gateway.batch import Pushed, read_batch, write_batch
from sync.gateway.policy import Holder, Policy, Rejected, Rejection
from sync.gateway.receipts import make_receipt_now, withdraw
from sync.gateway.upstream import Upstream

log = logging.getLogger(__name__)

Entry = dict[str, Any]
UNSTORABLE = Rejection("schema", {"document": "not_storable"})
REFUSED_BY_STORE = Rejection("schema", {"document": "refused_by_store"})
QUOTA = "quota"


async def push_batch(upstream: Upstream, policy: Policy, holder: Holder, database: str, body: bytes) -> list[Entry]:
    """One answer per pushed document, in order (DESIGN §6.3). Raises Stop when the batch as a whole is not taken."""
    batch = read_batch(body)
    rejections = _check(policy, holder, database, batch)
    await _quarantine(policy, holder, database, batch, rejections)
    accepted = [pushed for pushed, rejection in zip(batch, rejections, strict=True) if rejection is None]
    failed = await _store(upstream, holder, database, list({(pushed.id, pushed.rev): pushed for pushed in accepted}.values()))
    if failed:
        late: list[Rejection | None] = [
            REFUSED_BY_STORE if rejection is None and (pushed.id, pushed.rev) in failed else None
            for pushed, rejection in zip(batch, rejections, strict=True)
        ]
        await _quarantine(policy, holder, database, batch, late)
        rejections = [first or second for first, second in zip(rejections, late, strict=True)]
    return [_entry(pushed, rejection) for pushed, rejection in zip(batch, rejections, strict=True)]


def _check(policy: Policy, holder: Holder, database: str, batch: Sequence[Pushed]) -> list[Rejection | None]:
    storable = [pushed for pushed in batch if pushed.is_storable]
    docs, sizes_bytes = [pushed.doc for pushed in storable], [len(pushed.text) for pushed in storable]
    found = policy.check_all(holder, database, docs, sizes_bytes)
    if len(storable) == len(batch):
        return list(found)
    answers = iter(found)
    return [next(answers) if pushed.is_storable else UNSTORABLE for pushed in batch]


async def _quarantine(
    policy: Policy, holder: Holder, database: str, batch: Sequence[Pushed], rejections: list[Rejection | None]
) -> None:
    """Keep the refused ones. One that the device's quota has no room for is marked so, and stays on the phone."""
    places = [place for place, rejection in enumerate(rejections) if rejection is not None and rejection.keep]
    if not places:
        return
    rejected = [Rejected(batch[place].doc, batch[place].text, _present(rejections[place])) for place in places]
    for place, is_kept in zip(places, await policy.quarantine(holder, database, rejected), strict=True):
        if not is_kept:
            rejections[place] = Rejection(QUOTA, keep=False)


def _present(rejection: Rejection | None) -> Rejection:
    assert rejection is not None
    return rejection


def _entry(pushed: Pushed, rejection: Rejection | None) -> Entry:
    if rejection is None:
        return {"ok": True, "id": pushed.id, "rev": pushed.rev}
    entry: Entry = {"error": "forbidden", "id": pushed.id, "rev": pushed.rev, "reason": rejection.reason}
    if rejection.fields:
        entry["detail"] = {"fields": dict(rejection.fields)}
    return {**entry, "quarantined": rejection.keep}


async def _store(upstream: Upstream, holder: Holder, database: str, accepted: Sequence[Pushed]) -> set[tuple[Any, Any]]:
    """Store documents and their receipt; the (id, rev) of those that the store itself would not take.

    The store refuses a batch whole (4xx) for one document it cannot stomach. Halving finds that one, and the rest goes in: no
    document may hold up those behind it.
    """
    if not accepted:
        return set()
    receipt = make_receipt_now(database, holder.device, [str(pushed.id) for pushed in accepted])
    texts = [pushed.text for pushed in accepted] + ([orjson.dumps(receipt)] if receipt else [])
    status, answer = await upstream.read("POST", [database, "_bulk_docs"], {}, write_batch(texts))
    if status in (200, 201):
        return await _failures(upstream, database, receipt, answer)
    log.warning("the store refused %d documents for %s with %d", len(accepted), database, status)
    if len(accepted) == 1:
        return {(accepted[0].id, accepted[0].rev)}
    middle = len(accepted) // 2
    first = await _store(upstream, holder, database, accepted[:middle])
    return first | await _store(upstream, holder, database, accepted[middle:])


async def _failures(upstream: Upstream, database: str, receipt: Entry | None, answer: bytes) -> set[tuple[Any, Any]]:
    """What the store listed as not taken. With `new_edits` false its answer holds only those, and normally none."""
    failed = {(row.get("id"), row.get("rev")) for row in orjson.loads(answer) if "error" in row} if answer != b"[]" else set()
    if failed and receipt:
        status, _ = await upstream.read("POST", [database, "_bulk_docs"], {}, write_batch([orjson.dumps(withdraw(receipt))]))
        log.error("the store took a batch for %s only in part; its receipt is withdrawn (%d)", database, status)
        raise StoreDown("stored_in_part")
    return failed
