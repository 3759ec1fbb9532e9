"""Unfinished uploads on disk: one data file and one JSON sidecar each, in a folder per device.

The size of the data file is the offset: it is synced before it is told to anyone, so it survives a kill, a restart and
a second server process sharing the folder. Writers hold an exclusive file lock. Knows nothing of HTTP or of pictures.

    <folder>/<device hash>/<upload id>.part    the bytes so far (locked by whoever writes)
                           <upload id>.json    what they are to become
                           <upload id>.done    finished: what became of them; kept so that a repeated request is answered
                           <upload id>.claim   somebody waits for the lock; an idle writer steps back
"""

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from media.errors import StorageFull

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Busy(Exception):
    """Another request holds this upload's lock."""


@dataclass(frozen=True)
class Ticket:
    """What an upload is to become. `outcome` is "" while unfinished, "stored", or the code it was refused with."""

    upload: str
    device: str
    user: str
    photo: str
    role: str
    database: str
    sha256: str
    filetype: str
    length_bytes: int
    outcome: str = ""


def upload_id(photo: str, role: str, sha256: str, device: str) -> str:
    """The same file of the same photo from the same device is the same upload, whenever it is asked for again."""
    return hashlib.sha256("\n".join((photo, role, sha256, device)).encode()).hexdigest()[:40]


class Shelf:
    """The unfinished uploads of one device below `folder`."""

    def __init__(self, folder: Path, device: str) -> None:
        self.folder = folder / hashlib.sha256(device.encode()).hexdigest()[:32]

    @classmethod
    def all_in(cls, folder: Path) -> "Iterator[Shelf]":
        """Every device's shelf, for sweeping."""
        for path in folder.iterdir() if folder.exists() else ():
            shelf = cls(folder, "")
            shelf.folder = path
            yield shelf

    def names(self) -> set[str]:
        """Ids of all uploads that left any file here."""
        return {path.name.partition(".")[0] for path in self.folder.iterdir()}

    def touched_at(self, upload: str) -> datetime | None:
        """When its last byte came, or when it was finished; None when neither is known."""
        for ending in ("done", "part", "json"):
            with suppress(FileNotFoundError):
                return datetime.fromtimestamp(self._path(upload, ending).stat().st_mtime, UTC)
        return None

    def sync(self, upload: str) -> None:
        """Make the bytes a server received before it died durable, before their number is told."""
        with suppress(FileNotFoundError), self.part(upload).open("rb") as file:
            os.fsync(file.fileno())

    def read(self, upload: str) -> Ticket | None:
        """The ticket of an upload, finished or not; None when there is none or its data are gone."""
        done = _read_ticket(self._path(upload, "done"))
        if done:
            return done
        return _read_ticket(self._path(upload, "json")) if self._path(upload, "part").exists() else None

    def unfinished(self) -> Iterator[Ticket]:
        """All tickets that still wait for bytes."""
        for path in self.folder.glob("*.json"):
            ticket = _read_ticket(path)
            if ticket:
                yield ticket

    def forget_finished(self) -> None:
        """Nothing is known to be kept any more: a file that is sent again is taken again."""
        for path in self.folder.glob("*.done"):
            path.unlink(missing_ok=True)

    def size(self, upload: str) -> int:
        """Bytes received so far, without locking; 0 when there are none."""
        with suppress(FileNotFoundError):
            return self._path(upload, "part").stat().st_size
        return 0

    def hold(self, upload: str, create: bool = False) -> "Held | None":
        """Lock an upload for writing. None when it does not exist; Busy when another holds it; StorageFull."""
        part = self._path(upload, "part")
        with noticing_full_disk():
            if create and not self.folder.exists():
                self.folder.mkdir(parents=True, exist_ok=True)
                sync_folder(self.folder.parent)
            while True:
                try:
                    descriptor = os.open(part, os.O_RDWR | (os.O_CREAT if create else 0), 0o600)
                except FileNotFoundError:
                    return None
                _lock(descriptor)
                if _is_same_file(descriptor, part):
                    self._path(upload, "claim").unlink(missing_ok=True)
                    return Held(self, upload, descriptor)
                os.close(descriptor)  # removed while we waited for it: look again

    def claim(self, upload: str) -> None:
        """Ask the present holder to step back when nothing arrives for it any more."""
        with suppress(OSError):
            self._path(upload, "claim").touch()

    def is_claimed(self, upload: str) -> bool:
        """Does somebody wait for the lock?"""
        return self._path(upload, "claim").exists()

    def part(self, upload: str) -> Path:
        """Where the bytes are."""
        return self._path(upload, "part")

    def write_ticket(self, ticket: Ticket) -> None:
        """Durably, and whole or not at all. StorageFull when there is no room."""
        path = self._path(ticket.upload, "done" if ticket.outcome else "json")
        draft = path.with_suffix(path.suffix + ".new")
        with noticing_full_disk():
            with draft.open("w") as file:
                json.dump(asdict(ticket), file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
            sync_folder(self.folder)

    def remove(self, upload: str, *endings: str) -> None:
        """Forget the files with these endings."""
        for ending in endings:
            self._path(upload, ending).unlink(missing_ok=True)

    def _path(self, upload: str, ending: str) -> Path:
        return self.folder / f"{upload}.{ending}"


class Held:
    """One upload, locked by this request. All methods block: call them off the event loop."""

    def __init__(self, shelf: Shelf, upload: str, descriptor: int) -> None:
        self.shelf, self.upload, self._descriptor = shelf, upload, descriptor

    @property
    def offset(self) -> int:
        """Bytes in the file."""
        return os.fstat(self._descriptor).st_size

    def append(self, data: bytes) -> None:
        """Write at the end; StorageFull keeps whatever still found room."""
        at, view = self.offset, memoryview(data)
        with noticing_full_disk():
            while view:
                written = os.pwrite(self._descriptor, view, at)
                at, view = at + written, view[written:]

    def sync(self) -> None:
        """Make what was written survive a power cut."""
        with noticing_full_disk():
            os.fsync(self._descriptor)

    def cut(self, offset: int) -> None:
        """Forget everything from `offset` on."""
        os.ftruncate(self._descriptor, offset)

    def digest(self, algorithm: str, start: int = 0) -> bytes:
        """Digest of the bytes from `start` to the end."""
        found = hashlib.new(algorithm)
        while block := os.pread(self._descriptor, 1 << 20, start):
            found.update(block)
            start += len(block)
        return found.digest()

    def finish(self, ticket: Ticket, outcome: str) -> None:
        """Remember what became of the upload, then drop its bytes."""
        self.shelf.write_ticket(replace(ticket, outcome=outcome))
        self.shelf.remove(self.upload, "json", "part")

    def discard(self) -> None:
        """Drop the upload as if it had never begun."""
        self.shelf.remove(self.upload, "json", "part", "done")

    def close(self) -> None:
        """Let others write."""
        os.close(self._descriptor)


@contextmanager
def noticing_full_disk() -> Iterator[None]:
    """A full disk, a full quota and a file size limit are one thing to the phone: StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull(error.strerror or "no room") from error
        raise


def sync_folder(folder: Path) -> None:
    """Make names just created or replaced in `folder` survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise Busy from None


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.fstat(descriptor).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False


def _read_ticket(path: Path) -> Ticket | None:
    try:
        return Ticket(**json.loads(path.read_bytes()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
