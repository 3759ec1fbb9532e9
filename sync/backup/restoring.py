"""Bringing a backup back: its files are verified first, then written into a store, and the copy is proved by reading it.

Revisions keep their names and histories (`new_edits: false`), so phones that knew the old store go on with the new one.
"""

import hashlib
import itertools
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from sync.backup.archive import Archive, Generation, Part
from sync.backup.entries import Attachment, Content, Entry, Leaf, sum_up
from sync.backup.errors import Damaged, NotEmpty, NotEqual
from sync.backup.saving import describe
from sync.backup.source import Document, Row, Source
from sync.databases import is_replicated
from sync.embedded.codec import dump
from sync.errors import NotFound, Unreachable

BATCH_LEAVES, BATCH_BYTES = 500, 4 << 20
TRIES, DELAY_S = 5, 0.5
_ENCODED_BYTES = 3 << 16  # a multiple of three, so that base64 goes on seamlessly

Say = Callable[[str], None]


class Outcome(NamedTuple):
    """One restored database: how many documents the store has of the backup, and the digest of its content there."""

    name: str
    documents: int
    attachments: int
    digest: str


def restore(
    source: Source, archive: Archive, say: Say, *, name: str | None = None, only: tuple[str, ...] = (), is_merging: bool = False
) -> list[Outcome]:
    """Restores the generation `name` (the newest when None), all of it or `only` some databases, and proves the copy.

    Raises Damaged before anything is written, NotEmpty when the store has documents and not `is_merging`, NotEqual when
    the store does not hold afterwards what the backup holds.
    """
    generation = choose(archive, name, only)
    verify(archive, generation, say)
    if not is_merging:
        _refuse_filled(source, generation if only else None)
    outcomes = []
    for at, part in enumerate(generation.parts, 1):
        _write_part(source, archive, part)
        outcome = _prove_contained(source, archive, part) if is_merging else _prove_equal(source, part)
        outcomes.append(outcome)
        say(f"[{at}/{len(generation.parts)}] {part.name}: {outcome.documents} documents, digest {outcome.digest[:16]}: the same")
    return outcomes


def choose(archive: Archive, name: str | None, only: tuple[str, ...]) -> Generation:
    """A generation's list of contents, of all databases or `only` some. Raises Damaged when there is none."""
    names = archive.generations()
    if not names or (name is not None and name not in names):
        raise Damaged(f"there is no complete backup {name or ''} in the folder; there are: {', '.join(names) or 'none'}")
    generation = archive.read_generation(name or names[-1])
    missing = set(only) - {part.name for part in generation.parts}
    if missing:
        raise Damaged(f"the backup has no database {', '.join(sorted(missing))}")
    parts = [part for part in generation.parts if not only or part.name in only]
    return Generation(generation.made_at, parts, generation.format)


def verify(archive: Archive, generation: Generation, say: Say) -> None:
    """Compares every file of a generation with its digest, and every database with its counts. Raises Damaged."""
    checked: set[str] = set()
    say(f"verifying the backup of {generation.made_at}: {len(generation.parts)} databases")
    for part in generation.parts:
        for segment in part.segments:
            archive.check_segment(segment)
        content = Content()
        for entry in archive.read_current(part.segments):
            content.add(entry)
            for each in itertools.chain.from_iterable(leaf.files for leaf in entry.leaves):
                if each.sha256 not in checked:
                    archive.check_file(each.sha256, each.length)
                    checked.add(each.sha256)
        if describe(content) != {name: getattr(part, name) for name in describe(content)}:
            raise Damaged(f"the documents of {part.name} do not add up to what was written down")


def _refuse_filled(source: Source, chosen: Generation | None) -> None:
    """Raises NotEmpty. Only some databases are to be restored: only they have to be empty."""
    names = source.names()
    for name in names if chosen is None else [part.name for part in chosen.parts if part.name in names]:
        info = source.info(name)
        if info.live or info.deleted:
            raise NotEmpty(f"the store has documents already, in {name}; --into-existing merges the backup into them")


def _write_part(source: Source, archive: Archive, part: Part) -> None:
    source.couch.create(part.name, replicated=is_replicated(part.name))
    source.put_settings(part.name, part.security, part.revs_limit)
    designs: list[Entry] = []  # the last: a validation function may refuse documents that were stored before it
    for batch in _cut(_put_aside(archive.read_current(part.segments), designs)):
        _send(source, archive, part.name, batch)
    for batch in _cut(designs):
        _send(source, archive, part.name, batch)


def _put_aside(entries: Iterable[Entry], designs: list[Entry]) -> Iterator[Entry]:
    for entry in entries:
        if entry.id.startswith("_design/"):
            designs.append(entry)
        else:
            yield entry


def _cut(entries: Iterable[Entry]) -> Iterator[list[Leaf]]:
    """Leaves in batches of a few megabytes; one with attachments goes by itself."""
    batch: list[Leaf] = []
    size_bytes = 0
    for leaf in itertools.chain.from_iterable(entry.leaves for entry in entries):
        if leaf.files:
            yield [leaf]
            continue
        batch.append(leaf)
        size_bytes += len(dump(leaf.doc))
        if len(batch) >= BATCH_LEAVES or size_bytes >= BATCH_BYTES:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch


def _send(source: Source, archive: Archive, name: str, batch: list[Leaf]) -> None:
    """Writes a batch; writing it again changes nothing, so a store that stumbles is asked again."""
    for attempt in range(1, TRIES + 1):
        try:
            source.write(name, encode(archive, batch))
        except Unreachable:
            if attempt == TRIES:
                raise
            time.sleep(DELAY_S * attempt)
        else:
            return


def encode(archive: Archive, leaves: list[Leaf]) -> Iterator[bytes]:
    """A `_bulk_docs` body, attachments inline, a piece at a time: no attachment is in memory as a whole."""
    yield b'{"new_edits":false,"docs":['
    for at, leaf in enumerate(leaves):
        text = dump(leaf.doc)
        yield b"," * (at > 0) + text[:-1]
        if leaf.files:
            yield b',"_attachments":{'
            for place, each in enumerate(leaf.files):
                yield b"," * (place > 0) + dump(each.name) + b":"
                yield dump({"content_type": each.content_type, "revpos": each.revpos})[:-1] + b',"data":"'
                yield from _encode_file(archive, each)
                yield b'"}'
            yield b"}"
        yield b"}"
    yield b"]}"


def _encode_file(archive: Archive, attachment: Attachment) -> Iterator[bytes]:
    with archive.path_of(attachment.sha256).open("rb") as file:
        while part := file.read(_ENCODED_BYTES):
            yield b64encode(part)


def _prove_equal(source: Source, part: Part) -> Outcome:
    """Reads everything back, attachments too, and compares it with the backup. Raises NotEqual."""
    content = sum_up(_read_back(source, part.name))
    info = source.info(part.name)
    there = describe(content)
    wanted = {name: getattr(part, name) for name in there}
    if there != wanted or (info.live, info.deleted) != (part.live, part.deleted):
        differing = [name for name in there if there[name] != wanted[name]] or ["counts"]
        raise NotEqual(f"{part.name}: the store does not hold what the backup holds ({', '.join(differing)} differ)")
    return Outcome(part.name, content.live, content.attachments, content.digest())


def _read_back(source: Source, name: str) -> Iterator[Entry]:
    page = source.changes(name, None, BATCH_LEAVES)
    while page.rows:
        found = source.leaves(name, page.rows)
        for row in page.rows:
            yield Entry(row.id, [_hash_leaf(source, name, row.id, document) for document in found[row.id]])
        page = source.changes(name, page.seq, BATCH_LEAVES)


def _hash_leaf(source: Source, name: str, id_: str, document: Document) -> Leaf:
    files = []
    for attachment, stub in sorted(document.stubs.items()):
        hasher, length = hashlib.sha256(), 0
        for chunk in source.read_attachment(name, id_, document.doc["_rev"], attachment):
            hasher.update(chunk)
            length += len(chunk)
        files.append(Attachment(attachment, stub["content_type"], stub.get("revpos", 1), length, hasher.hexdigest()))
    return Leaf(document.doc, files)


def _prove_contained(source: Source, archive: Archive, part: Part) -> Outcome:
    """A store that had more before: every revision of the backup is known to it. Raises NotEqual."""
    entries = archive.read_current(part.segments)
    lacking = 0
    while some := list(itertools.islice(entries, BATCH_LEAVES)):
        try:
            lacking += source.lacks(part.name, [Row(each.id, [leaf.doc["_rev"] for leaf in each.leaves]) for each in some])
        except NotFound:
            lacking += len(some)
    if lacking:
        raise NotEqual(f"{part.name}: the store lacks {lacking} revisions of the backup")
    return Outcome(part.name, part.live, part.attachments, part.digest)
