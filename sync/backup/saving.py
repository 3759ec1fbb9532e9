"""Making a backup of a running store: per database only what changed since the backup before, each at a sequence noted.

Everything up to that sequence is in it; of a document that changed while it ran, the later state may be. A killed run has
changed nothing about the complete backups before it, and the next one goes on from the last database state it kept.
"""

import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from sync.backup.archive import Archive, Generation, Part, Segment, key_of
from sync.backup.entries import Attachment, Content, Entry, Leaf, sum_up
from sync.backup.errors import Damaged, Incomplete
from sync.backup.source import Document, Row, Source
from sync.errors import NotFound, StoreError

PAGE_ROWS = 200
LISTING_ROWS = 5_000
SEGMENT_DOCUMENTS = 20_000
MOST_SEGMENTS = 8  # besides one for every SEGMENT_DOCUMENTS

Say = Callable[[str], None]


def save_all(source: Source, archive: Archive, keep: int, say: Say) -> Generation:
    """One complete backup of all databases; the `keep` newest backups stay.

    A database that cannot be read does not keep the others out: the backup has its last state, if there was one, and
    Incomplete is raised at the end. Raises Busy; StoreError when no database can be read.
    """
    with archive.open_for_writing():
        names = source.names()
        bases = archive.read_parts()
        parts: list[Part] = []
        failed: list[str] = []
        for at, name in enumerate(names, 1):
            try:
                part = _Saver(source, archive, name, say).save(bases.get(name))
            except NotFound:  # deleted meanwhile
                continue
            except StoreError as error:
                say(f"[{at}/{len(names)}] {name}: cannot be read: {error}")
                failed.append(name)
                if len(failed) == len(names):
                    raise
                parts += [bases[name]] if name in bases else []
                continue
            parts.append(part)
            if part.fetched:
                say(f"[{at}/{len(names)}] {name}: {part.fetched} documents copied, {part.live} there")
        generation = _finish(archive, parts, bases.keys() - set(names), keep)
        say(f"the backup of {generation.made_at} is complete: {_describe(parts)}")
    if failed:
        raise Incomplete(f"{len(failed)} databases could not be read: {', '.join(failed)}; run `xunge store --check`")
    return generation


def _finish(archive: Archive, parts: list[Part], gone: set[str], keep: int) -> Generation:
    for name in gone:
        archive.drop_part(name)
    generation = Generation(_now(), parts)
    archive.write_generation(generation)
    for old in archive.generations()[:-keep]:
        archive.drop_generation(old)
    archive.clear()
    return generation


class _Saver:
    """The work on one database."""

    def __init__(self, source: Source, archive: Archive, name: str, say: Say) -> None:
        self._source = source
        self._archive = archive
        self._name = name
        self._say = say
        self._fetched = 0
        self._has_buried = False
        self._pages: Iterator[tuple[list[Row], str]] = iter(())
        self._seq = ""

    def save(self, base: Part | None) -> Part:
        """The database's newest state, kept in the archive. Raises NotFound when it is gone."""
        info = self._source.info(self._name)
        incarnation = self._source.incarnation(self._name)
        base = self._choose_base(base, incarnation)
        security, revs_limit = self._source.settings(self._name)
        part = base or Part(self._name, incarnation, "", "", [])
        part = msgspec.structs.replace(part, security=security, revs_limit=revs_limit)
        part = self._copy_changes(part)
        # CouchDB lists a database's shards there in whatever order they answer: another text says that something may be gone.
        gone = self._find_gone(part) if base is not None and base.purge_seq != info.purge_seq else set()
        if gone:
            self._say(f"{self._name}: {len(gone)} documents were purged")
            part = self._rewrite(part, gone)
        elif self._is_scattered(part) or (base is not None and self._has_buried):
            part = self._rewrite(part, set())
        if part.segments != (base.segments if base else None):
            part = self._figure(part)
        part = msgspec.structs.replace(part, purge_seq=info.purge_seq)
        after = self._source.info(self._name)
        if (part.live, part.deleted) != (after.live, after.deleted) and info.seq == after.seq:
            self._say(f"{self._name}: counts differ from the store's; looking for what is gone")
            part = self._figure(self._rewrite(part, self._find_gone(part)))
        part = msgspec.structs.replace(part, fetched=self._fetched)
        self._archive.write_part(part)
        return part

    def _choose_base(self, base: Part | None, incarnation: str) -> Part | None:
        """What was copied before, if it is of this very database and still sound."""
        if base is None:
            return None
        if base.incarnation != incarnation:
            self._say(f"{self._name}: was deleted and made again; it is copied anew")
            return None
        try:
            for segment in base.segments:
                self._archive.check_segment(segment)
        except Damaged as damage:
            self._say(f"{damage}; {self._name} is copied anew")
            return None
        return base

    def _copy_changes(self, part: Part) -> Part:
        """Follows the feed from the part's sequence to where the feed's end was at the start, or beyond."""
        self._pages = self._read_pages(part.seq or None)
        self._seq = part.seq
        while True:
            entries = self._read_entries()
            first = next(entries, None)
            if first is None:
                return msgspec.structs.replace(part, seq=self._seq)
            segment = self._archive.write_segment(self._name, itertools.chain([first], entries))
            assert segment is not None
            part = msgspec.structs.replace(part, seq=self._seq, segments=[*part.segments, segment])
            self._archive.write_part(part)
            if self._fetched > SEGMENT_DOCUMENTS:
                self._say(f"{self._name}: {self._fetched} documents so far")

    def _read_pages(self, since: str | None) -> Iterator[tuple[list[Row], str]]:
        page = self._source.changes(self._name, since, PAGE_ROWS)
        left = page.pending
        yield page.rows, page.seq
        while left > 0:
            page = self._source.changes(self._name, page.seq, PAGE_ROWS)
            if not page.rows:
                return
            left -= len(page.rows)
            yield page.rows, page.seq

    def _read_entries(self) -> Iterator[Entry]:
        """Documents for one segment: whole pages up to so many, ending before a document would come a second time."""
        seen: set[bytes] = set()
        for rows, seq in self._pages:
            keys = {key_of(row.id) for row in rows}
            if seen & keys or len(seen) >= SEGMENT_DOCUMENTS:
                self._pages = itertools.chain([(rows, seq)], self._pages)
                return
            seen |= keys
            found = self._source.leaves(self._name, rows)
            for row in rows:
                self._fetched += 1
                yield self._make_entry(row.id, found[row.id])
            self._seq = seq

    def _make_entry(self, id_: str, documents: list[Document]) -> Entry:
        leaves = []
        for document in documents:
            try:
                leaves.append(Leaf(document.doc, self._save_attachments(id_, document)))
            except NotFound:  # the revision was compacted away since: a later change of the feed has its successor
                continue
        entry = Entry(id_, leaves)
        self._has_buried |= not entry.is_live()
        return entry

    def _save_attachments(self, id_: str, document: Document) -> list[Attachment]:
        saved = []
        for name, stub in sorted(document.stubs.items()):
            chunks = self._source.read_attachment(self._name, id_, document.doc["_rev"], name)
            sha256, length = self._archive.save_file(chunks)
            saved.append(Attachment(name, stub["content_type"], stub.get("revpos", 1), length, sha256))
        return saved

    def _find_gone(self, part: Part) -> set[bytes]:
        """Keys of documents that the archive has and the store has no more."""
        there: set[bytes] = set()
        page = self._source.changes(self._name, None, LISTING_ROWS)
        while page.rows:
            there |= {key_of(row.id) for row in page.rows}
            page = self._source.changes(self._name, page.seq, LISTING_ROWS)
        return {key_of(entry.id) for entry in self._archive.read_current(part.segments)} - there

    def _is_scattered(self, part: Part) -> bool:
        entries = sum(segment.entries for segment in part.segments)
        return len(part.segments) > MOST_SEGMENTS + entries // SEGMENT_DOCUMENTS

    def _rewrite(self, part: Part, gone: set[bytes]) -> Part:
        """Fresh segments without what is superseded or gone: what was erased is not in the newest backup's files."""
        entries = (entry for entry in self._archive.read_current(part.segments) if key_of(entry.id) not in gone)
        segments: list[Segment] = []
        while segment := self._archive.write_segment(self._name, itertools.islice(entries, SEGMENT_DOCUMENTS)):
            segments.append(segment)
        return msgspec.structs.replace(part, segments=segments)

    def _figure(self, part: Part) -> Part:
        content = sum_up(self._archive.read_current(part.segments))
        return msgspec.structs.replace(part, **describe(content))


def describe(content: Content) -> dict[str, Any]:
    """The members of a `Part` that say what it amounts to."""
    return {
        "live": content.live,
        "deleted": content.deleted,
        "leaves": content.leaves,
        "attachments": content.attachments,
        "size_bytes": content.size_bytes,
        "digest": content.digest(),
    }


def _describe(parts: list[Part]) -> str:
    documents, fetched = sum(part.live for part in parts), sum(part.fetched for part in parts)
    attachments = sum(part.attachments for part in parts)
    return f"{len(parts)} databases, {documents} documents, {attachments} attachments; {fetched} documents copied this time"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
