"""A backup's folder: generations, the segments of documents they share, and attachments under the digest of their bytes.

    generations/<instant>.json   what one complete backup consists of, with the digest of every file it needs
    parts/<database>.json        the newest state of each database, ahead of the newest generation while a backup runs
    segments/<database>~<8 hex>  documents, one a line, oldest change first; files/<2 hex>/<sha256>  attachments

Every file is written under another name, synced and then renamed, so that what has its name is whole. Mode 0600.
"""

import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import msgspec

from sync.backup.entries import Entry, read_line, write_line
from sync.backup.errors import Busy, Damaged

_DRAFT = ".new"


class Segment(msgspec.Struct, frozen=True):
    """A file of documents; `entries` counts them."""

    file: str
    sha256: str
    size_bytes: int
    entries: int


class Part(msgspec.Struct, frozen=True):
    """One database at sequence `seq`. `incarnation` differs once it was deleted and made again.

    Of several lines of one document that in the last segment counts. Counts and `digest` are those of `entries.Content`;
    `fetched` is how many documents this run took from the store.
    """

    name: str
    incarnation: str
    seq: str
    purge_seq: str
    segments: list[Segment]
    security: dict[str, Any] = {}
    revs_limit: int = 1000
    live: int = 0
    deleted: int = 0
    leaves: int = 0
    attachments: int = 0
    size_bytes: int = 0
    digest: str = ""
    fetched: int = 0


class Generation(msgspec.Struct, frozen=True):
    """One complete backup."""

    made_at: str
    parts: list[Part]
    format: int = 1


class Archive:
    """The folder of backups."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unflushed: set[Path] = set()

    @contextmanager
    def open_for_writing(self) -> Iterator[None]:
        """Makes the folders, clears what a killed run left half written, and keeps other runs out. Raises Busy."""
        for name in ("generations", "parts", "segments", "files"):
            (self._folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(f"another backup writes into {self._folder}") from None
            for draft in self._folder.rglob("*" + _DRAFT):
                draft.unlink()
            yield

    def generations(self) -> list[str]:
        """Names of the complete backups, the oldest first."""
        return sorted(path.stem for path in (self._folder / "generations").glob("*.json"))

    def read_generation(self, name: str) -> Generation:
        """A complete backup's list of contents. Raises Damaged."""
        found: Generation = _read_sealed(self._folder / "generations" / f"{name}.json", Generation)
        return found

    def write_generation(self, generation: Generation) -> str:
        """Keeps a list of contents; from then on the backup is there. Answers its name."""
        name = generation.made_at.replace(":", "").replace(".", "-")
        self._write(self._folder / "generations" / f"{name}.json", _seal(generation))
        return name

    def drop_generation(self, name: str) -> None:
        """Forgets a complete backup; its files go with `clear`."""
        (self._folder / "generations" / f"{name}.json").unlink()

    def read_parts(self) -> dict[str, Part]:
        """The newest state of every database, by name; one that cannot be read is left out."""
        found: dict[str, Part] = {}
        for path in (self._folder / "parts").glob("*.json"):
            try:
                part = _read_sealed(path, Part)
            except Damaged:
                continue
            found[part.name] = part
        return found

    def write_part(self, part: Part) -> None:
        """Keeps the state of a database, so that a killed run has not copied it for nothing."""
        self._write(self._folder / "parts" / f"{quote(part.name, safe='')}.json", _seal(part))

    def drop_part(self, name: str) -> None:
        """The database is no more."""
        (self._folder / "parts" / f"{quote(name, safe='')}.json").unlink(missing_ok=True)

    def write_segment(self, name: str, entries: Iterable[Entry]) -> Segment | None:
        """A new file of documents, each at most once; None when there was none to write."""
        path = self._folder / "segments" / f"{quote(name, safe='')}~{secrets.token_hex(4)}"
        hasher, size_bytes, count = hashlib.sha256(), 0, 0
        with self._drafted(path) as file:
            for entry in entries:
                line = write_line(entry)
                hasher.update(line)
                size_bytes += file.write(line)
                count += 1
        return Segment(path.name, hasher.hexdigest(), size_bytes, count) if count else None

    def check_segment(self, segment: Segment) -> None:
        """Compares a segment with its digest. Raises Damaged."""
        path = self._folder / "segments" / segment.file
        if _digest_file(path) != segment.sha256:
            raise Damaged(f"{path} is not what was written" if path.exists() else f"{path} is missing")

    def read_segment(self, segment: Segment) -> Iterator[Entry]:
        """Its documents, in order."""
        with (self._folder / "segments" / segment.file).open("rb") as file:
            for line in file:
                yield read_line(line)

    def read_current(self, segments: list[Segment]) -> Iterator[Entry]:
        """Each document once, as the last segment that has it says; those that are gone are left out.

        Memory: some 80 bytes a document.
        """
        seen: set[bytes] = set()
        for segment in reversed(segments):
            for entry in self.read_segment(segment):
                key = key_of(entry.id)
                if key not in seen:
                    seen.add(key)
                    if entry.leaves:
                        yield entry

    def save_file(self, chunks: Iterable[bytes]) -> tuple[str, int]:
        """Keeps an attachment's bytes; answers their SHA-256 and length. What is there already is not written twice."""
        draft = self._folder / "files" / (secrets.token_hex(8) + _DRAFT)
        hasher, size_bytes = hashlib.sha256(), 0
        with open(draft, "wb", opener=_open_private) as file:
            for chunk in chunks:
                hasher.update(chunk)
                size_bytes += file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        path = self.path_of(hasher.hexdigest())
        if path.exists() and path.stat().st_size == size_bytes:
            draft.unlink()
        else:
            path.parent.mkdir(exist_ok=True, mode=0o700)
            draft.rename(path)
            self._unflushed |= {path.parent, path.parent.parent}
        return path.name, size_bytes

    def path_of(self, sha256: str) -> Path:
        """Where an attachment's bytes are."""
        return self._folder / "files" / sha256[:2] / sha256

    def check_file(self, sha256: str, length: int) -> None:
        """Compares an attachment with its digest. Raises Damaged."""
        path = self.path_of(sha256)
        if not path.exists():
            raise Damaged(f"{path} is missing")
        if path.stat().st_size != length or _digest_file(path) != sha256:
            raise Damaged(f"{path} is not what was written")

    def clear(self) -> int:
        """Deletes segments and attachments that no generation and no part needs; answers how many files went."""
        parts = [*self.read_parts().values()]
        for name in self.generations():
            parts += self.read_generation(name).parts
        segments = {segment.file: segment for part in parts for segment in part.segments}
        stale = [path for path in (self._folder / "segments").iterdir() if path.name not in segments]
        for path in stale:
            path.unlink()
        needed = {each.sha256 for segment in segments.values() for each in self._attachments_of(segment)}
        unneeded = [path for path in (self._folder / "files").glob("*/*") if path.name not in needed]
        for path in unneeded:
            path.unlink()
        return len(stale) + len(unneeded)

    def _attachments_of(self, segment: Segment) -> Iterator[Any]:
        for entry in self.read_segment(segment):
            for leaf in entry.leaves:
                yield from leaf.files

    def _write(self, path: Path, content: bytes) -> None:
        """A list of contents: written only when everything it names is on the disk."""
        while self._unflushed:
            _flush_folder(self._unflushed.pop())
        with self._drafted(path) as file:
            file.write(content)
        _flush_folder(path.parent)

    @contextmanager
    def _drafted(self, path: Path) -> Iterator[BinaryIO]:
        """A file that gets its name when it is whole and on the disk."""
        draft = path.with_name(path.name + _DRAFT)
        with open(draft, "wb", opener=_open_private) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
        self._unflushed.add(path.parent)


def key_of(id_: str) -> bytes:
    """16 bytes that stand for an id where very many are remembered."""
    return hashlib.blake2b(id_.encode(), digest_size=16).digest()


def _open_private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _digest_file(path: Path) -> str:
    """SHA-256 of a file, "" when it is not there."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return ""


def _seal(content: msgspec.Struct) -> bytes:
    text = msgspec.json.encode(content)
    return hashlib.sha256(text).hexdigest().encode() + b"\n" + text + b"\n"


def _read_sealed(path: Path, type_: Callable[..., Any]) -> Any:
    try:
        seal, _, text = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        raise Damaged(f"{path} is missing") from None
    if hashlib.sha256(text[:-1]).hexdigest().encode() != seal:
        raise Damaged(f"{path} is not what was written")
    return msgspec.json.decode(text, type=type_)
