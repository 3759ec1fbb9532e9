"""The changes feed: styles, pages, waiting, and what narrows it."""

import json
import threading
from typing import Any

import pytest

from tests.sync.contract.conftest import Client, Db

A, B = ("a" * 32, "b" * 32)
MAP = "function (doc) { if (doc.kind === 'apple') emit(doc._id, null); }"
FILTERS = {
    "by_kind": "function (doc, req) { return doc.kind === req.query.kind; }",
    "of_the_posted": "function (doc, req) { return JSON.parse(req.body).wanted.indexOf(doc._id) >= 0; }",
    "with_a_module": "function (doc, req) { return require('lib/taste').isGood(doc); }",
    "living": "function (doc, req) { return !doc._deleted; }",
    "throwing": "function (doc, req) { return doc.not.there; }",
}
LIB = {"taste": "exports.isGood = function (doc) { return doc.kind === 'pear'; };"}


@pytest.fixture
def fruit(db: Db) -> Db:
    """Apples a1, a2, a pear p1, a deleted apple, and a design document `f` with filters and a view."""
    db.post("/_bulk_docs", {"docs": [{"_id": "a1", "kind": "apple", "n": 1}, {"_id": "p1", "kind": "pear", "n": 2}]})
    db.post("/_bulk_docs", {"docs": [{"_id": "a2", "kind": "apple", "n": 3}]})
    db.put("_design/f", filters=FILTERS, views={"apples": {"map": MAP}}, lib=LIB)
    db.push({"_id": "gone", "_rev": f"1-{A}", "_deleted": True, "kind": "apple"})
    return db


def ids(feed: Any) -> list[str]:
    return [row["id"] for row in feed["results"]]


def test_each_document_comes_once_at_its_last_change(db: Db) -> None:
    first = db.put("a", v=1)
    db.put("b")
    second = db.put("a", v=2, _rev=first)
    feed = db.get("/_changes?include_docs=true")
    assert ids(feed) == ["b", "a"]
    assert feed["results"][1]["changes"] == [{"rev": second}]
    assert feed["results"][1]["doc"] == {"_id": "a", "_rev": second, "v": 2}
    assert ids(db.get("/_changes?descending=true")) == ["a", "b"]


def test_what_is_written_together_comes_in_the_order_of_ids(db: Db) -> None:
    db.post("/_bulk_docs", {"docs": [{"_id": id} for id in ("report:1", "note:2", "receipt:3", "中", "é")]})
    db.push(*({"_id": id, "_rev": "1-" + "a" * 32} for id in ("b", "a")))
    assert [row["id"] for row in db.get("/_changes")["results"]] == ["note:2", "receipt:3", "report:1", "é", "中", "a", "b"]


def test_pages_fit_together(db: Db) -> None:
    db.post("/_bulk_docs", {"docs": [{"_id": f"d{n}"} for n in range(7)]})
    seen: list[str] = []
    since = "0"
    for _ in range(4):
        page = db.get(f"/_changes?limit=2&since={since}")
        seen += ids(page)
        since = page["last_seq"]
    assert seen == [f"d{n}" for n in range(7)]
    assert db.get(f"/_changes?since={since}")["results"] == []
    assert ids(db.get("/_changes?since=now")) == []


@pytest.mark.parametrize("since", ["17", "rubbish", "-1", ""])
def test_a_sequence_that_is_none_is_refused(db: Db, since: str) -> None:
    db.put("a")
    refused = db.ask("GET", f"/_changes?since={since}")
    assert (refused.status, refused.body["error"]) == (400, "bad_request")
    assert "since" in refused.body["reason"]


def test_all_leaves_of_a_conflict_are_named_only_when_asked_for(db: Db) -> None:
    db.push({"_id": "d", "_rev": f"1-{A}"}, {"_id": "d", "_rev": f"1-{B}"})
    (main,) = db.get("/_changes")["results"]
    assert main["changes"] == [{"rev": f"1-{B}"}]
    (row,) = db.get("/_changes?style=all_docs")["results"]
    assert row["changes"] == [{"rev": f"1-{B}"}, {"rev": f"1-{A}"}]


def test_a_longpoll_ends_with_the_next_change(db: Db, store_url: str) -> None:
    since = db.get("/_changes")["last_seq"]
    waiting, found = Client(store_url), []

    def wait() -> None:
        found.append(waiting.ask("GET", f"/{db.name}/_changes?feed=longpoll&timeout=20000&since={since}").body)

    thread = threading.Thread(target=wait)
    thread.start()
    db.put("late")
    thread.join(20)
    waiting.close()
    assert ids(found[0]) == ["late"]


def test_a_longpoll_without_news_ends_with_its_timeout(db: Db) -> None:
    assert db.get("/_changes?feed=longpoll&timeout=50&since=now")["results"] == []


def test_only_the_documents_named(fruit: Db) -> None:
    assert ids(fruit.post("/_changes?filter=_doc_ids", {"doc_ids": ["a2", "a1", "none"]})) == ["a1", "a2"]
    assert ids(fruit.get(f"/_changes?filter=_doc_ids&doc_ids={json.dumps(['p1'])}".replace('"', "%22"))) == ["p1"]


def test_only_design_documents(fruit: Db) -> None:
    assert ids(fruit.get("/_changes?filter=_design")) == ["_design/f"]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({"kind": "apple"}, ["a1", "a2", "gone"]),
        ({"n": {"$gt": 1}}, ["p1", "a2"]),
        ({"$or": [{"n": 1}, {"n": {"$mod": [3, 0]}}]}, ["a1", "a2"]),
        ({"kind": {"$regex": "^pe.r$"}}, ["p1"]),
        ({"_id": {"$in": ["a1", "_design/f"]}}, ["a1", "_design/f"]),
        ({"_deleted": True}, ["gone"]),
        ({}, ["a1", "p1", "a2", "_design/f", "gone"]),
    ],
)
def test_only_what_a_selector_fits(fruit: Db, selector: Any, expected: list[str]) -> None:
    assert ids(fruit.post("/_changes?filter=_selector", {"selector": selector})) == expected


def test_only_what_a_function_says_yes_to(fruit: Db) -> None:
    assert ids(fruit.get("/_changes?filter=f/by_kind&kind=apple")) == ["a1", "a2", "gone"]
    assert ids(fruit.get("/_changes?filter=f/by_kind&kind=none")) == []
    assert ids(fruit.post("/_changes?filter=f/of_the_posted", {"wanted": ["p1"]})) == ["p1"]
    assert ids(fruit.get("/_changes?filter=f/with_a_module")) == ["p1"]
    assert ids(fruit.get("/_changes?filter=f/living")) == ["a1", "p1", "a2", "_design/f"]


def test_only_what_a_view_would_have_rows_for(fruit: Db) -> None:
    assert ids(fruit.get("/_changes?filter=_view&view=f/apples")) == ["a1", "a2", "gone"]


def test_a_filter_judges_each_leaf_by_itself(fruit: Db) -> None:
    fruit.push({"_id": "x", "_rev": f"1-{A}", "kind": "apple"}, {"_id": "x", "_rev": f"1-{B}", "kind": "pear"})
    for feed in (
        fruit.get("/_changes?filter=f/by_kind&kind=apple&style=all_docs"),
        fruit.post("/_changes?filter=_selector&style=all_docs", {"selector": {"kind": "apple"}}),
    ):
        (row,) = [row for row in feed["results"] if row["id"] == "x"]
        assert row["changes"] == [{"rev": f"1-{A}"}]
    assert "x" not in ids(fruit.get("/_changes?filter=f/by_kind&kind=apple"))


def test_a_filtered_feed_goes_on_where_it_stopped(fruit: Db) -> None:
    path = "/_changes?filter=f/by_kind&kind=apple&limit=1"
    first = fruit.get(path)
    second = fruit.get(f"{path}&since={first['last_seq']}")
    assert (ids(first), ids(second)) == (["a1"], ["a2"])
    fruit.put("a3", kind="apple")
    fruit.put("p2", kind="pear")
    assert ids(fruit.get(f"/_changes?filter=f/by_kind&kind=apple&since={second['last_seq']}")) == ["gone", "a3"]


@pytest.mark.parametrize(
    ("path", "status", "error"),
    [
        ("filter=none/by_kind", 404, "not_found"),
        ("filter=f/none", 404, "not_found"),
        ("filter=nonsense", 400, "bad_request"),
        ("filter=_nonsense", 400, "bad_request"),
        ("filter=_selector", 400, "bad_request"),
        ("filter=_view", 400, "bad_request"),
        ("filter=_view&view=f/none", 404, "not_found"),
    ],
)
def test_a_filter_that_is_none_is_refused(fruit: Db, path: str, status: int, error: str) -> None:
    reply = fruit.ask("GET", f"/_changes?{path}")
    assert (reply.status, reply.body["error"]) == (status, error)


@pytest.mark.parametrize("selector", [{"n": {"$nope": 1}}, {"n": {"$in": 1}}, 5, {"n": {"$regex": "("}}])
def test_a_selector_that_is_none_is_refused(fruit: Db, selector: Any) -> None:
    reply = fruit.ask("POST", "/_changes?filter=_selector", {"selector": selector})
    assert (reply.status, reply.body["error"]) == (400, "bad_request")
