"""The selectors of `filter=_selector`, as far as a feed needs them: equality and `$eq $in $exists $and`.

Other operators are refused rather than guessed at; full selectors belong to queries, which this node does not have yet.
"""

from collections.abc import Callable
from typing import Any

from sync.embedded.refusals import bad_request, not_implemented

_ABSENT: Any = object()
Test = Callable[[dict[str, Any]], bool]


class Selector:
    """A compiled selector. Raises 400 for what is none, 501 for operators that are not supported."""

    def __init__(self, selector: object) -> None:
        if not isinstance(selector, dict):
            raise bad_request("Selector must be a JSON object")
        self._tests = [_compile_member(name, wanted) for name, wanted in selector.items()]

    def matches(self, document: dict[str, Any]) -> bool:
        """Whether the document has what is asked."""
        return all(test(document) for test in self._tests)


def _compile_member(name: str, wanted: Any) -> Test:
    if name == "$and" and isinstance(wanted, list) and wanted:
        parts = [Selector(each) for each in wanted]
        return lambda document: all(part.matches(document) for part in parts)
    if name.startswith("$"):
        raise not_implemented(f"The selector operator {name}")
    path = name.split(".")
    if not isinstance(wanted, dict):
        return lambda document: _is_same(_look_up(document, path), wanted)
    if any("\\" in part for part in path) or not wanted or not all(key.startswith("$") for key in wanted):
        raise not_implemented("A nested selector")
    tests = [_compile_operator(operator, value) for operator, value in wanted.items()]
    return lambda document: all(test(_look_up(document, path)) for test in tests)


def _compile_operator(operator: str, value: Any) -> Callable[[Any], bool]:
    if operator == "$eq":
        return lambda found: _is_same(found, value)
    if operator == "$in" and isinstance(value, list):
        return lambda found: any(_is_same(found, each) for each in value)
    if operator == "$exists" and isinstance(value, bool):
        return lambda found: (found is not _ABSENT) == value
    raise not_implemented(f"The selector operator {operator}")


def _look_up(document: Any, path: list[str]) -> Any:
    for part in path:
        if not isinstance(document, dict) or part not in document:
            return _ABSENT
        document = document[part]
    return document


def _is_same(found: Any, wanted: Any) -> bool:
    """JSON equality: true is not 1."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    return bool(found == wanted)
