"""The body of `_find` and `_explain`, checked. Pure; the answers to bad ones are CouchDB's."""

from dataclasses import dataclass
from typing import Any

from sync.embedded.codec import dump
from sync.embedded.mango.fields import Projection
from sync.embedded.mango.indexes import read_sort
from sync.embedded.mango.selector import Selector
from sync.embedded.refusals import Refusal, not_implemented

DEFAULT_LIMIT = 25
_KEYS = frozenset((
    *("selector", "fields", "sort", "limit", "skip", "bookmark", "conflicts", "execution_stats"),
    *("use_index", "allow_fallback", "update", "stale", "stable", "r", "partition"),
))  # fmt: skip


@dataclass(frozen=True)
class Question:
    """What is asked. `use_index` is [design document] or [design document, name] or empty."""

    selector: Selector
    fields: Projection
    sort: tuple[tuple[str, str], ...]
    limit: int
    skip: int
    bookmark: str | None
    use_index: tuple[str, ...]
    may_fall_back: bool
    wants_conflicts: bool
    wants_statistics: bool
    wants_fresh: bool

    @property
    def is_descending(self) -> bool:
        """Whether the order is backwards."""
        return any(direction == "desc" for _, direction in self.sort)

    @property
    def has_nothing_to_say(self) -> bool:
        """CouchDB answers a lone `$and` or `$or` of nothing with nothing."""
        return any(self.selector.normal == {operator: []} for operator in ("$and", "$or"))


def read_question(body: dict[str, Any]) -> Question:
    """Raises 400 for what is wrong, 501 for what only CouchDB has."""
    for key in body:
        if key not in _KEYS:
            raise Refusal(400, "invalid_key", f"Invalid key {key} for this request.")
    if "selector" not in body:
        raise Refusal(400, "missing_required_key", "Missing required key: selector")
    if body.get("partition", ""):
        raise not_implemented("A partition")
    if body.get("stale", False) not in (False, "false", "ok"):
        raise Refusal(400, "invalid_ok_or_false_value", "Invalid value for stale")
    _read_count(body, "r", 1)
    _read_flag(body, "stable", False)
    return Question(
        selector=Selector(body["selector"]),
        fields=Projection(body.get("fields", [])),
        sort=read_sort(body.get("sort", [])),
        limit=_read_count(body, "limit", DEFAULT_LIMIT),
        skip=_read_count(body, "skip", 0),
        bookmark=_read_bookmark(body.get("bookmark")),
        use_index=_read_use_index(body.get("use_index")),
        may_fall_back=_read_flag(body, "allow_fallback", True),
        wants_conflicts=_read_flag(body, "conflicts", False),
        wants_statistics=_read_flag(body, "execution_stats", False),
        wants_fresh=_read_flag(body, "update", True) and body.get("stale") != "ok",
    )


def _read_count(body: dict[str, Any], name: str, default: int) -> int:
    value = body.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        reason = f"{dump(value).decode()} is not an integer greater than or equal to zero"
        raise Refusal(400, "invalid_non_neg_integer", reason)
    return value


def _read_flag(body: dict[str, Any], name: str, default: bool) -> bool:
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise Refusal(400, "invalid_boolean", f"Invalid boolean value: {dump(value).decode()}")
    return value


def _read_bookmark(value: Any) -> str | None:
    if value is None or value in ("", "nil"):  # the bookmark of an answer without documents is `nil`
        return None
    if not isinstance(value, str):
        raise Refusal(400, "invalid_bookmark", f"Invalid bookmark value: {dump(value).decode()}")
    return value


def _read_use_index(value: Any) -> tuple[str, ...]:
    parts = value.removeprefix("_design/").split("/") if isinstance(value, str) else [] if value is None else value
    if not isinstance(parts, list) or len(parts) > 2 or not all(isinstance(part, str) for part in parts):
        raise Refusal(400, "invalid_index_name", f"Invalid index name: {dump(value).decode()}")
    return ("_design/" + parts[0].removeprefix("_design/"), *parts[1:]) if parts else ()
