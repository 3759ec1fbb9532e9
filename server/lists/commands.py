"""What `xunge import lists` and `xunge export lists` do: the use cases of this folder, said line by line."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from server.domain.errors import Changed, InvalidInput
from server.domain.list_versions import day_of, is_day
from server.lists import exporting, importing, wording
from server.lists.columns import TITLES
from sync.couch import Couch


def bring_in(
    couch: Couch, file: Path, by: str, language: str, *, is_whole: bool, is_dry: bool, say: Callable[[str], object]
) -> bool:
    """Import a file, or only say what it would do; False when it was refused. Raises the store's errors."""
    now, raw = datetime.now(UTC), file.read_bytes()
    try:
        made = importing.plan(couch, raw, now, is_whole=is_whole, language=language)
        for problem in made.problems:
            say(wording.problem(problem, language))
        say(wording.counts(made.counts(), language))
        if not is_dry and made.versions():
            importing.apply(couch, by, made, now, file={"name": file.name, "size_bytes": len(raw)})
    except (InvalidInput, Changed) as error:
        say(wording.refusal(error, language))
        return False
    return not made.problems


def take_out(couch: Couch, file: Path, language: str, *, day: str | None, only: Sequence[str]) -> None:
    """Write the lists of a day to a file. Raises InvalidInput for a day or list that does not exist."""
    now = datetime.now(UTC)
    wrong = {"at": "day_format"} if day is not None and not is_day(day) else {}
    wrong |= {"list": "unknown"} if set(only) - set(TITLES) else {}
    if wrong:
        raise InvalidInput(wrong)
    file.write_bytes(exporting.workbook(couch, day or day_of(now), now, language, only or TITLES))
