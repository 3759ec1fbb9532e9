"""Views: JavaScript maps, reduces built in and one's own, ranges, groups, and functions that are wrong."""

from pathlib import Path
from typing import Any

import pytest

from sync import designs
from sync.couch import Couch
from tests.sync.contract.conftest import Db

BY_PLACE = "function (doc) { if (doc.place) emit(doc.place, doc.n); }"
OWN = "function (keys, values, rereduce) { return Math.max.apply(null, values); }"
DOCS = [
    {"_id": "d1", "place": ["north", "a"], "n": 4},
    {"_id": "d2", "place": ["north", "b"], "n": 1},
    {"_id": "d3", "place": ["south", "a"], "n": 7},
    {"_id": "d4", "place": ["south", "a"], "n": 2},
    {"_id": "d5", "n": 100},
]


@pytest.fixture
def placed(db: Db) -> Db:
    """`DOCS` with one map under several reduces."""
    db.post("/_bulk_docs", {"docs": DOCS})
    views = {name: {"map": BY_PLACE, "reduce": f"_{name}"} for name in ("sum", "count", "stats")}
    linked = {"map": "function (doc) { if (doc.n === 100) emit(null, { _id: 'd1' }); }"}
    db.put("_design/p", views=views | {"own": {"map": BY_PLACE, "reduce": OWN}, "rows": {"map": BY_PLACE}, "linked": linked})
    return db


def rows(db: Db, view: str, query: str = "") -> list[tuple[Any, Any]]:
    return [(row["key"], row["value"]) for row in db.get(f"/_design/p/_view/{view}{query}".replace('"', "%22"))["rows"]]


def test_rows_come_by_key_and_then_by_id(placed: Db) -> None:
    answer = placed.get("/_design/p/_view/rows")
    assert [row["id"] for row in answer["rows"]] == ["d1", "d2", "d3", "d4"]
    assert (answer["total_rows"], answer["offset"]) == (4, 0)
    backwards = placed.get("/_design/p/_view/rows?descending=true&limit=2&skip=1")
    assert [row["id"] for row in backwards["rows"]] == ["d3", "d2"]


def test_ranges_and_keys(placed: Db) -> None:
    assert [value for _, value in rows(placed, "rows", '?startkey=["north","b"]&endkey=["south",{}]')] == [1, 7, 2]
    assert [value for _, value in rows(placed, "rows", '?startkey=["south"]&endkey=["north"]&descending=true')] == [1, 4]
    assert [value for _, value in rows(placed, "rows", '?key=["south","a"]')] == [7, 2]
    answer = placed.post("/_design/p/_view/rows", {"keys": [["south", "a"], ["none"], ["north", "a"]]})
    assert [row["id"] for row in answer["rows"]] == ["d3", "d4", "d1"]


@pytest.mark.parametrize(
    ("view", "whole", "north"),
    [
        ("sum", 14, 5),
        ("count", 4, 2),
        ("own", 7, 4),
        (
            "stats",
            {"sum": 14, "count": 4, "min": 1, "max": 7, "sumsqr": 70},
            {"sum": 5, "count": 2, "min": 1, "max": 4, "sumsqr": 17},
        ),
    ],
)
def test_reduces_over_everything_by_level_and_exactly(placed: Db, view: str, whole: Any, north: Any) -> None:
    assert rows(placed, view) == [(None, whole)]
    assert rows(placed, view, "?group_level=1")[0] == (["north"], north)
    assert [key for key, _ in rows(placed, view, "?group=true&descending=true")] == [
        ["south", "a"],
        ["north", "b"],
        ["north", "a"],
    ]
    assert rows(placed, view, '?startkey=["north"]&endkey=["north",{}]') == [(None, north)]
    assert len(rows(placed, view, "?reduce=false")) == 4


def test_a_row_may_bring_its_document_or_another(placed: Db) -> None:
    (row,) = placed.get('/_design/p/_view/rows?key=["north","a"]&include_docs=true'.replace('"', "%22"))["rows"]
    assert row["doc"]["n"] == 4
    (row,) = placed.get("/_design/p/_view/linked?include_docs=true")["rows"]
    assert (row["id"], row["doc"]["_id"]) == ("d5", "d1")


def test_rows_follow_their_documents(placed: Db) -> None:
    assert rows(placed, "count") == [(None, 4)]
    document = placed.get("/d1")
    placed.ask("DELETE", f"/d2?rev={placed.get('/d2')['_rev']}")
    placed.put("d1", _rev=document["_rev"], place=["west"], n=9)
    assert rows(placed, "sum", "?group_level=1") == [(["south"], 9), (["west"], 9)]


def test_a_map_that_throws_loses_only_its_own_document(db: Db) -> None:
    db.post("/_bulk_docs", {"docs": [{"_id": "bad"}, {"_id": "good", "a": {"b": 1}}]})
    db.put("_design/p", views={"v": {"map": "function (doc) { emit(doc.a.b, null); }"}})
    assert rows(db, "v") == [(1, None)]


@pytest.mark.parametrize(
    ("views", "error"),
    [
        ({"v": {"map": "function (doc) { emit(doc."}}, "compilation_error"),
        ({"v": {"map": BY_PLACE, "reduce": "function ("}}, "compilation_error"),
        ({"v": {"map": 5}}, "invalid_design_doc"),
        ({"v": {"map": BY_PLACE, "reduce": "_nope"}}, "invalid_design_doc"),
        ({"v": {"reduce": "_sum"}}, "invalid_design_doc"),
        ({"v": "function (doc) {}"}, "invalid_design_doc"),
        (5, "invalid_design_doc"),
    ],
)
def test_a_design_document_with_a_wrong_view_is_refused(db: Db, views: Any, error: str) -> None:
    reply = db.ask("PUT", "/_design/p", {"views": views})
    assert (reply.status, reply.body["error"]) == (400, error)
    assert db.ask("GET", "/_design/p").status == 404


def test_a_filter_that_does_not_compile_is_found_out_when_it_is_used(db: Db) -> None:
    db.put("d")
    db.put("_design/p", filters={"f": "function (doc, req) { return"})
    assert db.ask("GET", "/_changes?filter=p/f").status in (400, 500)
    refused = db.ask("PUT", "/_design/q", {"filters": {"f": 5}})
    assert (refused.status, refused.body["error"]) == (400, "invalid_design_doc")


def test_a_view_that_a_design_document_gains_can_be_asked_at_once(
    placed: Db, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(designs, "FOLDER", tmp_path)
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "rows.js").write_text(BY_PLACE)
    assert len(rows(placed, "rows")) == 4
    for name in ("first", "second"):
        designs.design.cache_clear()
        (tmp_path / "p" / f"{name}.js").write_text(BY_PLACE)
        database = Couch(store_url).database(placed.name)
        assert designs.install(database, "p")
        assert not designs.install(database, "p")
        assert [row["id"] for row in database.view("p", name)["rows"]] == ["d1", "d2", "d3", "d4"]
    designs.design.cache_clear()


def test_cleaning_up_leaves_the_views_that_are(placed: Db) -> None:
    assert rows(placed, "count") == [(None, 4)]
    reply = placed.ask("POST", "/_view_cleanup", {})
    assert (reply.status, reply.body) == (202, {"ok": True})
    assert rows(placed, "count") == [(None, 4)]
