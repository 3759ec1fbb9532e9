"""`store --check`: is every database file what it should be? Read-only, with or without a node at work on the folder.

Here are the folder, the report and its words; what is looked at inside one file is in `inspection.py`.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from sync.embedded.inspection import Inspection, Tally
from sync.embedded.schema import VERSION

PROGRESS_EVERY_S = 2.0
_MOST_SHOWN = 20

Say = Callable[[str], None]


@dataclass
class FileReport:
    """What was found out about one database file. `problems` are faults; `notes` are worth knowing, no more."""

    path: Path
    name: str
    tally: Tally = field(default_factory=Tally)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_gone: bool = False


def check_folder(folder: Path, say: Say) -> bool:
    """Checks every database of a data folder; tells each finding by `say`, then what to do. True when all is well."""
    paths = sorted(folder.glob("*.sqlite"))
    say(f"checking {len(paths)} databases in {folder}")
    progress = _Progress(paths, say)
    reports = []
    for path in paths:
        report = check_file(path, progress.note_rows)
        progress.note_file(report)
        if report.is_gone:
            continue
        reports.append(report)
        for line in _describe(report):
            say(line)
    for path in sorted(folder.glob("*.new")):
        say(f"{path.name}: left by a crash; the node removes it when it starts")
    return _conclude(reports, say)


def check_file(path: Path, note_rows: Callable[[str, int], None] = lambda _name, _rows: None) -> FileReport:
    """Everything that can be said about one file. Reads one snapshot: what a node writes meanwhile is not looked at."""
    was_closed = not _has_log(path)
    report = _check_once(path, note_rows)
    if report.problems and was_closed and _has_log(path):  # a node opened it meanwhile: look again, beside the node
        report = _check_once(path, note_rows)
    if not report.is_gone:
        _check_views(path, report)
    return report


def _check_once(path: Path, note_rows: Callable[[str, int], None]) -> FileReport:
    report = FileReport(path, unquote(path.stem.rsplit("~", 1)[0]))
    try:
        with open_readonly(path) as connection:
            _inspect(connection, report, note_rows)
    except (sqlite3.Error, OSError) as error:
        if not path.exists():  # deleted while it was looked at
            report.is_gone = True
        else:
            report.problems.append(f"cannot be read: {error}")
    return report


@contextmanager
def open_readonly(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that writes nothing into the file or its log."""
    # With no log beside it nobody has the file open: it can be read by itself, and SQLite makes no files for that.
    mode = "mode=ro" if _has_log(path) else "mode=ro&immutable=1"
    connection = sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, isolation_level=None)
    try:
        connection.execute("PRAGMA busy_timeout=10000")
        yield connection
    finally:
        connection.close()


def _has_log(path: Path) -> bool:
    return path.with_name(path.name + "-wal").exists()


def _inspect(connection: sqlite3.Connection, report: FileReport, note_rows: Callable[[str, int], None]) -> None:
    connection.execute("BEGIN")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        report.problems.append(f"was written by a later version of this program (format {version})")
        return
    broken = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({_MOST_SHOWN})")]
    if broken != ["ok"]:
        report.problems += [f"structure: {line}" for text in broken for line in text.splitlines() if not line.startswith("***")]
    inspection = Inspection(connection, has_sums=version >= 2, note_rows=lambda rows: note_rows(report.name, rows))
    try:
        inspection.run()
    finally:
        report.tally = inspection.tally
        report.problems += inspection.problems
        report.notes += inspection.notes
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _check_views(path: Path, report: FileReport) -> None:
    """A view index is derived: whatever is wrong with it, the node builds it anew, so it is only told."""
    for index in sorted(path.with_name(path.name + ".views").glob("*.sqlite")):
        try:
            with open_readonly(index) as connection:
                is_sound = [row[0] for row in connection.execute("PRAGMA quick_check(1)")] == ["ok"]
        except (sqlite3.Error, OSError):
            is_sound = not index.exists()
        report.tally.views += 1
        if not is_sound:
            report.notes.append(f"view index {index.name} is damaged: delete the file, it is built again when asked for")


def _describe(report: FileReport) -> Iterator[str]:
    tally = report.tally
    counts = f"{tally.live} documents, {tally.dead} deleted, {tally.bodies} revisions, {tally.blobs} attachments"
    if not report.problems:
        yield f"ok       {report.name}: {counts}"
    else:
        yield f"DAMAGED  {report.name} ({report.path.name}): {counts}"
    for problem in report.problems[:_MOST_SHOWN]:
        yield f"         - {problem}"
    if len(report.problems) > _MOST_SHOWN:
        yield f"         - and {len(report.problems) - _MOST_SHOWN} more"
    for note in report.notes:
        yield f"         note: {note}"


def _conclude(reports: list[FileReport], say: Say) -> bool:
    damaged = [report for report in reports if report.problems]
    say(f"{len(reports)} databases checked, {len(damaged)} damaged")
    if not damaged:
        return True
    say("What to do, for each damaged database:")
    say("  1. Stop the system. Keep the file: move it, and the ones with -wal and .views at its end, out of the folder.")
    say("  2. Start the system, then bring the database back from the last good backup:")
    say("     xunge restore --from DIR --only NAME --into-existing")
    say("  3. What came after that backup is in the file you kept; phones still hold what was not answered.")
    for report in damaged:
        say(f"  damaged: {report.name}")
    return False


class _Progress:
    """Tells now and then how far a long check is, by bytes."""

    def __init__(self, paths: list[Path], say: Say) -> None:
        self._say = say
        self._sizes = {path: _size_of(path) for path in paths}
        self._total_bytes = sum(self._sizes.values())
        self._done_bytes = 0
        self._told_s = time.monotonic()

    def note_file(self, report: FileReport) -> None:
        """A file is done."""
        self._done_bytes += self._sizes[report.path]
        self._tell("")

    def note_rows(self, name: str, rows: int) -> None:
        """So many rows of a file are done."""
        self._tell(f", {rows} rows of {name}")

    def _tell(self, more: str) -> None:
        if time.monotonic() - self._told_s >= PROGRESS_EVERY_S:
            self._told_s = time.monotonic()
            self._say(f"… {self._done_bytes / 1e6:.0f} of {self._total_bytes / 1e6:.0f} MB{more}")


def _size_of(path: Path) -> int:
    with suppress(OSError):
        return path.stat().st_size
    return 0
