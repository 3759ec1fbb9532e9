"""What a process writes and syncs, in order: SQLite's files through its VFS, and what Python itself does to files.

The VFS is patched in place by ctypes, in the very library that Python's `sqlite3` uses, so this needs no tool, no privilege
and no compiler. Run inside the node by `recorded_node.py`; what a power cut makes of the record is in `power_cut.py`.
"""

import _sqlite3
import ctypes
import os
import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

OK = 0
Pointer, Int, Int64 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64
OPEN = ctypes.CFUNCTYPE(Int, Pointer, Pointer, Pointer, Int, Pointer)
DELETE = ctypes.CFUNCTYPE(Int, Pointer, ctypes.c_char_p, Int)
WRITE = ctypes.CFUNCTYPE(Int, Pointer, Pointer, Int, Int64)
TRUNCATE = ctypes.CFUNCTYPE(Int, Pointer, Int64)
SYNC = ctypes.CFUNCTYPE(Int, Pointer, Int)
OPEN_FOLDER = ctypes.CFUNCTYPE(Int, ctypes.c_char_p, Pointer)
SET_CALL = ctypes.CFUNCTYPE(Int, Pointer, ctypes.c_char_p, Pointer)
GET_CALL = ctypes.CFUNCTYPE(Pointer, Pointer, ctypes.c_char_p)


class Vfs(ctypes.Structure):
    """sqlite3_vfs, as documented."""

    _fields_ = (
        [("iVersion", Int), ("szOsFile", Int), ("mxPathname", Int), ("pNext", Pointer), ("zName", ctypes.c_char_p)]
        + [("pAppData", Pointer), ("xOpen", Pointer), ("xDelete", Pointer)]
        + [(f"other{n}", Pointer) for n in range(10)]
        + [("xCurrentTimeInt64", Pointer), ("xSetSystemCall", Pointer), ("xGetSystemCall", Pointer)]
    )


class Methods(ctypes.Structure):
    """sqlite3_io_methods, as documented."""

    _fields_ = (
        ("iVersion", Int),
        *((name, Pointer) for name in ("xClose", "xRead", "xWrite", "xTruncate", "xSync")),
        *((f"other{n}", Pointer) for n in range(13)),
    )


class Recorder:
    """Appends events to a file. A file is a number; names come and go, as in a file system."""

    def __init__(self, folder: Path, target: Path) -> None:
        self._folder = str(folder)
        self._out: BinaryIO = target.open("wb")
        self._lock = threading.Lock()
        self._count = 0
        self._numbers = 0
        self._names: dict[str, int] = {}
        self._open: dict[int, int] = {}
        self._kept: list[Any] = []  # what C code points to must not be collected
        self._methods: dict[int, Methods] = {}

    def note(self, *event: Any) -> None:
        """Appends one event."""
        with self._lock:
            pickle.dump(event, self._out)
            self._count += 1

    def close(self) -> None:
        """Writes out what is buffered."""
        with self._lock:
            self._out.flush()

    def patch_python(self) -> None:
        """What Python does by itself: files written, synced and renamed, folders synced."""
        fsync, rename, unlink = os.fsync, os.rename, os.unlink

        def note_content(name: str) -> int:
            if name not in self._names:
                self._create(name)
            number = self._names[name]
            self.note("write", number, 0, Path(name).read_bytes())
            return number

        def fsync_noted(handle: int) -> None:
            name = str(Path(f"/proc/self/fd/{handle}").readlink())
            if not name.startswith(self._folder):
                return fsync(handle)
            if Path(name).is_dir():
                before = self._count
                fsync(handle)
                return self.note("folder", name, before)
            number, before = note_content(name), self._count
            fsync(handle)
            return self.note("sync", number, before)

        def rename_noted(source: Any, target: Any, **more: Any) -> None:
            if str(source).startswith(self._folder) and str(source) not in self._names:
                note_content(str(source))
            rename(source, target, **more)
            if str(source) in self._names:
                self._names[str(target)] = self._names.pop(str(source))
                self.note("rename", str(source), str(target))

        def unlink_noted(name: Any, **more: Any) -> None:
            unlink(name, **more)
            if self._names.pop(str(name), None) is not None:
                self.note("unlink", str(name))

        os.fsync, os.rename, os.unlink = fsync_noted, rename_noted, unlink_noted  # type: ignore[assignment]

    def patch_sqlite(self) -> None:
        """Everything SQLite does to its files, and the folders it syncs."""
        library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))  # finds the symbols of the SQLite it is linked with
        library.sqlite3_vfs_find.restype = ctypes.POINTER(Vfs)
        address = ctypes.cast(library.sqlite3_vfs_find(None), ctypes.POINTER(Vfs))
        vfs = address.contents
        open_file, delete = OPEN(vfs.xOpen), DELETE(vfs.xDelete)

        def open_noted(this: int, name: int | None, file: int, flags: int, out: int) -> int:
            text = ctypes.string_at(name).decode() if name else ""
            existed = not text or Path(text).exists()
            result = open_file(this, name, file, flags, out)
            if result == OK and text.startswith(self._folder) and not text.endswith("-shm"):
                if not existed or text not in self._names:
                    self._create(text)
                self._open[file] = self._names[text]
                self._wrap(file)
            return result

        def delete_noted(this: int, name: bytes, syncs: int) -> int:
            result = delete(this, name, syncs)
            if result == OK and self._names.pop(name.decode(), None) is not None:
                self.note("unlink", name.decode())
            return result

        self._patch_folder_sync(vfs, address)
        vfs.xOpen = self._keep(OPEN(open_noted))
        vfs.xDelete = self._keep(DELETE(delete_noted))

    def _patch_folder_sync(self, vfs: Vfs, address: Any) -> None:
        """SQLite syncs a folder right after it opened it; there is no other reason for which it opens one."""
        original = OPEN_FOLDER(GET_CALL(vfs.xGetSystemCall)(address, b"openDirectory"))

        def open_folder_noted(name: bytes, handle: int) -> int:
            before = self._count
            result = original(name, handle)
            if result == OK:
                self.note("folder", str(Path(name.decode()).parent), before)
            return result

        SET_CALL(vfs.xSetSystemCall)(address, b"openDirectory", self._keep(OPEN_FOLDER(open_folder_noted)))

    def _wrap(self, file: int) -> None:
        """Gives an open file methods that tell what they do."""
        slot = ctypes.cast(file, ctypes.POINTER(Pointer))
        at = int(slot[0] or 0)
        if at not in self._methods:
            self._methods[at] = self._make_methods(ctypes.cast(at, ctypes.POINTER(Methods)).contents)
        slot[0] = ctypes.addressof(self._methods[at])

    def _make_methods(self, original: Methods) -> Methods:
        made = Methods()
        ctypes.pointer(made)[0] = original
        write, truncate, sync = WRITE(original.xWrite), TRUNCATE(original.xTruncate), SYNC(original.xSync)

        def write_noted(file: int, data: int, size: int, offset: int) -> int:
            result = write(file, data, size, offset)
            self.note("write", self._open[file], offset, ctypes.string_at(data, size))
            return result

        def truncate_noted(file: int, size: int) -> int:
            result = truncate(file, size)
            self.note("truncate", self._open[file], size)
            return result

        def sync_noted(file: int, flags: int) -> int:
            before = self._count
            result = sync(file, flags)
            self.note("sync", self._open[file], before)
            return result

        made.xWrite = self._keep(WRITE(write_noted))
        made.xTruncate = self._keep(TRUNCATE(truncate_noted))
        made.xSync = self._keep(SYNC(sync_noted))
        return made

    def _create(self, name: str) -> None:
        self._numbers += 1
        self._names[name] = self._numbers
        self.note("create", name, self._numbers)

    def _keep(self, callback: Callable[..., Any]) -> int:
        self._kept.append(callback)
        return int(ctypes.cast(callback, Pointer).value or 0)  # type: ignore[arg-type]
