"""From a normal selector to a function that says whether a value fits. Pure.

Values compare in the order of views (`views/collation.py`), ids byte by byte. Regular expressions run here without any
limit: whoever calls with `$regex` does so in a mapper process.
"""

from collections.abc import Callable
from typing import Any

from sync.embedded.mango.fields import ABSENT, BLOCKED, look_up, read_path
from sync.embedded.mango.normal import Normal
from sync.embedded.mango.patterns import compile_pattern
from sync.embedded.views.collation import encode

Test = Callable[[Any], bool]
Rank = Callable[[Any], Any]


def compile_test(normal: Normal, rank: Rank = encode) -> Test:
    """The test of a normal selector or condition; `rank` gives what values are compared by."""
    if not normal:
        return _is_anything
    ((name, argument),) = normal.items()
    if name == "$and":
        return _all_of([compile_test(each, rank) for each in argument])
    if name == "$or":
        return _any_of([compile_test(each, rank) for each in argument])
    if name == "$not":
        inner = compile_test(argument, rank)
        return lambda value: not inner(value)
    if name in _COMPARISONS:
        return _COMPARISONS[name](rank(argument), rank)
    if name in _CONDITIONS:
        return _CONDITIONS[name](argument, rank)
    return compile_test(argument, rank) if name == "" else _compile_field(name, argument)


def rank_id(value: Any) -> tuple[bool, str]:
    """Ids come in the order of their bytes, and after everything that is no text."""
    return (True, value) if isinstance(value, str) else (False, "")


def _is_anything(_: Any) -> bool:
    return True


def _is_nothing(_: Any) -> bool:
    return False


def _all_of(tests: list[Test]) -> Test:
    return lambda value: all(test(value) for test in tests)


def _any_of(tests: list[Test]) -> Test:
    """CouchDB takes an empty `$or` for true where it stands beside something else."""
    return lambda value: not tests or any(test(value) for test in tests)


def _compile_field(field: str, condition: Normal) -> Test:
    path = read_path(field)
    inner = compile_test(condition, rank_id if field == "_id" else encode)
    fits_absence = condition == {"$exists": False}

    def test(document: Any) -> bool:
        found = look_up(document, path)
        if found is ABSENT:
            return fits_absence
        return found is not BLOCKED and inner(found)

    return test


def _compile_in(arguments: Any, rank: Rank) -> Test:
    wanted = {rank(each) for each in arguments}
    return lambda value: any(rank(each) in wanted for each in (value if isinstance(value, list) else (value,)))


def _compile_not_in(arguments: Any, rank: Rank) -> Test:
    is_in = _compile_in(arguments, rank)
    return lambda value: not is_in(value)


def _compile_all(arguments: Any, _: Rank) -> Test:
    wanted = [_exactly(each) for each in arguments]
    only = arguments[0] if len(arguments) == 1 and isinstance(arguments[0], list) else None

    def test(value: Any) -> bool:
        if not wanted or not isinstance(value, list):
            return False
        found = [_exactly(each) for each in value]
        return all(each in found for each in wanted) or (only is not None and _exactly(only) == _exactly(value))

    return test


def _compile_any_element(argument: Any, rank: Rank) -> Test:
    inner = compile_test(argument, rank)
    return lambda value: isinstance(value, list) and any(inner(each) for each in value)


def _compile_every_element(argument: Any, rank: Rank) -> Test:
    inner = compile_test(argument, rank)
    return lambda value: isinstance(value, list) and bool(value) and all(inner(each) for each in value)


def _compile_any_key(argument: Any, rank: Rank) -> Test:
    inner = compile_test(argument, rank)
    return lambda value: isinstance(value, dict) and any(inner(each) for each in value)


def _compile_exists(argument: Any, _: Rank) -> Test:
    """Whoever looks at a value has found it."""
    return _is_anything if argument else _is_nothing


def _compile_type(argument: Any, _: Rank) -> Test:
    return lambda value: _name_type(value) == argument


def _compile_size(argument: Any, _: Rank) -> Test:
    return lambda value: isinstance(value, list) and len(value) == argument


def _compile_remainder(argument: Any, _: Rank) -> Test:
    divisor, rest = argument

    def test(value: Any) -> bool:
        if not isinstance(value, int) or isinstance(value, bool):
            return False
        left = abs(value) % abs(divisor)  # the sign is the value's, as in Erlang
        return bool((-left if value < 0 else left) == rest)

    return test


def _compile_regex(argument: Any, _: Rank) -> Test:
    search = compile_pattern(argument).search
    return lambda value: isinstance(value, str) and search(value.encode()) is not None


def _compile_beginning(argument: Any, _: Rank) -> Test:
    return lambda value: isinstance(value, str) and value.startswith(argument)


def _name_type(value: Any) -> str:
    return _TYPES.get(type(value), "number")


def _exactly(value: Any) -> Any:
    """Something that is equal exactly for the same JSON: true is not 1, and 1 is not 1.0, as in Erlang's lists."""
    if isinstance(value, list):
        return [_exactly(each) for each in value]
    if isinstance(value, dict):
        return [(name, _exactly(each)) for name, each in value.items()], "object"
    return type(value), value


_TYPES: dict[type, str] = {type(None): "null", bool: "boolean", str: "string", list: "array", dict: "object"}
_COMPARISONS: dict[str, Callable[[Any, Rank], Test]] = {
    "$lt": lambda wanted, rank: lambda value: bool(rank(value) < wanted),
    "$lte": lambda wanted, rank: lambda value: bool(rank(value) <= wanted),
    "$eq": lambda wanted, rank: lambda value: bool(rank(value) == wanted),
    "$ne": lambda wanted, rank: lambda value: bool(rank(value) != wanted),
    "$gte": lambda wanted, rank: lambda value: bool(rank(value) >= wanted),
    "$gt": lambda wanted, rank: lambda value: bool(rank(value) > wanted),
}
_CONDITIONS: dict[str, Callable[[Any, Rank], Test]] = {
    "$in": _compile_in,
    "$nin": _compile_not_in,
    "$all": _compile_all,
    "$elemMatch": _compile_any_element,
    "$allMatch": _compile_every_element,
    "$keyMapMatch": _compile_any_key,
    "$exists": _compile_exists,
    "$type": _compile_type,
    "$size": _compile_size,
    "$mod": _compile_remainder,
    "$regex": _compile_regex,
    "$beginsWith": _compile_beginning,
}
