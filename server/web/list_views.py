"""View models of the lists: tables, an entry's versions, a preview's steps. Codes become names, no HTTP here."""

from collections.abc import Mapping, Sequence
from typing import Any

from server.domain.list_versions import Book, Version
from server.lists import cells, wording
from server.lists.cells import Names
from server.lists.columns import COLUMNS, TITLES, Column, title_of
from server.lists.plans import Plan, Step
from server.lists.rows import Problem

PAGE = 100
STEPS_SHOWN = 300
View = dict[str, Any]


class ListViews:
    """Makes view models of one book in one language."""

    def __init__(self, book: Book, names: Names, language: str) -> None:
        self._book = book
        self._names = names
        self._language = language

    def tabs(self, day: str) -> list[View]:
        """The lists with how many entries each has on a day."""
        return [{"list": key, "name": title_of(key, self._language), "count": len(self._book.at(key, day))} for key in TITLES]

    def headers(self, list_: str) -> list[str]:
        """The headers of a list's table."""
        return [column.title(self._language) for column in COLUMNS[list_]]

    def table(self, list_: str, day: str, q: str) -> list[View]:
        """The entries in force on a day whose shown text has these words."""
        wanted = q.casefold()
        rows = ({"key": key, "cells": self.cells(version)} for key, version in self._book.at(list_, day).items())
        return [row for row in rows if not wanted or wanted in " ".join(str(one) for one in row["cells"]).casefold()]

    def cells(self, version: Version) -> list[str]:
        """A version's values as the page shows them: of a unit the name alone."""
        return [self._shown(column, version) for column in COLUMNS[version.list]]

    def versions(self, list_: str, key: str, day: str, changes: Mapping[int, Mapping[str, Any]]) -> list[View]:
        """All versions of an entry, newest first, each with what it changed."""
        now, found, before = self._book.find(list_, key, day), [], None
        for version in self._book.history(list_, key):
            state = "in_force" if version is now else "planned" if version.valid_from > day else "past"
            change = changes.get(version.change, {})
            facts = [] if version.body is None else self._facts(version, before)
            found.append({"version": version, "state": state, "facts": facts, "change": change, "is_end": version.body is None})
            before = version if version.body is not None else None
        return found[::-1]

    def form(self, list_: str, version: Version | None, typed: Mapping[str, str] | None = None) -> list[View]:
        """The fields of an entry's form with what they hold, or what somebody typed."""
        found = []
        for column in COLUMNS[list_]:
            value = "" if version is None else cells.show(column, _value(column, version), self._names, self._language)
            flag = {"yes": ("是", "yes"), "no": ("否", "no")} if column.kind == "flag" else None
            choices = [names[1 if self._language == "en" else 0] for names in (column.choices or flag or {}).values()]
            shown = {"field": column.field, "title": column.title(self._language), "is_needed": column.is_needed}
            shown |= {"value": (typed or {}).get(column.field, value), "choices": choices, "is_day": column.kind == "day"}
            found.append(shown | {"is_fixed": column.field == "key" and version is not None})
        return found

    def steps(self, plan: Plan) -> list[View]:
        """What a plan does, the same left out; at most as many as a person can look through."""
        return [self._step(step) for step in plan.steps if step.verb != "same"][:STEPS_SHOWN]

    def problems(self, found: Sequence[Problem]) -> list[View]:
        """Problems with their sheet, row, column, reason and what stood in the cell."""
        return [
            {
                "sheet": one.sheet,
                "row": one.row or "",
                "column": wording.column(one, self._language),
                "field": one.column,
                "reason": wording.reason(one, self._language),
                "value": one.value,
            }
            for one in found
        ]

    def _step(self, step: Step) -> View:
        after = step.after
        facts = [] if after is None or after.body is None else self._facts(after, step.before)
        return {
            "verb": step.verb,
            "list": title_of(step.list, self._language),
            "row": step.row or "",
            "key": step.key,
            "name": self.name(step.after if after and after.body else step.before),
            "facts": [fact for fact in facts if fact["is_new"] and fact["field"] != "valid_from"],
            "from": after.valid_from if after else "",
        }

    def name(self, version: Version | None) -> str:
        """What an entry is called: its item, name or account; in English by its English name, where it has one."""
        body = version.body if version else None
        english = str(getattr(body, "name_en", "")) if self._language == "en" else ""
        return english or str(getattr(body, "item", "") or getattr(body, "name", "") or getattr(body, "account", ""))

    def _facts(self, version: Version, before: Version | None) -> list[View]:
        found = []
        for column in COLUMNS[version.list][1:]:
            new = self._shown(column, version)
            old = self._shown(column, before) if before is not None else ""
            is_day = column.field in ("valid_from", "valid_to")
            is_new = new != old and not (before is None and not new) and not (is_day and before is None)
            found.append({"field": column.field, "title": column.title(self._language), "new": new, "old": old, "is_new": is_new})
        return found

    def _shown(self, column: Column, version: Version) -> str:
        value = _value(column, version)
        if column.kind in ("unit", "units") and value:
            units = [value] if isinstance(value, str) else value
            return "、".join(self._names.units.get(unit.removeprefix("unit:"), unit) for unit in units)
        return cells.show(column, value, self._names, self._language)


def _value(column: Column, version: Version) -> Any:
    own = {"key": version.key, "valid_from": version.valid_from, "valid_to": version.valid_to}
    return own.get(column.field) if column.field in own else getattr(version.body, column.field, None)
