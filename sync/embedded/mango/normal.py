"""Selectors in one normal form: explicit operators, whole field names, negations pushed down. Pure.

The form decides what a selector means: CouchDB turns `{"$not": {"a": 1}}` into `{"a": {"$ne": 1}}`, which a document
without `a` does not match. A normal selector is empty or has exactly one member: a field with a condition, or an operator.
"""

from collections.abc import Callable
from typing import Any

from sync.embedded.codec import dump
from sync.embedded.mango.patterns import compile_pattern
from sync.embedded.refusals import Refusal

Normal = dict[str, Any]

MOST_DEPTH = 100

_COMBINING = ("$and", "$or", "$nor")
_OF_ELEMENTS = ("$elemMatch", "$allMatch", "$keyMapMatch")
_OPPOSITES = {"$lt": "$gte", "$lte": "$gt", "$eq": "$ne", "$ne": "$eq", "$gte": "$lt", "$gt": "$lte"}
_OPPOSITES |= {"$in": "$nin", "$nin": "$in"}
_UNSUPPORTED = ("$where", "$geoWithin", "$geoIntersects", "$near", "$nearSphere")


def normalize(selector: object) -> Normal:
    """The normal form. Raises 400 in CouchDB's words for what is no selector."""
    if not isinstance(selector, dict):
        raise Refusal(400, "invalid_selector_json", f"Selector must be a JSON object, not: {dump(selector).decode()}")
    if not selector:
        return {}
    _check_depth(selector)
    normal = _push_negations(_name_fields(_spell_out(selector), ""))
    if "" in normal:
        raise Refusal(400, "invalid_selector", "One or more conditions is missing a field name.")
    return normal


def has_patterns(normal: Any) -> bool:
    """Whether a `$regex` is anywhere in it."""
    if isinstance(normal, dict):
        return "$regex" in normal or any(has_patterns(each) for each in normal.values())
    return isinstance(normal, list) and any(has_patterns(each) for each in normal)


def _check_depth(selector: Any) -> None:
    level = [selector]
    for _ in range(MOST_DEPTH):
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
        if not level:
            return
    raise Refusal(400, "invalid_selector", "The selector is nested too deeply.")


def _spell_out(value: Any) -> Normal:
    """Several members become `$and`, a bare value `$eq`; arguments are checked."""
    if not isinstance(value, dict) or not value:
        return {"$eq": value}
    if len(value) > 1:
        return {"$and": [_spell_out({name: part}) for name, part in value.items()]}
    ((name, argument),) = value.items()
    if not name.startswith("$"):
        return {name: _spell_out(argument)}
    if name in _UNSUPPORTED:
        raise Refusal(400, "not_supported", f"Unsupported operator: {name}")
    if name == "$text":
        raise Refusal(400, "no_usable_index", "There is no index available for this selector.")
    if name not in _CHECKS:
        raise Refusal(400, "invalid_operator", f"Invalid operator: {name}")
    if not _CHECKS[name](argument):
        raise Refusal(400, "bad_arg", f"Bad argument for operator {name}: {dump(argument).decode()}")
    if name in _COMBINING:
        return {name: [_spell_out(each) for each in argument]}
    return {name: _spell_out(argument)} if name in ("$not", *_OF_ELEMENTS) else value


def _name_fields(selector: Normal, path: str) -> Normal:
    """Moves the name of a field down to where its value is looked at: `{"a": {"$or": […]}}` → `{"$or": [{"a": …}, …]}`."""
    ((name, argument),) = selector.items()
    if name in _COMBINING:
        return {name: [_name_fields(each, path) for each in argument]}
    if name == "$not":
        return {name: _name_fields(argument, path)}
    if name in _OF_ELEMENTS:
        return {path: {name: _name_fields(argument, "")}}
    if name.startswith("$"):
        return {path: selector}
    return _name_fields(argument, f"{path}.{name}" if path else name)


def _push_negations(selector: Normal) -> Normal:
    ((name, argument),) = selector.items()
    if name == "$not":
        return _negate(argument)
    if name == "$nor":
        return {"$and": [_negate(each) for each in argument]}
    if name in ("$and", "$or"):
        return {name: [_push_negations(each) for each in argument]}
    if not name.startswith("$"):
        return {name: _push_into_elements(argument)}
    return selector


def _push_into_elements(condition: Normal) -> Normal:
    ((name, argument),) = condition.items()
    return {name: _push_negations(argument)} if name in _OF_ELEMENTS else condition


def _negate(selector: Normal) -> Normal:
    ((name, argument),) = selector.items()
    if name == "$not":
        return _push_negations(argument)
    if name == "$nor":
        return {"$or": [_push_negations(each) for each in argument]}
    if name in ("$and", "$or"):
        return {"$or" if name == "$and" else "$and": [_negate(each) for each in argument]}
    if name in _OPPOSITES:
        return {_OPPOSITES[name]: argument}
    if name == "$exists":
        return {name: not argument}
    if name.startswith("$"):
        return {"$not": _push_into_elements(selector)}
    return {name: _negate(argument)}


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_pattern(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        compile_pattern(value)
    except ValueError:
        return False
    return True


def _is_division(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_is_integer, value)) and value[0] != 0


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_anything(_: Any) -> bool:
    return True


_CHECKS: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(("$and", "$or", "$nor", "$in", "$nin", "$all"), _is_list),
    **dict.fromkeys(("$not", *_OF_ELEMENTS), _is_object),
    **dict.fromkeys(("$type", "$beginsWith"), _is_text),
    **dict.fromkeys(("$lt", "$lte", "$eq", "$ne", "$gte", "$gt"), _is_anything),
    "$exists": lambda value: isinstance(value, bool),
    "$mod": _is_division,
    "$regex": _is_pattern,
    "$size": lambda value: _is_integer(value) and value >= 0,
}
