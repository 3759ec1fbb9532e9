"""Which index a question takes and how much of it is read; the recorded cases and the contract show the rest."""

from typing import Any

import pytest

from sync.embedded.mango.indexes import PRIMARY, JsonIndex, list_indexes
from sync.embedded.mango.planning import Plan, make_plan
from sync.embedded.mango.questions import read_question
from sync.embedded.refusals import Refusal
from sync.embedded.views.collation import encode


def design(name: str, *fields: str, **more: Any) -> dict[str, Any]:
    """A design document with one index, both of that name."""
    map_ = {"fields": dict.fromkeys(fields, "asc"), **more}
    return {"_id": f"_design/{name}", "language": "query", "views": {name: {"map": map_}}}


def plan(selector: Any, *designs: dict[str, Any], **options: Any) -> Plan:
    return make_plan(read_question({"selector": selector, **options}), list_indexes([*designs]))


@pytest.mark.parametrize(
    ("selector", "inside", "outside"),
    [
        ({"a": {"$gt": 1, "$lte": 3}}, [[2], [3], [3, "b"]], [[0], [4]]),
        ({"a": 1, "b": {"$gte": "x"}}, [[1, "x"], [1, "y"]], [[1, "w"], [2, "x"]]),
        ({"a": {"$beginsWith": "ab"}}, [["ab"], ["abc"], ["ab中"]], [["aa"], ["ac"], [["ab"]]]),
        ({"a": {"$gt": None}}, [[0], ["x"], [{}]], []),
    ],
)
def test_only_the_rows_that_can_match_are_read(selector: Any, inside: list[Any], outside: list[Any]) -> None:
    span = plan(selector, design("ab", "a", "b"), design("a", "a")).span()
    for key in inside:
        assert span.lower <= (encode(key), b"id") < span.upper
    for key in outside:
        assert not span.lower <= (encode(key), b"id") < span.upper


def test_the_index_that_fits_most_closely_wins() -> None:
    designs = [design("a", "a"), design("ab", "a", "b"), design("abc", "a", "b", "c"), design("b", "b")]
    assert plan({"a": 1}, *designs).index.name == "a"
    assert plan({"a": 1, "b": 2}, *designs).index.name == "ab"
    assert plan({"a": 1, "b": 2, "c": {"$exists": True}}, *designs).index.name == "ab"
    assert plan({"$or": [{"a": 1}, {"a": 2}]}, *designs).index.name == "a"
    assert plan({"$or": [{"a": 1}, {"b": 2}]}, *designs).index is PRIMARY
    assert plan({"a": {"$exists": False}}, *designs).index is PRIMARY


def test_a_sort_needs_its_columns_in_a_row() -> None:
    abc = design("abc", "a", "b", "c")
    everything = {"a": {"$gt": 0}, "b": {"$gt": 0}, "c": {"$gt": 0}}
    assert plan(everything, abc, sort=["a", "b"]).index.name == "abc"
    assert plan(everything | {"a": 1}, abc, sort=["b"]).index.name == "abc"
    for sort in (["b"], ["a", "c"], ["a", "b", "c", "d"]):
        with pytest.raises(Refusal, match="sort"):
            plan(everything, abc, sort=sort)


def test_who_wants_no_fallback_gets_none() -> None:
    by_a = design("a", "a")
    assert plan({"a": 1}, by_a, allow_fallback=False).index.name == "a"
    for options in ({}, {"use_index": "nope"}):
        with pytest.raises(Refusal, match="no index"):
            plan({"b": 1}, by_a, allow_fallback=False, **options)


def test_a_range_of_ids_in_an_index_is_not_trusted() -> None:
    found = plan({"a": 1, "_id": {"$gt": "B"}}, design("ai", "a", "_id"))
    assert len(found.ranges) == 1, "ids compare by bytes, rows lie in the order of texts"
    assert len(plan({"a": 1, "_id": "B"}, design("ai", "a", "_id")).ranges) == 2


def test_a_view_that_is_no_usable_index_is_passed_over() -> None:
    broken = [design("x"), design("y", "a..b"), design("z", "a", partial_filter_selector={"$nope": 1})]
    assert list_indexes([*broken, {"_id": "_design/js", "views": {"v": {"map": "f"}}}]) == [PRIMARY]
    (_, index) = list_indexes([design("a", "a")])
    assert index == JsonIndex("_design/a", "a", (("a", "asc"),))
