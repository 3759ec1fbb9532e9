"""Reads the parameters of a view query, from the address or a JSON body, into a `Query`; refuses what is wrong.

The words of refusals are CouchDB's. Nothing is read from an index here.
"""

import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from sync.embedded.refusals import Refusal, bad_parameter, bad_request, not_implemented
from sync.embedded.views.collation import encode
from sync.embedded.views.spans import HIGHEST, HIGHEST_ID, LOWEST, Place, Span, just_after

EXACT = -1  # group=true: every key is a group of its own

_ALIASES = {
    "start_key": "startkey",
    "end_key": "endkey",
    "start_key_doc_id": "startkey_docid",
    "end_key_doc_id": "endkey_docid",
}
_JSON = ("key", "keys", "startkey", "endkey")
_COUNTS = ("limit", "skip", "group_level")
_FLAGS = (
    "descending",
    "inclusive_end",
    "include_docs",
    "conflicts",
    "update_seq",
    "reduce",
    "group",
    "stable",
    "sorted",
    "attachments",
    "att_encoding_info",
)
_TEXTS = ("startkey_docid", "endkey_docid", "update", "stale")


class Freshness(Enum):
    """When the index is brought up to date: before the answer, after it, or not at all."""

    BEFORE = "before"
    AFTER = "after"
    NEVER = "never"


@dataclass(frozen=True)
class Query:
    """What is asked of one view. `keys` are sort keys; `group_level` is 0 for one group, `EXACT` for group=true."""

    span: Span
    keys: list[bytes] | None
    is_descending: bool
    limit: int | None
    skip: int
    is_reduced: bool
    group_level: int
    includes_docs: bool
    includes_conflicts: bool
    has_update_seq: bool
    freshness: Freshness


def read_query(params: dict[str, Any], body: dict[str, Any] | None, has_reduce: bool) -> Query:
    """Combine address and body (which wins). Raises `Refusal` 400 for bad values and combinations, 501 for unsupported."""
    given = _read_params(params) | _read_body(body or {})
    is_reduced = _decide_reduce(given, has_reduce)
    return Query(
        span=_read_span(given),
        keys=_read_keys(given),
        is_descending=given.get("descending", False),
        limit=given.get("limit"),
        skip=given.get("skip", 0),
        is_reduced=is_reduced,
        group_level=_read_level(given, is_reduced),
        includes_docs=given.get("include_docs", False),
        includes_conflicts=given.get("conflicts", False),
        has_update_seq=given.get("update_seq", False),
        freshness=_read_freshness(given),
    )


def _read_params(params: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for raw_name, text in params.items():
        name = _ALIASES.get(raw_name, raw_name)
        if name in _JSON:
            try:
                given[name] = json.loads(text)
            except (ValueError, RecursionError):
                raise bad_request("invalid UTF-8 JSON") from None
        elif name in _COUNTS:
            given[name] = _read_count(text)
        elif name in _FLAGS:
            given[name] = _read_flag(text)
        elif name in _TEXTS:
            given[name] = text
    return given


def _read_body(body: dict[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for raw_name, value in body.items():
        name = _ALIASES.get(raw_name, raw_name)
        if name in _COUNTS:
            given[name] = _read_count(value)
        elif name in _FLAGS:
            given[name] = _read_flag(value)
        elif name in _TEXTS:
            given[name] = str(value).lower() if isinstance(value, bool) else str(value)
        elif name in _JSON:
            given[name] = value
    return given


def _read_count(value: Any) -> int:
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        raise bad_parameter(f'Invalid value for integer: "{value}"') from None
    if not isinstance(number, int) or isinstance(number, bool):
        raise bad_parameter(f'Invalid value for integer: "{value}"')
    if number < 0:
        raise bad_parameter(f'Invalid value for positive integer: "{value}"')
    return min(number, 1 << 62)


def _read_flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise bad_parameter(f'Invalid boolean parameter: "{value}"')


def _decide_reduce(given: dict[str, Any], has_reduce: bool) -> bool:
    is_reduced: bool = given.get("reduce", has_reduce)
    if is_reduced and not has_reduce:
        raise bad_parameter("Reduce is invalid for map-only views.")
    if not is_reduced and (given.get("group") or given.get("group_level")):
        raise bad_parameter("Invalid use of grouping on a map view.")
    if is_reduced and given.get("include_docs"):
        raise bad_parameter("`include_docs` is invalid for reduce")
    if is_reduced and "keys" in given and not given.get("group"):
        raise bad_parameter("Multi-key fetches for reduce views must use `group=true`")
    for name in ("attachments", "att_encoding_info"):
        if given.get(name):
            raise not_implemented(f"The view parameter {name}")
    return is_reduced


def _read_freshness(given: dict[str, Any]) -> Freshness:
    """`stale` is the old word for `update`."""
    stale = {"ok": "false", "update_after": "lazy"}
    update = stale.get(given["stale"]) if "stale" in given else given.get("update", "true")
    words = {"true": Freshness.BEFORE, "false": Freshness.NEVER, "lazy": Freshness.AFTER}
    if update not in words:
        raise bad_parameter("Invalid value for `update` or `stale`.")
    return words[update]


def _read_level(given: dict[str, Any], is_reduced: bool) -> int:
    if not is_reduced:
        return 0
    if "group_level" in given:
        return int(given["group_level"])
    return EXACT if given.get("group") else 0


def _read_keys(given: dict[str, Any]) -> list[bytes] | None:
    if "keys" not in given:
        return None
    keys = given["keys"]
    if not isinstance(keys, list):
        raise bad_request("`keys` member must be an array.")
    if any(name in given for name in ("key", "startkey", "endkey")):
        raise bad_parameter("`keys` is incompatible with `key`, `start_key` and `end_key`")
    return [_encode(key) for key in keys]


def _read_span(given: dict[str, Any]) -> Span:
    """The rows between start and end, turned the right way round for a descending query."""
    start_at, end_at = ("key", "key") if "key" in given else ("startkey", "endkey")
    start = _encode(given[start_at]) if start_at in given else None
    end = _encode(given[end_at]) if end_at in given else None
    if start is not None and end is not None and (start < end if given.get("descending") else start > end):
        raise bad_parameter("No rows can match your key range, reverse your start_key and end_key or set {descending=true}")
    start_id, end_id = given.get("startkey_docid"), given.get("endkey_docid")
    is_end_included = given.get("inclusive_end", True)
    if given.get("descending"):
        return Span(_before(end, end_id, is_end_included), _after(start, start_id, True))
    return Span(_before(start, start_id, True), _after(end, end_id, is_end_included))


def _before(key: bytes | None, id_: str | None, is_included: bool) -> Place:
    """The lower bound that a key and a document id make."""
    if key is None:
        return LOWEST
    if id_ is None:
        return (key, b"") if is_included else (key, HIGHEST_ID)
    return (key, id_.encode()) if is_included else just_after(key, id_.encode())


def _after(key: bytes | None, id_: str | None, is_included: bool) -> Place:
    """The upper bound that a key and a document id make."""
    if key is None:
        return HIGHEST
    if id_ is None:
        return (key, HIGHEST_ID) if is_included else (key, b"")
    return just_after(key, id_.encode()) if is_included else (key, id_.encode())


def _encode(key: Any) -> bytes:
    try:
        return encode(key)
    except (RecursionError, UnicodeEncodeError) as error:
        raise Refusal(400, "bad_request", f"unusable key: {type(error).__name__}") from None
