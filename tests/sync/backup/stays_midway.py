"""`xunge …`, except that its thirty-first attachment never comes to its end: for a test that kills a backup midway."""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from server.cli import main
from sync.backup.archive import Archive

WHOLE = 30
save_file = Archive.save_file
begun = 0


def half(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The beginning, and then nothing more."""
    yield next(iter(chunks))
    time.sleep(3600)


def save_some(self: Archive, chunks: Iterable[bytes]) -> tuple[str, int]:
    """As `Archive.save_file`, for so many."""
    global begun  # noqa: PLW0603
    begun += 1
    return save_file(self, chunks if begun <= WHOLE else half(chunks))


if __name__ == "__main__":
    Archive.save_file = save_some  # type: ignore[method-assign]
    main()
