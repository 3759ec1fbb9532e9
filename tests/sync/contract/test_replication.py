"""What a replicator asks: differences, many revisions at once, checkpoints, conflicts, attachments that travel."""

import base64
import hashlib
import itertools
from collections.abc import Callable

from tests.sync.contract.conftest import Db

A, B, C, D = ("a" * 32, "b" * 32, "c" * 32, "d" * 32)
PNG = b"\x89PNG" + bytes(range(256))


def test_revs_diff_lists_what_is_missing_and_what_it_may_grow_from(db: Db) -> None:
    db.push({"_id": "d", "_rev": f"1-{A}"})
    asked = {"d": [f"1-{A}", f"2-{B}"], "other": [f"1-{C}"]}
    answer = db.post("/_revs_diff", asked)
    assert answer["d"] == {"missing": [f"2-{B}"], "possible_ancestors": [f"1-{A}"]}
    assert answer["other"] == {"missing": [f"1-{C}"]}
    assert db.post("/_missing_revs", {"d": [f"1-{A}", f"2-{B}"]}) == {"missing_revs": {"d": [f"2-{B}"]}}


def test_bulk_get_gives_each_asked_revision_with_its_history(db: Db) -> None:
    db.push({"_id": "d", "_rev": f"2-{B}", "v": 2, "_revisions": {"start": 2, "ids": [B, A]}})
    asked = [{"id": "d", "rev": f"2-{B}"}, {"id": "d", "rev": f"2-{C}"}, {"id": "none", "rev": f"1-{A}"}]
    results = db.post("/_bulk_get?revs=true", {"docs": asked})["results"]
    (found,) = results[0]["docs"]
    assert found["ok"] == {"_id": "d", "_rev": f"2-{B}", "v": 2, "_revisions": {"start": 2, "ids": [B, A]}}
    assert [result["docs"][0]["error"]["error"] for result in results[1:]] == ["not_found", "not_found"]


def test_every_arrival_order_of_a_conflict_gives_the_same_winner_and_losers(make_db: Callable[[], Db]) -> None:
    leaves = [
        {"_id": "d", "_rev": f"2-{B}", "_revisions": {"start": 2, "ids": [B, A]}},
        {"_id": "d", "_rev": f"2-{C}", "_revisions": {"start": 2, "ids": [C, A]}},
        {"_id": "d", "_rev": f"3-{D}", "_deleted": True, "_revisions": {"start": 3, "ids": [D, B, A]}},
        {"_id": "d", "_rev": f"1-{D}"},
    ]
    for order in itertools.islice(itertools.permutations(leaves), 0, 24, 5):
        database = make_db()
        for leaf in order:
            database.push(leaf)
        document = database.get("/d?conflicts=true&deleted_conflicts=true")
        assert document["_rev"] == f"2-{C}"
        assert document["_conflicts"] == [f"1-{D}"]
        assert document["_deleted_conflicts"] == [f"3-{D}"]
        (row,) = database.get("/_changes?style=all_docs")["results"]
        assert [each["rev"] for each in row["changes"]] == [f"2-{C}", f"1-{D}", f"3-{D}"]


def test_a_conflict_is_solved_by_deleting_the_losing_leaf(db: Db) -> None:
    for hash_ in (A, B):
        db.push({"_id": "d", "_rev": f"1-{hash_}", "v": hash_[0]})
    assert {row["ok"]["v"] for row in db.get("/d?open_revs=all")} == {"a", "b"}
    assert db.ask("DELETE", f"/d?rev=1-{A}").status == 200
    document = db.get("/d?conflicts=true")
    assert (document["_rev"], "_conflicts" in document) == (f"1-{B}", False)


def test_open_revs_gives_the_leaves_asked_for_and_names_the_missing(db: Db) -> None:
    db.push({"_id": "d", "_rev": f"1-{A}"})
    rows = db.get(f'/d?open_revs=["1-{A}","1-{B}"]')
    assert [row["ok"]["_rev"] for row in rows if "ok" in row] == [f"1-{A}"]
    assert [row["missing"] for row in rows if "missing" in row] == [f"1-{B}"]


def test_checkpoints_are_kept_apart_from_documents_and_not_replicated(db: Db) -> None:
    assert db.ask("PUT", "/_local/c", {"seq": 1}).body["rev"] == "0-1"
    assert db.ask("PUT", "/_local/c", {"seq": 2, "_rev": "0-1"}).body["rev"] == "0-2"
    assert db.get("/_local/c") == {"_id": "_local/c", "_rev": "0-2", "seq": 2}
    assert db.get("/_changes")["results"] == []
    assert db.get("/_all_docs")["total_rows"] == 0
    assert db.ask("DELETE", "/_local/c?rev=0-2").status == 200
    assert db.ask("GET", "/_local/c").status == 404


def test_attachments_travel_with_their_document(db: Db) -> None:
    inline = {"x.png": {"content_type": "image/png", "data": base64.b64encode(PNG).decode()}}
    assert db.push({"_id": "d", "_rev": f"1-{A}", "_attachments": inline}) == []
    stub = db.get("/d")["_attachments"]["x.png"]
    digest = "md5-" + base64.b64encode(hashlib.md5(PNG, usedforsecurity=False).digest()).decode()
    assert stub == {"content_type": "image/png", "revpos": 1, "digest": digest, "length": len(PNG), "stub": True}
    assert db.get("/d?attachments=true")["_attachments"]["x.png"]["data"] == inline["x.png"]["data"]
    (result,) = db.post("/_bulk_get?attachments=true", {"docs": [{"id": "d"}]})["results"]
    assert result["docs"][0]["ok"]["_attachments"]["x.png"]["data"] == inline["x.png"]["data"]


def test_an_attachment_is_kept_by_its_stub_and_read_in_parts(db: Db) -> None:
    first = db.ask("PUT", "/d/x.png", raw=PNG, Content_Type="image/png")
    assert first.status == 201
    rev = db.put("d", _rev=first.body["rev"], v=2, _attachments={"x.png": {"stub": True}})
    whole = db.ask("GET", "/d/x.png")
    assert (whole.body, whole.headers["content-type"]) == (PNG, "image/png")
    part = db.ask("GET", "/d/x.png", Range="bytes=4-7")
    assert (part.status, part.body) == (206, PNG[4:8])
    assert db.ask("DELETE", f"/d/x.png?rev={rev}").status == 200
    assert db.ask("GET", "/d/x.png").status == 404
    refused = db.ask("PUT", "/e", {"_attachments": {"y": {"stub": True}}})
    assert refused.status == 412
