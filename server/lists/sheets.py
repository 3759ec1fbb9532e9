"""Reading and writing Excel files, with limits: rows and cells in, rows and cells out. What they mean is not known here.

A file is hostile until read: its size, parts and unpacked size are bounded before anything is parsed, document types (the way to
expanding entities) are refused, formulas are never evaluated, and whatever a broken file does to the reader is one error.
"""

import io
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException

from server.domain.errors import InvalidInput

FILE_BYTES = 2 * 1024 * 1024
UNPACKED_BYTES = 16 * 1024 * 1024
PARTS = 200
SHEETS = 20
ROWS = 10_000
LOOKED_AT = 50_000
COLUMNS = 40
CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
HEAD_FILL = PatternFill("solid", fgColor="E4EFFA")
# What a file that is no workbook, or a broken one, makes zipfile, the XML parser and openpyxl raise.
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ParseError,
    InvalidFileException,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)
# It warns of styles and extensions it does not keep; none of them is read here.
warnings.filterwarnings("ignore", module=r"openpyxl\.")


class Row(NamedTuple):
    """A row that is not empty: its number as Excel shows it, its cells, and where formulas or errors are."""

    number: int
    cells: tuple[object, ...]
    formulas: frozenset[int]


class Sheet(NamedTuple):
    """A sheet's title and rows, the header among them."""

    title: str
    rows: list[Row]


def read(raw: bytes) -> list[Sheet]:
    """The sheets of an xlsx file. Raises InvalidInput: `file` is `too_large`, `not_excel`, `hostile` or `too_many_rows`."""
    if len(raw) > FILE_BYTES:
        raise InvalidInput({"file": "too_large"})
    try:
        _check_parts(raw)
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=False, keep_links=False)
        try:
            return _sheets(book)
        finally:
            book.close()
    except BROKEN:
        raise InvalidInput({"file": "not_excel"}) from None


def _check_parts(raw: bytes) -> None:
    """Refuse what would unpack to too much, or has a document type. Sizes are the directory's; zipfile keeps to them."""
    with zipfile.ZipFile(io.BytesIO(raw)) as packed:
        parts = packed.infolist()
        if len(parts) > PARTS or sum(part.file_size for part in parts) > UNPACKED_BYTES:
            raise InvalidInput({"file": "hostile"})
        for part in parts:
            if part.filename.endswith((".xml", ".rels", ".vml")) and _is_hostile(packed.read(part)):
                raise InvalidInput({"file": "hostile"})


def _is_hostile(xml: bytes) -> bool:
    """True for XML with a document type, or in an encoding in which one could hide."""
    return (
        b"\x00" in xml or xml[:2] in (b"\xfe\xff", b"\xff\xfe") or b"<!" in xml.replace(b"<![CDATA[", b"").replace(b"<!--", b"")
    )


def _sheets(book: Any) -> list[Sheet]:
    if len(book.worksheets) > SHEETS:
        raise InvalidInput({"file": "hostile"})
    found, left = [], ROWS
    for worksheet in book.worksheets:
        rows = _rows(worksheet, left)
        left -= len(rows)
        found.append(Sheet(str(worksheet.title), rows))
    return found


def _rows(worksheet: Any, most: int) -> list[Row]:
    found: list[Row] = []
    for number, cells in enumerate(worksheet.iter_rows(max_col=COLUMNS), 1):
        values = tuple(cell.value for cell in cells)
        if any(value not in (None, "") for value in values):
            formulas = frozenset(n for n, cell in enumerate(cells) if getattr(cell, "data_type", "") in ("f", "e"))
            found.append(Row(number, values, formulas))
        if len(found) > most or number > LOOKED_AT:
            raise InvalidInput({"file": "too_many_rows"}, most=ROWS)
    return found


def write(sheets: Iterable[tuple[str, Sequence[str], Iterable[Sequence[str]]]]) -> bytes:
    """An xlsx file of sheets (title, headers, rows). Every cell is text: what begins with "=" is no formula when it is opened."""
    book = openpyxl.Workbook(write_only=True)
    for title, headers, rows in sheets:
        sheet = book.create_sheet(title)
        sheet.freeze_panes = "B2"
        for n, header in enumerate(headers, 1):
            sheet.column_dimensions[get_column_letter(n)].width = max(14, min(40, 2 * len(header) + 6))
        sheet.append([_cell(sheet, header, is_head=True) for header in headers])
        for row in rows:
            sheet.append([_cell(sheet, text) for text in row])
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _cell(sheet: Any, text: str, *, is_head: bool = False) -> Any:
    cell = WriteOnlyCell(sheet, value=text or None)
    if text:
        cell.data_type = "s"
    cell.number_format = "@"
    cell.quotePrefix = text.startswith(("=", "+", "-", "@"))
    if is_head:
        cell.font, cell.fill = Font(bold=True), HEAD_FILL
        cell.alignment = Alignment(vertical="center", wrap_text=True)
    return cell
