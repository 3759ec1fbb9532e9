"""Writing: one by one, in batches, with given revisions; what is refused, and in which words."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.sync.contract.conftest import Db

A, B, C = ("a" * 32, "b" * 32, "c" * 32)


def test_an_edit_needs_the_present_revision(db: Db) -> None:
    first = db.put("d", v=1)
    assert db.ask("PUT", "/d", {"v": 2}).status == 409
    second = db.put("d", v=2, _rev=first)
    assert second.startswith("2-")
    refused = db.ask("PUT", "/d", {"v": 3, "_rev": first})
    assert (refused.status, refused.body["error"]) == (409, "conflict")
    assert db.get("/d") == {"_id": "d", "_rev": second, "v": 2}


def test_the_same_edit_makes_the_same_revision_everywhere(make_db: Callable[[], Db]) -> None:
    one, other = make_db(), make_db()
    assert one.put("d", a=1, b=[1, {"c": "明"}]) == other.put("d", a=1, b=[1, {"c": "明"}])


def test_a_batch_is_answered_document_by_document(db: Db) -> None:
    db.put("taken", v=1)
    rows = db.post("/_bulk_docs", {"docs": [{"_id": "new"}, {"_id": "taken", "v": 2}, {"v": "no id"}]})
    assert [row.get("error") for row in rows] == [None, "conflict", None]
    assert [row.get("ok") for row in rows] == [True, None, True]
    assert rows[0]["id"] == "new"
    assert len(rows[2]["id"]) == 32


def test_given_revisions_are_stored_as_they_are_and_only_failures_are_listed(db: Db) -> None:
    assert db.push({"_id": "d", "_rev": f"1-{A}", "v": 1}) == []
    assert db.push({"_id": "d", "_rev": f"1-{A}", "v": 1}) == []
    assert db.get("/d") == {"_id": "d", "_rev": f"1-{A}", "v": 1}
    assert db.get("")["doc_count"] == 1


def test_given_history_joins_the_tree_where_it_belongs(db: Db) -> None:
    db.push({"_id": "d", "_rev": f"1-{A}"})
    db.push({"_id": "d", "_rev": f"3-{C}", "v": 3, "_revisions": {"start": 3, "ids": [C, B, A]}})
    document = db.get("/d?revs=true&revs_info=true&conflicts=true")
    assert document["_revisions"] == {"start": 3, "ids": [C, B, A]}
    assert [each["status"] for each in document["_revs_info"]] == ["available", "missing", "available"]
    assert "_conflicts" not in document


def test_a_deleted_document_is_told_from_one_that_never_was(db: Db) -> None:
    rev = db.put("d", v=1)
    gone = db.ask("DELETE", f"/d?rev={rev}")
    assert (gone.status, gone.body["rev"][:2]) == (200, "2-")
    assert db.ask("GET", "/d").body == {"error": "not_found", "reason": "deleted"}
    assert db.ask("GET", "/never").body == {"error": "not_found", "reason": "missing"}
    assert db.get("") | {"doc_count": 0, "doc_del_count": 1} == db.get("")
    again = db.put("d", v=2)
    assert again.startswith("3-")


@pytest.mark.parametrize(
    ("asked", "status", "error"),
    [
        (("PUT", "/_nope", {}), 400, "illegal_docid"),
        (("PUT", "/d", {"_nope": 1}), 400, "doc_validation"),
        (("PUT", "/d", {"_rev": "nope"}), 400, "bad_request"),
        (("PUT", "/d", [1]), 400, "bad_request"),
        (("POST", "/_bulk_docs", {"nope": []}), 400, "bad_request"),
        (("POST", "/_bulk_docs", {"docs": 1}), 400, "bad_request"),
        (("GET", "/_all_docs?limit=-1", None), 400, "query_parse_error"),
        (("GET", "/d", None), 404, "not_found"),
        (("GET", "/_design/none/_view/v", None), 404, "not_found"),
        (("DELETE", "/d?rev=1-" + A, None), 404, "not_found"),
    ],
)
def test_what_is_wrong_is_refused_in_the_protocols_words(db: Db, asked: tuple[str, str, Any], status: int, error: str) -> None:
    reply = db.ask(*asked)
    assert (reply.status, reply.body["error"]) == (status, error)
    assert isinstance(reply.body["reason"], str)


def test_a_database_that_is_not_there_says_so_everywhere(db: Db) -> None:
    db.ask("DELETE")
    for method, path, body in (
        ("GET", "", None),
        ("GET", "/d", None),
        ("POST", "/_bulk_docs", {"docs": [{}]}),
        ("POST", "/_find", {"selector": {}}),
        ("GET", "/_changes", None),
    ):
        reply = db.ask(method, path, body)
        assert (path, reply.status, reply.body["error"]) == (path, 404, "not_found")


def test_numbers_and_texts_come_back_as_they_were_sent(db: Db) -> None:
    sent = {"big": 123456789012345678901234567890, "small": 1e-300, "text": '𠮷 \u0000 \\ "', "deep": [[[[{"": None}]]]]}
    db.put("d", **sent)
    assert {name: value for name, value in db.get("/d").items() if name[0] != "_"} == sent
