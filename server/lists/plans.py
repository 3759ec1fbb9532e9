"""What a file would change: each of its rows against what is in force, as steps that staff see before anything happens. Pure.

A row that says nothing new is `same`. A row of a new key is `added`, one that reads otherwise `changed`: a new version from its
own first day when that was changed in the file, else from the day of the import. One that is given a last day is `ended` then; so
is, when the file is said to be the whole list, what the file does not have. Versions that began are never rewritten.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from server.domain.list_versions import Book, Version
from server.lists.rows import Line, Problem, Read

VERBS = ("added", "changed", "ended", "same")


class Step(NamedTuple):
    """What happens to one entry: `before` is in force now (None: not there), `after` is the new version (None: nothing new)."""

    verb: str
    list: str
    key: str
    row: int
    before: Version | None
    after: Version | None


class Plan(NamedTuple):
    """The steps, and the problems that forbid all of them. `base` is the change the plan was made against."""

    steps: list[Step]
    problems: list[Problem]
    base: int

    def counts(self) -> dict[str, int]:
        """How many entries are added, changed, ended and the same."""
        found = Counter(step.verb for step in self.steps)
        return {verb: found[verb] for verb in VERBS}

    def versions(self) -> list[Version]:
        """The new versions."""
        return [step.after for step in self.steps if step.after is not None]


def make(found: Read, book: Book, day: str, *, is_whole: bool, titles: Mapping[str, str]) -> Plan:
    """The plan of a file on a day. `titles` name each list's sheet in problems."""
    steps: list[Step] = []
    problems = list(found.problems)
    for line in found.lines:
        step = _step(line, book, day)
        if isinstance(step, Step):
            steps.append(step)
        else:
            field, code, value = step
            problems.append(Problem(titles[line.list], line.row, field, code, value))
    if is_whole:
        steps += _missing(found.lines, found.lists, book, day)
    return Plan(steps, problems, book.last_change)


def _step(line: Line, book: Book, day: str) -> Step | tuple[str, str, str]:
    """What one row does; field, code and value when it cannot."""
    now = book.find(line.list, line.key, day)
    if now is None:
        planned = next((one for one in book.history(line.list, line.key) if one.valid_from > day and one.body), None)
        if planned is not None and _says_the_same(line, planned):
            return Step("same", line.list, line.key, line.row, planned, None)
        begins = line.valid_from or day
        if line.valid_to and line.valid_to < begins:
            return "valid_to", "days_reversed", line.valid_to
        return Step("added", line.list, line.key, line.row, None, _version(line, begins))
    if _says_the_same(line, now):
        return Step("same", line.list, line.key, line.row, now, None)
    if line.valid_from and line.valid_from < now.valid_from:
        return "valid_from", "before_present", now.valid_from
    is_same_text = line.body == now.body
    begins = now.valid_from if is_same_text and line.valid_from in (None, now.valid_from) else _begin(line, now, day)
    if line.valid_to and line.valid_to < begins:
        return "valid_to", "days_reversed", line.valid_to
    verb = "ended" if is_same_text and line.valid_to and not now.valid_to else "changed"
    return Step(verb, line.list, line.key, line.row, now, _version(line, begins))


def _begin(line: Line, now: Version, day: str) -> str:
    """The first day of a new version: the file's own when it was changed there, else the day of the import."""
    return line.valid_from if line.valid_from and line.valid_from != now.valid_from else max(day, now.valid_from)


def _says_the_same(line: Line, version: Version) -> bool:
    is_same_start = line.valid_from in (None, version.valid_from)
    return line.body == version.body and line.valid_to == version.valid_to and is_same_start


def _version(line: Line, begins: str) -> Version:
    return Version(line.list, line.key, 0, begins, line.valid_to, line.body)


def _missing(lines: Sequence[Line], in_file: frozenset[str], book: Book, day: str) -> Iterator[Step]:
    kept = {(line.list, line.key) for line in lines}
    for list_ in sorted(in_file):
        for key, now in book.at(list_, day).items():
            if (list_, key) not in kept:
                yield Step("ended", list_, key, 0, now, Version(list_, key, 0, day, None, None))
