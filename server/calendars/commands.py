"""`xunge import calendar`: a year's days from a file, all of it or nothing, with every unusable row named. English, as the
commands are; the page for it is `/calendar`."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from server.calendars import files, years
from server.domain import calendar_years
from server.domain.errors import InvalidInput
from sync.couch import Couch

WHAT_IS_WRONG = {
    "bad_date": "is no date (2027-01-01, or 2027-02-05~2027-02-11)",
    "other_year": "is in another year",
    "bad_kind": "is neither off (休) nor work (班)",
    "twice": "names a day that an earlier row has",
    "worked_anyway": "is no weekend day: it is worked anyway",
    "no_holiday": "has no day off: that is no year",
    "too_many": "is one too many",
}


def bring_in(  # noqa: PLR0917 - the command's own options
    couch: Couch, file: Path, by: str, year: int | None, now: datetime, say: Callable[[str], object]
) -> bool:
    """Load a year from a file; without `year`, the one the first date names. False when nothing was loaded; why was said."""
    try:
        rows = files.read_file(file.read_bytes())
        found = years.load(couch, by, year or calendar_years.year_of(rows) or 0, rows, now)
    except InvalidInput as error:
        say(", ".join(f"{field}: {code}" for field, code in error.fields.items()))
    except years.RowsRefused as refused:
        for row, code, text in refused.errors:
            say(f"row {row}: “{text}” {WHAT_IS_WRONG[code]}")
    else:
        say(f"{found.year}, version {found.version}: {len(found.days.off)} days off, {len(found.days.extra)} weekend days worked")
        return True
    return False
