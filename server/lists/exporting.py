"""Excel out: the lists of a day as sheets that `importing.py` takes back unchanged."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from server.domain.list_versions import Book, Version
from server.lists import cells, naming, sheets, store
from server.lists.cells import Names
from server.lists.columns import COLUMNS, TITLES, title_of
from sync.couch import Couch


def workbook(couch: Couch, day: str, now: datetime, language: str, only: Iterable[str] = TITLES) -> bytes:
    """The entries in force on a day as an xlsx file, one sheet a list, headers and choices in a language."""
    book = store.read(couch).book
    names = naming.names_of(couch, book, now, language)
    wanted = [list_ for list_ in TITLES if list_ in set(only)]
    return sheets.write(
        (title_of(list_, language), _headers(list_, language), rows(book, list_, day, names, language)) for list_ in wanted
    )


def rows(book: Book, list_: str, day: str, names: Names, language: str) -> Iterator[list[str]]:
    """The rows of a list on a day, as text, in the columns' order."""
    return (shown(version, names, language) for version in book.at(list_, day).values())


def shown(version: Version, names: Names, language: str) -> list[str]:
    """One version's cells."""
    own = {"key": version.key, "valid_from": version.valid_from, "valid_to": version.valid_to}
    columns = COLUMNS[version.list]
    values = [own.get(column.field, getattr(version.body, column.field, None)) for column in columns]
    return [cells.show(column, value, names, language) for column, value in zip(columns, values, strict=True)]


def _headers(list_: str, language: str) -> list[str]:
    return [column.title(language) for column in COLUMNS[list_]]
