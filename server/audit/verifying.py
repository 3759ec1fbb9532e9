"""Verification of the access log: every seal and every entry is what it was when it was sealed, and none is missing or put in.

Nothing is written. What cannot be seen: an entry that was added, or changed consistently, between two seals (a minute apart), and
a chain made anew as a whole by somebody who also changed the noted head; compare with a head kept elsewhere for that.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from server.audit import sealing
from server.audit.entries import digest
from server.domain import times
from sync import designs
from sync.couch import Couch
from sync.database import Database
from sync.databases import audit_db
from sync.errors import NotFound

PAGE = 500
# An entry this much older than the seal that covers it came late: after a crash, or put in by somebody.
LATE = timedelta(hours=1)
LISTED_MOST = 200

Document = dict[str, Any]


class Finding(NamedTuple):
    """Something that is not as it must be: `code` says what, `id` names the entry or seal."""

    code: str
    id: str


class Report(NamedTuple):
    """One month. `late` entries are covered but came long after they say; `unsealed` ones wait for the next seal."""

    month: str
    seals: int
    entries: int
    unsealed: int
    late: list[str]
    findings: list[Finding]
    head: str


def verify(couch: Couch, month: str, expected_head: str | None = None) -> Report:
    """Look at a whole month. `expected_head` is a hash kept elsewhere that must be one of its seals."""
    database = couch.database(audit_db(month))
    late: list[str] = []
    findings: list[Finding] = []
    hashes: dict[str, int] = {}
    entries = 0
    try:
        designs.install(database, sealing.DESIGN)
        for seal in _documents(database, "seal:"):
            findings += _wrong_with(couch, month, seal, hashes)
            hashes[str(seal.get("sha256"))] = len(hashes) + 1
            entries += len(seal.get("entries", ()))
            for found in _entries_of(database, seal):
                (findings if isinstance(found, Finding) else late).append(found)  # type: ignore[arg-type]
        unsealed = _unsealed(database, findings)
    except NotFound:
        unsealed = 0
    findings += _cut_off(couch, month, hashes, expected_head)
    head = next(reversed(hashes), "")
    return Report(month, len(hashes), entries, unsealed, late[:LISTED_MOST], findings[:LISTED_MOST], head)


def _wrong_with(couch: Couch, month: str, seal: Document, before: dict[str, int]) -> Iterator[Finding]:
    """A seal by itself, and how it hangs on the one before it."""
    id, n = seal["_id"], len(before) + 1
    if seal.get("n") != n or id != f"seal:{n:08d}":
        yield Finding("seal_missing", f"seal:{n:08d}")
    if digest(seal) != seal.get("sha256") or _is_rewritten(seal):
        yield Finding("seal_changed", id)
    prev = str(seal.get("prev"))
    if not (prev == next(reversed(before)) if before else _is_anchored(couch, month, prev)):
        yield Finding("chain_broken", id)


def _is_anchored(couch: Couch, month: str, prev: str) -> bool:
    """True when the first seal's link is a seal of the newest month before that has any (which may have got more since)."""
    for earlier in reversed([one for one in sealing.months_of(couch) if one < month]):
        hashes = {seal.get("sha256") for seal in _documents(couch.database(audit_db(earlier)), "seal:")}
        if hashes:
            return prev in hashes
    return prev == ""


def _entries_of(database: Database, seal: Document) -> Iterator[Finding | str]:
    """Findings about the entries a seal covers, and the ids of those that came late."""
    covered = [one for one in seal.get("entries", []) if isinstance(one, list) and len(one) == 2]
    limit = _late_before(seal)
    for start in range(0, len(covered), PAGE):
        part = covered[start : start + PAGE]
        present = database.many([id for id, _ in part])
        numbers = sealing.sealed_in(database, [id for id, _ in part])
        for id, sha256 in part:
            entry = present.get(id)
            if entry is None:
                yield Finding("entry_removed", id)
            elif digest(entry) != sha256 or entry.get("sha256") != sha256 or _is_rewritten(entry):
                yield Finding("entry_changed", id)
            elif str(entry.get("at")) < limit:
                yield id
            if len(numbers.get(id, ())) > 1:
                yield Finding("sealed_twice", id)


def _unsealed(database: Database, findings: list[Finding]) -> int:
    """How many entries no seal covers yet; one that is older than the newest seal by much was put in."""
    last, count = sealing.last_seal(database), 0
    limit = _late_before(last) if last else ""
    page: list[Document] = []
    for entry in _documents(database, "entry:"):
        page.append(entry)
        if len(page) == PAGE:
            count += _count_unsealed(database, page, limit, findings)
            page = []
    return count + _count_unsealed(database, page, limit, findings)


def _count_unsealed(database: Database, page: list[Document], limit: str, findings: list[Finding]) -> int:
    known = sealing.sealed_in(database, [entry["_id"] for entry in page])
    fresh = [entry for entry in page if entry["_id"] not in known]
    for entry in fresh:
        if entry.get("sha256") != digest(entry) or _is_rewritten(entry):
            findings.append(Finding("entry_changed", entry["_id"]))
        elif str(entry.get("at", "")) < limit:
            findings.append(Finding("entry_put_in", entry["_id"]))
    return len(fresh)


def _late_before(seal: Document) -> str:
    """Entries that say they are older than this came late to a seal; nothing does to one whose time somebody spoilt."""
    try:
        return times.to_text(times.from_text(str(seal.get("at"))) - LATE)
    except ValueError:
        return ""


def _cut_off(couch: Couch, month: str, hashes: dict[str, int], expected: str | None) -> Iterator[Finding]:
    """The end of the chain: the head that was noted when it was made, and one kept elsewhere, must be in it."""
    noted = sealing.heads(couch).get(month)
    if noted and hashes.get(noted[1]) != noted[0]:
        yield Finding("cut_off", f"seal:{noted[0]:08d}")
    if expected and expected not in hashes:
        yield Finding("head_missing", expected)


def _is_rewritten(doc: Document) -> bool:
    """True for a second revision: what is only added has one."""
    return not str(doc.get("_rev", "1-")).startswith("1-")


def _documents(database: Database, prefix: str) -> Iterator[Document]:
    """All documents of a prefix in order, page by page."""
    start = prefix
    while True:
        page = database.range(start, f"{prefix}\ufff0", PAGE)
        yield from page
        if len(page) < PAGE:
            return
        start = page[-1]["_id"] + "\x00"
