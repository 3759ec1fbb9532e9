"""What a view query may ask, and how it is told that it may not."""

from typing import Any

import pytest

from sync.embedded.refusals import Refusal
from sync.embedded.views.collation import encode
from sync.embedded.views.params import EXACT, Freshness, read_query
from sync.embedded.views.spans import HIGHEST, HIGHEST_ID, LOWEST


@pytest.mark.parametrize(
    "params",
    [
        {"key": "a"},
        {"keys": "5"},
        {"keys": "[1]", "startkey": "1"},
        {"limit": "-1"},
        {"skip": "1.5"},
        {"descending": "yes"},
        {"startkey": "2", "endkey": "1"},
        {"update": "perhaps"},
        {"stale": "perhaps"},
        {"group": "true", "reduce": "false"},
        {"keys": "[1]"},
        {"include_docs": "true"},
        {"key": "[" * 5000 + "]" * 5000},
    ],
    ids=str,
)
def test_bad_parameters_are_refused_with_400(params: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refusal:
        read_query(params, None, has_reduce=True)
    assert refusal.value.status == 400


def test_what_is_not_built_is_501() -> None:
    with pytest.raises(Refusal) as refusal:
        read_query({"attachments": "true"}, None, has_reduce=False)
    assert refusal.value.status == 501


def test_the_body_goes_before_the_address() -> None:
    query = read_query({"limit": "5", "descending": "true"}, {"limit": 2, "group_level": 1}, has_reduce=True)
    assert (query.limit, query.is_descending, query.group_level) == (2, True, 1)
    assert read_query({"group": "true"}, None, has_reduce=True).group_level == EXACT


@pytest.mark.parametrize(
    ("params", "lower", "upper"),
    [
        ({}, LOWEST, HIGHEST),
        ({"key": "1"}, (encode(1), b""), (encode(1), HIGHEST_ID)),
        ({"startkey": "1", "startkey_docid": "d"}, (encode(1), b"d"), HIGHEST),
        ({"endkey": "1", "inclusive_end": "false"}, LOWEST, (encode(1), b"")),
        ({"endkey": "1", "endkey_docid": "d"}, LOWEST, (encode(1), b"d\x00")),
        ({"startkey": "2", "endkey": "1", "descending": "true"}, (encode(1), b""), (encode(2), HIGHEST_ID)),
        ({"endkey": "1", "descending": "true", "inclusive_end": "false"}, (encode(1), HIGHEST_ID), HIGHEST),
    ],
    ids=str,
)
def test_keys_become_spans(params: dict[str, str], lower: Any, upper: Any) -> None:
    assert read_query(params, None, has_reduce=False).span == (lower, upper)


def test_the_old_word_for_freshness_is_understood() -> None:
    assert read_query({"stale": "ok"}, None, has_reduce=False).freshness is Freshness.NEVER
    assert read_query({"stale": "update_after"}, None, has_reduce=False).freshness is Freshness.AFTER
    assert read_query({"update": "lazy"}, None, has_reduce=False).freshness is Freshness.AFTER
    assert read_query({}, {"update": False}, has_reduce=False).freshness is Freshness.NEVER
