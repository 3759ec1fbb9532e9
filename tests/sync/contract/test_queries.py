"""Queries: every operator, sorting and paging by an index, and that an index changes nothing but the order and the time."""

import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sync.contract.conftest import Db, until

DOCS: list[dict[str, Any]] = [
    {"_id": "a", "n": 1, "s": "Apple", "list": [1, 2, 3], "sub": {"x": 1, "y": {"z": True}}, "a.b": "dot"},
    {"_id": "b", "n": 2.5, "s": "banana", "list": [], "sub": {"x": 2}},
    {"_id": "c", "n": -7, "s": "中文", "list": [{"k": 1}, {"k": 2, "v": "w"}], "sub": None},
    {"_id": "d", "n": None, "list": ["1", [1]], "sub": "text"},
    {"_id": "e", "n": True, "s": "", "list": {"one": 1, "two": 2}},
    {"_id": "f", "s": "app", "n": 10},
]


@pytest.fixture(scope="module")
def shelf(client: Any) -> Any:
    """`DOCS`, read only."""
    database = Db(client, f"contract_{secrets.token_hex(6)}")
    assert database.ask("PUT", "?q=1").status in (201, 202)
    database.post("/_bulk_docs", {"docs": DOCS})
    yield database
    database.ask("DELETE")


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"n": 1}, "a"),
        ({"n": {"$eq": True}}, "e"),
        ({"n": {"$ne": 1}}, "bcdef"),
        ({"n": {"$lt": 1}}, "cde"),
        ({"n": {"$lte": 1}}, "acde"),
        ({"n": {"$gt": 2.5}}, "f"),
        ({"n": {"$gte": 2.5, "$lt": 10}}, "b"),
        ({"n": {"$in": [1, None, "x"]}}, "ad"),
        ({"list": {"$in": [2, "1"]}}, "ad"),
        ({"n": {"$nin": [1, 10]}}, "bcde"),
        ({"s": {"$exists": False}}, "d"),
        ({"sub.x": {"$exists": True}}, "ab"),
        ({"n": {"$type": "number"}}, "abcf"),
        ({"n": {"$type": "boolean"}}, "e"),
        ({"n": {"$type": "null"}}, "d"),
        ({"list": {"$type": "array"}}, "abcd"),
        ({"list": {"$type": "object"}}, "e"),
        ({"n": {"$mod": [3, 1]}}, "af"),
        ({"n": {"$mod": [3, -1]}}, "c"),
        ({"s": {"$regex": "^[Aa]pp"}}, "af"),
        ({"s": {"$regex": "(?i)^APP$"}}, "f"),
        ({"s": {"$regex": "^.{6}$"}}, "bc"),
        ({"list": {"$size": 3}}, "a"),
        ({"list": {"$all": [3, 1]}}, "a"),
        ({"list": {"$all": []}}, ""),
        ({"list": {"$elemMatch": {"k": {"$gt": 1}}}}, "c"),
        ({"list": {"$elemMatch": {"$gt": 2, "$lt": "x"}}}, "ad"),
        ({"list": {"$allMatch": {"$type": "number"}}}, "a"),
        ({"list": {"$allMatch": {"k": {"$gte": 1}}}}, "c"),
        ({"list": {"$keyMapMatch": {"$eq": "two"}}}, "e"),
        ({"s": {"$beginsWith": "ba"}}, "b"),
        ({"s": {"$beginsWith": ""}}, "abcef"),
        ({"$and": [{"n": {"$gt": 0}}, {"s": {"$gt": "b"}}]}, "b"),
        ({"$or": [{"n": 1}, {"sub": "text"}]}, "ad"),
        ({"$not": {"n": 1}}, "bcdef"),
        ({"$not": {"s": {"$regex": "a"}}}, "ace"),
        ({"$nor": [{"n": 1}, {"s": "app"}]}, "bce"),
        ({"n": {"$not": {"$gt": 1}}}, "acde"),
        ({"sub": {"y": {"z": True}}}, "a"),
        ({"sub.y.z": True}, "a"),
        ({"a\\.b": "dot"}, "a"),
        ({"list.0": 1}, "a"),
        ({"list.1.v": "w"}, "c"),
        ({"_id": {"$gt": "d"}}, "ef"),
        ({"_id": {"$in": ["a", "zz"]}}, "a"),
        ({"n": {"$gt": 2, "$lt": 1}}, ""),
    ],
)
def test_an_operator_means_what_it_means(shelf: Db, selector: Any, expected: str) -> None:
    assert "".join(shelf.find(selector)) == expected


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, "missing_required_key"),
        ({"selector": 5}, "invalid_selector_json"),
        ({"selector": {"n": {"$in": 1}}}, "bad_arg"),
        ({"selector": {"n": {"$mod": [1]}}}, "bad_arg"),
        ({"selector": {"n": {"$regex": "("}}}, "bad_arg"),
        ({"selector": {"n": {"$size": -1}}}, "bad_arg"),
        ({"selector": {"$or": {"n": 1}}}, "bad_arg"),
        ({"selector": {"n": {"$nope": 1}}}, "invalid_operator"),
        ({"selector": {"n": {"$where": 1}}}, "not_supported"),
        ({"selector": {}, "nope": 1}, "invalid_key"),
        ({"selector": {}, "limit": -1}, "invalid_non_neg_integer"),
        ({"selector": {}, "conflicts": 1}, "invalid_boolean"),
        ({"selector": {}, "fields": "n"}, "invalid_fields"),
        ({"selector": {}, "sort": "n"}, "invalid_sort_json"),
        ({"selector": {"n": 1}, "sort": [{"n": "asc"}, {"s": "desc"}]}, "unsupported_mixed_sort"),
        ({"selector": {"n": 1}, "sort": ["n"]}, "no_usable_index"),
        ({"selector": {}, "bookmark": "rubbish"}, "invalid_bookmark"),
    ],
)
def test_a_query_that_is_wrong_is_refused_with_its_name(shelf: Db, body: Any, error: str) -> None:
    reply = shelf.ask("POST", "/_find", body)
    assert (reply.status, reply.body["error"]) == (400, error)


def index(db: Db, name: str, *fields: Any, **definition: Any) -> None:
    """Makes an index and waits until queries see it."""
    db.post("/_index", {"index": {"fields": list(fields), **definition}, "ddoc": name, "name": name})
    until(lambda: name in [each["name"] for each in db.get("/_index")["indexes"]])
    hint = {"selector": {"$and": [{str(field): {"$gt": None}} for field in fields]}, "use_index": [name, name]}
    until(lambda: db.post("/_explain", hint)["index"]["name"] == name)


def test_an_index_gives_order_in_both_directions_and_pages_that_fit(db: Db) -> None:
    db.post("/_bulk_docs", {"docs": [{"_id": f"d{n:02}", "n": n % 4, "kind": "x" if n % 2 else "y"} for n in range(20)]})
    index(db, "by_n", "n")
    forwards = [f"d{n:02}" for n in sorted(range(20), key=lambda n: (n % 4, n))]
    for sort, expected in ((["n"], forwards), ([{"n": "desc"}], forwards[::-1])):
        seen: list[str] = []
        bookmark = None
        for _ in range(4):
            body = {"selector": {"n": {"$gte": 0}}, "sort": sort, "limit": 7, "fields": ["_id"], "bookmark": bookmark}
            page = db.post("/_find", body)
            seen += [document["_id"] for document in page["docs"]]
            bookmark = page["bookmark"]
        assert seen == expected
    assert db.find({"n": 3, "kind": "x"}, sort=[{"n": "desc"}], limit=2, skip=1) == ["d15", "d11"]


def test_an_index_of_two_fields_serves_a_sort_by_the_second_under_equality(db: Db) -> None:
    db.post("/_bulk_docs", {"docs": [{"_id": f"d{n}", "a": n % 2, "b": -n} for n in range(6)]})
    index(db, "ab", "a", "b")
    assert db.find({"a": 1, "b": {"$lt": 0}}, sort=["b"]) == ["d5", "d3", "d1"]
    assert db.ask("POST", "/_find", {"selector": {"a": {"$gt": 0}, "b": {"$lt": 0}}, "sort": ["b"]}).status == 400


def test_a_partial_index_is_used_only_by_name(db: Db) -> None:
    db.post("/_bulk_docs", {"docs": [{"_id": "a", "n": 1, "open": True}, {"_id": "b", "n": 2, "open": False}]})
    index(db, "open", "n", partial_filter_selector={"open": True})
    assert db.find({"n": {"$gt": 0}}, use_index=["open", "open"]) == ["a"]
    assert db.find({"n": {"$gt": 0}}) == ["a", "b"]


def test_an_index_follows_its_documents(db: Db) -> None:
    rev = db.put("a", n=1)
    index(db, "by_n", "n")
    assert db.find({"n": 1}) == ["a"]
    db.put("a", n=2, _rev=rev)
    db.put("b", n=1)
    assert (db.find({"n": 1}), db.find({"n": 2})) == (["b"], ["a"])


def test_the_index_with_most_restricted_fields_is_explained(db: Db) -> None:
    for name, fields in (("one", ["a"]), ("both", ["a", "b"]), ("other", ["c"])):
        index(db, name, *fields)
    chosen = {
        "both": {"a": 1, "b": {"$gt": 2}},
        "one": {"a": {"$gt": 1}},
        "other": {"c": {"$beginsWith": "x"}, "d": {"$regex": "y"}},
        "_all_docs": {"b": 1},
    }
    for name, selector in chosen.items():
        assert db.post("/_explain", {"selector": selector})["index"]["name"] == name
    assert db.post("/_explain", {"selector": {"a": 1, "b": 2}, "use_index": "one"})["index"]["name"] == "one"


def test_a_query_says_what_it_cost_and_what_it_lacked(shelf: Db) -> None:
    answer = shelf.post("/_find", {"selector": {"n": 1}, "execution_stats": True, "use_index": "none"})
    assert answer["execution_stats"]["results_returned"] == 1
    assert answer["execution_stats"]["total_docs_examined"] == len(DOCS)
    assert "none" in answer["warning"]
    assert "No matching index found" in answer["warning"]
    assert "in proportion" not in shelf.post("/_find", {"selector": {}, "limit": 1}).get("warning", "")


def test_conflicts_are_shown_when_asked_for(db: Db) -> None:
    db.push({"_id": "d", "_rev": "1-" + "a" * 32, "n": 1}, {"_id": "d", "_rev": "1-" + "b" * 32, "n": 1})
    (document,) = db.post("/_find", {"selector": {"n": 1}, "conflicts": True})["docs"]
    assert document["_conflicts"] == ["1-" + "a" * 32]


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "B", "ab", "中", "é"]))
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=2), st.dictionaries(st.sampled_from("xy"), SCALARS, max_size=2))
OPERATORS = st.sampled_from(["$eq", "$ne", "$lt", "$lte", "$gt", "$gte"])
CONDITIONS = st.tuples(st.sampled_from(["p", "q"]), OPERATORS, VALUES)
SELECTORS = st.lists(CONDITIONS, min_size=1, max_size=3).map(lambda each: {"$and": [{f: {o: v}} for f, o, v in each]})


@pytest.fixture(scope="module")
def twins(client: Any) -> Any:
    """The same documents twice, once with indexes."""
    pair = []
    for _ in range(2):
        database = Db(client, f"contract_{secrets.token_hex(6)}")
        assert database.ask("PUT", "?q=1").status in (201, 202)
        pair.append(database)
    yield pair
    for database in pair:
        database.ask("DELETE")


def test_an_index_never_changes_what_is_found(twins: list[Db]) -> None:
    plain, indexed = twins
    values: list[Any] = [None, False, True, -2, 0, 3, "", "a", "A", "B", "ab", "中", "é", [], [1], ["a", 2], {}, {"x": 1}]
    docs = [{"_id": f"d{n:03}", "p": p, "q": values[n * 7 % len(values)]} for n, p in enumerate(values * 3)]
    docs += [{"_id": "no-p", "q": 1}, {"_id": "no-q", "p": 1}]
    for database in twins:
        database.post("/_bulk_docs", {"docs": docs})
    for name, fields in (("p", ["p"]), ("qp", ["q", "p"])):
        index(indexed, name, *fields)

    @settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
    @given(SELECTORS)
    def check(selector: Any) -> None:
        assert sorted(indexed.find(selector)) == plain.find(selector)

    check()
