"""A file of reports that staff upload or paste: each row an item, all of them taken in or none; what is wrong is named by row.

Comma-separated text with a heading row, in the words of `source_fields.ADAPTERS["row"]`. Its numbers belong to the township's own
files, so that the same file twice is the same cases.
"""

import csv
import io
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from server.cases import categories
from server.domain import source_fields
from server.domain.errors import Differs, InvalidInput
from server.domain.sources import Item
from server.nudges import Nudges
from server.sources import intake
from sync.couch import Couch

ROWS_MOST = 500
FILE_BYTES = 512 * 1024
ENCODINGS = ("utf-8-sig", "gb18030")


class Problem(NamedTuple):
    """What is wrong: the row as spreadsheets count (the heading is 1; 0: the file), the field, the code."""

    row: int
    field: str
    code: str


class Plan(NamedTuple):
    """The rows that would be taken in, with their grids, and what is wrong; with any problem nothing is taken in."""

    items: list[tuple[Item, str]]
    problems: list[Problem]


def source_of(couch: Couch, township: str) -> intake.Document:
    """The township's own files as a source: categories by their names, too; what names no place is the township's to find."""
    names = {doc["name"]["zh-CN"]: code for code, doc in categories.by_code(couch).items() if isinstance(doc.get("name"), dict)}
    head = {"id": f"file-{township}", "kind": "webhook", "areas": [township], "fallback": township}
    return head | {"categories": names}


def decode(raw: bytes) -> str:
    """A file's text: UTF-8, or what Chinese spreadsheets write. Raises InvalidInput."""
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InvalidInput({"file": "not_text"})


def plan(couch: Couch, township: str, text: str, may_take: Callable[[str], bool], now: datetime) -> Plan:
    """Read and check every row without taking it in. `may_take(grid)` says whether a case there is theirs to register."""
    source, items, problems, seen = source_of(couch, township), [], [], set[str]()
    try:
        rows = _rows(text)
    except InvalidInput as error:
        return Plan([], [Problem(0, field, code) for field, code in error.fields.items()])
    for number, row in rows:
        try:
            item = source_fields.read("row", row)
            if item.number in seen:
                problems.append(Problem(number, "number", "twice"))
            seen.add(item.number)
            grid = intake.check(couch, source, item, now)
            if not may_take(grid):
                problems.append(Problem(number, "grid", "not_allowed"))
            items.append((item, grid))
        except (InvalidInput, Differs) as error:
            problems += [Problem(number, field, code) for field, code in error.fields.items()]
    if not rows and not problems:
        problems.append(Problem(0, "file", "empty"))
    return Plan(items, problems)


def take_all(couch: Couch, nudges: Nudges, township: str, found: Plan, *, by: str, now: datetime) -> list[intake.Taken]:
    """Take a plan's rows in. Killed in between, or done again, the same rows are the same cases. Raises like `intake.take`."""
    source = source_of(couch, township)
    return [intake.take(couch, nudges, source, item, now, by=by) for item, _ in found.items]


def _rows(text: str) -> list[tuple[int, dict[str, str]]]:
    """The rows that are not empty, by their heading, with their numbers. Raises InvalidInput for what is no such file."""
    if len(text) > FILE_BYTES or "\x00" in text:
        raise InvalidInput({"file": "too_large" if len(text) > FILE_BYTES else "not_text"})
    try:
        lines = list(csv.reader(io.StringIO(text.lstrip("\ufeff")), strict=True))
    except csv.Error:
        raise InvalidInput({"file": "not_csv"}) from None
    if len(lines) > ROWS_MOST + 1:
        raise InvalidInput({"file": "too_many_rows"})
    heading = [cell.strip() for cell in lines[0]] if lines else []
    known = {name for theirs in source_fields.ADAPTERS["row"].names.values() for name in theirs}
    wrong = {name[:30] or "heading": "not_taken" for name in heading if name not in known}
    if wrong or len(set(heading)) != len(heading):
        raise InvalidInput(wrong or {"heading": "twice"})
    found = [(number, dict(zip(heading, cells, strict=False))) for number, cells in enumerate(lines[1:], 2)]
    return [(number, {name: cell.strip() for name, cell in row.items()}) for number, row in found if any(row.values())]
