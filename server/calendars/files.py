"""Rows of days off and days worked, out of what an administrator pastes or uploads: text, CSV or an Excel sheet.

Two columns: the day (or "first~last"), and 休 or 班. A first line without a date is taken for a heading. Sizes are bounded; what
the rows mean is `server/domain/calendar_years.py`.
"""

import csv
import io
import re
import zipfile
from itertools import islice

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from server.domain.calendar_years import ROWS_MOST, Row
from server.domain.errors import InvalidInput

FILE_BYTES = 256 * 1024
UNPACKED_BYTES = 8 * 1024 * 1024
ZIP = b"PK\x03\x04"
SPLIT = re.compile(r"[,，;；\t]\s*|\s+(?=\S+\s*$)")


def read_text(text: str) -> list[Row]:
    """Rows of pasted lines: "2027-01-01 休", "2027-02-05~2027-02-11, 放假"."""
    rows: list[Row] = []
    for line in islice((line.strip() for line in text.splitlines()), 0, ROWS_MOST * 3):
        if line:
            parts = SPLIT.split(line)
            rows.append((parts[0], parts[1] if len(parts) > 1 else ""))
    return _without_heading(rows)


def read_file(data: bytes) -> list[Row]:
    """Rows of an uploaded file, Excel by its content, else CSV in UTF-8 or GB 18030. Raises InvalidInput for what is neither."""
    if len(data) > FILE_BYTES:
        raise InvalidInput({"file": "too_large"})
    if data.startswith(ZIP):
        return _without_heading(_sheet(data))
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        found: list[Row] = [(row[0], row[1]) for row in csv.reader(io.StringIO(text)) if len(row) > 1 and row[0].strip()]
        lines = sum(1 for line in text.splitlines() if line.strip())
        # Every line of a CSV has its comma; what has not is text as people write it.
        return _without_heading(found) if len(found) == lines else read_text(text)
    raise InvalidInput({"file": "unreadable"})


def _sheet(data: bytes) -> list[Row]:
    """The first two columns of a workbook's first sheet."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            if sum(part.file_size for part in packed.infolist()) > UNPACKED_BYTES:
                raise InvalidInput({"file": "too_large"})
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        found = book.worksheets[0].iter_rows(max_col=2, max_row=ROWS_MOST * 3, values_only=True)
        return [(row[0], row[1] if len(row) > 1 else "") for row in found if row and row[0] not in (None, "")]
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, IndexError) as error:
        raise InvalidInput({"file": "unreadable"}) from error


def _without_heading(rows: list[Row]) -> list[Row]:
    """The rows without a first one that holds no digit: 日期, 类型."""
    return rows[1:] if rows and not any(letter.isdigit() for letter in str(rows[0][0])) else rows
