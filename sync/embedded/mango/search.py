"""Carrying out a plan: rows of an index page by page, their documents, those that match, until there are enough.

Each page is read on a snapshot of its own. A document that changed in between is compared as it is now, so that nothing is
answered that does not match. Nothing here blocks the event loop.
"""

import sqlite3
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from sync.embedded.codec import dump
from sync.embedded.database import Database
from sync.embedded.mango.bookmarks import NONE, read_bookmark, write_bookmark
from sync.embedded.mango.indexes import LANGUAGE
from sync.embedded.mango.planning import Plan
from sync.embedded.mango.questions import Question
from sync.embedded.sieves import SelectorSieve
from sync.embedded.views import define
from sync.embedded.views.groups import shared_groups
from sync.embedded.views.index import Index
from sync.embedded.views.scan import add_docs
from sync.embedded.views.spans import Place, Span, just_after
from sync.embedded.views.tables import Table

_LEAST_PAGE, _MOST_PAGE = 50, 500
_WORTH_A_WARNING = 10  # documents looked at for each one found
_MANY_EXAMINED = (
    "The number of documents examined is high in proportion to the number of results returned. "
    "Consider adding a more specific index to improve this."
)

_Row = tuple[str, bytes | None]  # id, and of a JSON index the sort key


@dataclass
class Search:
    """One answer being made. `documents` yields pages; the rest is known when it has ended."""

    database: Database
    question: Question
    plan: Plan
    designs: list[dict[str, Any]]
    bookmark: str = NONE
    examined: int = 0
    returned: int = 0
    _sieve: SelectorSieve = field(init=False)

    def __post_init__(self) -> None:
        self._sieve = SelectorSieve(self.question.selector)
        self.bookmark = self.question.bookmark or NONE

    async def documents(self) -> AsyncIterator[list[dict[str, Any]]]:
        """The matching documents, cut to the fields asked for. Raises `Refusal`."""
        skip, room = self.question.skip, self.question.limit
        if self.plan.is_empty() or self.question.has_nothing_to_say:
            return
        async for rows in self._pages():
            documents = await self._fetch(rows)
            texts = [dump(document) for _, document in documents]
            passed = await shared_groups().run(self._sieve.sift, texts)
            found: list[dict[str, Any]] = []
            for (row, document), is_match in zip(documents, passed, strict=True):
                if room == 0:
                    break
                self.examined += 1
                if not is_match:
                    continue
                self.bookmark = write_bookmark(*row)
                if skip:
                    skip -= 1
                    continue
                room -= 1
                found.append(self.question.fields.cut(document))
            self.returned += len(found)
            if found:
                yield found
            if room == 0:
                return

    def warnings(self) -> list[str]:
        """What the client should know about how its query went."""
        is_wide = self.examined > _WORTH_A_WARNING * max(1, self.returned)
        return [*self.plan.warnings, *([_MANY_EXAMINED] if is_wide else [])]

    async def _pages(self) -> AsyncIterator[list[_Row]]:
        after = read_bookmark(self.question.bookmark) if self.question.bookmark is not None else None
        wanted = self.question.skip + self.question.limit
        size = min(max(wanted, _LEAST_PAGE), _MOST_PAGE)
        read = self._read_ids if self.plan.index.design is None else self._read_index
        is_first = True
        while rows := await read(after, size, is_first):
            yield rows
            if len(rows) < size:
                return
            after, is_first, size = rows[-1], False, min(size * 2, _MOST_PAGE)

    async def _fetch(self, rows: list[_Row]) -> list[tuple[_Row, dict[str, Any]]]:
        shells: list[dict[str, Any]] = [{"id": id_, "value": None} for id_, _ in rows]
        await shared_groups().run(add_docs, self.database, shells, self.question.wants_conflicts)
        found = [(row, shell["doc"]) for row, shell in zip(rows, shells, strict=True)]
        return [(row, document) for row, document in found if document is not None]

    async def _read_ids(self, after: _Row | None, size: int, _: bool) -> list[_Row]:
        first, last = self.plan.ids()
        is_descending = self.question.is_descending
        where, values = ["deleted = 0", "id >= ?", "NOT (id >= '_design/' AND id < '_design0')"], [first]
        if last is not None:
            where.append("id <= ?")
            values.append(last)
        if after is not None:
            where.append("id < ?" if is_descending else "id > ?")
            values.append(after[0])
        order = "DESC" if is_descending else "ASC"
        sql = f"SELECT id FROM doc WHERE {' AND '.join(where)} ORDER BY id {order} LIMIT {size}"  # noqa: S608

        def read(connection: sqlite3.Connection) -> list[_Row]:
            return [(row[0], None) for row in connection.execute(sql, values)]

        return await shared_groups().run(self.database.read, read)

    async def _read_index(self, after: _Row | None, size: int, is_first: bool) -> list[_Row]:
        groups, index = shared_groups(), self.plan.index
        design = next(each for each in self.designs if each["_id"] == index.design)
        definition = define(design)
        view = definition.view(index.name)
        span = self._rest_of(self.plan.span(), after)

        def read(connection: sqlite3.Connection, built: Index) -> list[_Row]:
            built.refuse_stopped(view.function)
            return _select(Table(connection, view.function), span, size, self.question.is_descending)

        is_fresh = is_first and self.question.wants_fresh
        target = await groups.run(self.database.update_seq) if is_fresh else None
        return await groups.read(groups.find(self.database, definition), target, read)

    def _rest_of(self, span: Span, after: _Row | None) -> Span:
        if after is None or after[1] is None:
            return span
        place: Place = (after[1], after[0].encode())
        rest = Span(upper=place) if self.question.is_descending else Span(just_after(*place))
        return span.within(rest)


async def read_designs(database: Database) -> list[dict[str, Any]]:
    """The design documents that hold query indexes."""

    def read(connection: sqlite3.Connection) -> list[str]:
        sql = "SELECT id FROM doc WHERE deleted = 0 AND id >= '_design/' AND id < '_design0' ORDER BY id"
        return [row[0] for row in connection.execute(sql)]

    groups = shared_groups()
    found = await groups.run(database.get_winners, await groups.run(database.read, read))
    return [design for design in found.values() if design is not None and design.get("language") == LANGUAGE]


def _select(table: Table, span: Span, size: int, is_descending: bool) -> list[_Row]:
    way = "DESC" if is_descending else "ASC"
    sql = (
        f"SELECT id, key FROM {table.rows} WHERE (key, id) >= (?, ?) AND (key, id) < (?, ?) "  # noqa: S608
        f"ORDER BY key {way}, id {way} LIMIT ?"
    )
    return [(row[0].decode(), row[1]) for row in table.connection.execute(sql, (*span.lower, *span.upper, size))]
