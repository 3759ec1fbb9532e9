"""Why a move was not made, in words, and what was typed for it: in its form again, or beside the message when the form is gone.

No HTTP here; which text an error has is `errors.py`.
"""

from collections.abc import Mapping
from typing import Any

from server.domain.errors import Changed, DomainError, IllegalMove, RuleBroken
from server.web import locale
from server.web.errors import Answer
from server.web.move_forms import FIELDS, LISTS
from server.web.names import Names

View = dict[str, Any]
LONG = frozenset({"reason", "result", "text"})


def view(  # noqa: PLR0917 - words, then what stands on the page, then what went wrong
    names: Names, language: str, page: Mapping[str, Any], case: Mapping[str, Any], error: DomainError, typed: Mapping[str, str]
) -> View:
    """`{is_changed, last, state, kept, fields, text}`: `kept` is what no form on the page (a case's view) holds any more."""
    is_changed = isinstance(error, Changed) or (isinstance(error, IllegalMove) and not isinstance(error, RuleBroken))
    last = case["last_event"]
    by = names.people({last["by"]}, language)[last["by"]]
    has_form = any(form["name"] == typed.get("move") for form in page["moves"])
    return {
        "is_changed": is_changed,
        "last": {"by": by, "at": last["at"], "move": last["move"]},
        "state": case["state"],
        "kept": [] if has_form else _kept(names, language, typed),
        "fields": getattr(error, "fields", {}),
        "text": Answer(error).text(language),
    }


def _kept(names: Names, language: str, typed: Mapping[str, str]) -> list[View]:
    """What was typed, field by field, to be copied by hand."""
    found = [
        (name, _words(names, language, name, typed[name])) for name in FIELDS if name not in LISTS and typed.get(name, "").strip()
    ]
    units = [names.unit(field.partition(":")[2], language) for field in typed if field.startswith("supporting:")]
    if units:
        found.append(("supporting", locale.text(language, "event.list_join").join(units)))
    return [{"label": locale.text(language, f"field.{name}"), "value": value, "is_long": name in LONG} for name, value in found]


def _words(names: Names, language: str, name: str, value: str) -> str:
    if name == "unit":
        return names.unit(value, language)
    if name == "category":
        return names.category(value, language)
    if name == "grid":
        return names.grid(value, language)
    key = f"choice.{name}.{value}"
    return locale.text(language, key) if locale.has_text(key) else value
