"""What imports say to people, in their language: problems by sheet, row and column, counts, refusals. For pages and commands."""

from collections.abc import Mapping

from server.domain.errors import DomainError
from server.lists.columns import COLUMNS, list_named
from server.lists.plans import VERBS
from server.lists.rows import Problem
from server.web import locale


def problem(found: Problem, language: str) -> str:
    """`Sheet "Territory", row 4, column "Primary unit": no such unit — "城管局"`."""
    key = "lists.at_column" if found.column and found.row else "lists.at_row" if found.row else "lists.at_sheet"
    where = locale.text(language, key, sheet=found.sheet, row=found.row, column=column(found, language))
    value = f" — {found.value}" if found.value else ""
    return f"{where}{reason(found, language)}{value}"


def column(found: Problem, language: str) -> str:
    """The header of the column a problem is in."""
    list_ = list_named(found.sheet)
    titles = {one.field: one.title(language) for one in COLUMNS[list_]} if list_ else {}
    return titles.get(found.column, found.column)


def reason(found: Problem, language: str) -> str:
    """What is wrong."""
    return locale.text(language, f"lists.problem.{found.code}")


def counts(found: Mapping[str, int], language: str) -> str:
    """`added 3, changed 1, ended 0, unchanged 17`."""
    parts = (f"{locale.text(language, f'lists.verb.{verb}')} {found.get(verb, 0)}" for verb in VERBS)
    return locale.text(language, "lists.comma").join(parts)


def refusal(error: DomainError, language: str) -> str:
    """Why a file was refused as a whole."""
    code = getattr(error, "fields", {}).get("file", error.code)
    key = f"lists.file.{code}"
    return locale.text(language, key if locale.has_text(key) else f"error.{error.code}")
