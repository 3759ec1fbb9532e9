"""Lists of documents, and what keeps a database small: purging, stemming, compaction."""

from sync.couch import Couch
from tests.sync.contract.conftest import Client, Db, until

A, B, C = ("a" * 32, "b" * 32, "c" * 32)


def test_documents_are_listed_by_the_bytes_of_their_ids(db: Db) -> None:
    names = ["B", "a", "b", "中", "é"]
    db.post("/_bulk_docs", {"docs": [{"_id": name} for name in names]})
    answer = db.get("/_all_docs")
    assert [row["id"] for row in answer["rows"]] == ["B", "a", "b", "é", "中"]
    assert (answer["total_rows"], answer["offset"]) == (5, 0)
    some = db.get("/_all_docs?startkey=%22a%22&endkey=%22b%22&inclusive_end=false&include_docs=true")
    assert [row["doc"]["_id"] for row in some["rows"]] == ["a"]
    assert [row["id"] for row in db.get("/_all_docs?descending=true&limit=2&skip=1")["rows"]] == ["é", "b"]


def test_documents_are_found_by_keys_in_the_order_of_the_keys(db: Db) -> None:
    rev = db.put("here")
    gone = db.put("gone")
    db.ask("DELETE", f"/gone?rev={gone}")
    rows = db.post("/_all_docs", {"keys": ["none", "gone", "here"]})["rows"]
    assert rows[0] == {"key": "none", "error": "not_found"}
    assert rows[1]["value"]["deleted"] is True
    assert rows[2] == {"id": "here", "key": "here", "value": {"rev": rev}}


def test_a_purged_leaf_was_never_there(db: Db) -> None:
    db.push({"_id": "d", "_rev": f"1-{A}", "v": 1}, {"_id": "d", "_rev": f"1-{B}", "v": 2})
    assert db.post("/_purge", {"d": [f"1-{B}"]})["purged"] == {"d": [f"1-{B}"]}
    assert db.get("/d?conflicts=true") == {"_id": "d", "_rev": f"1-{A}", "v": 1}
    assert db.post("/_purge", {"d": [f"1-{A}"]})["purged"] == {"d": [f"1-{A}"]}
    assert db.ask("GET", "/d").body["reason"] == "missing"
    assert (db.get("")["doc_count"], db.get("/_changes")["results"]) == (0, [])
    assert db.post("/_purge", {"d": [f"1-{C}"]})["purged"] == {"d": []}
    assert db.post("/_revs_diff", {"d": [f"1-{A}"]}) == {"d": {"missing": [f"1-{A}"]}}


def test_a_purge_of_more_than_is_taken_at_once_is_refused_and_sent_in_portions_goes_through(db: Db, store_url: str) -> None:
    revs = {f"d{n}": [f"1-{n:032x}"] for n in range(230)}
    db.push(*({"_id": id, "_rev": rev} for id, [rev] in revs.items()))
    for wrong in (dict(list(revs.items())[:101]), {"d0": [f"1-{n:032x}" for n in range(1001)]}):
        refused = db.ask("POST", "/_purge", wrong)
        assert (refused.status, refused.body["error"]) == (400, "bad_request")
    assert db.get("")["doc_count"] == len(revs)
    Couch(store_url).database(db.name).purge(revs)
    assert (db.get("")["doc_count"], db.get("/_changes")["results"]) == (0, [])


def test_figures_are_told_of_a_hundred_databases_at_once_and_of_none_that_is_not_there(
    db: Db, client: Client, store_url: str
) -> None:
    nowhere = f"{db.name}_none"
    refused = client.ask("POST", "/_dbs_info", {"keys": [db.name] * 101})
    assert (refused.status, refused.body["error"]) == (400, "bad_request")
    rows = client.ask("POST", "/_dbs_info", {"keys": [db.name, nowhere] * 50}).body
    assert [row.get("error") for row in rows[:2]] == [None, "not_found"]
    couch = Couch(store_url)
    figures = couch.info_of(db.name)
    assert figures is not None
    assert figures["doc_count"] == 0
    assert couch.info_of(nowhere) is None


def test_histories_are_cut_to_the_limit(db: Db) -> None:
    assert db.ask("PUT", "/_revs_limit", 3).status == 200
    assert db.get("/_revs_limit") == 3
    rev = db.put("d", v=0)
    for v in range(1, 6):
        rev = db.put("d", v=v, _rev=rev)
    document = db.get("/d?revs=true")
    assert (document["_revisions"]["start"], len(document["_revisions"]["ids"])) == (6, 3)
    assert db.ask("PUT", "/d", {"v": 9, "_rev": rev}).status == 201


def test_compaction_forgets_old_bodies_and_nothing_else(db: Db) -> None:
    first = db.put("d", v=1)
    second = db.put("d", v=2, _rev=first)
    db.push({"_id": "d", "_rev": f"1-{A}", "v": "other"})
    assert db.ask("GET", f"/d?rev={first}").status == 200
    assert db.ask("POST", "/_compact", {}).status == 202
    until(lambda: db.get("")["compact_running"] is False)
    until(lambda: db.ask("GET", f"/d?rev={first}").status == 404)
    document = db.get("/d?revs_info=true&conflicts=true")
    assert (document["_rev"], document["v"], document["_conflicts"]) == (second, 2, [f"1-{A}"])
    assert [each["status"] for each in document["_revs_info"]] == ["available", "missing"]


def test_counts_and_security_are_told(db: Db) -> None:
    db.put("a")
    info = db.get("")
    assert (info["db_name"], info["doc_count"], info["doc_del_count"]) == (db.name, 1, 0)
    assert db.ask("PUT", "/_security", {"admins": {"names": [], "roles": ["_admin"]}}).status == 200
    assert db.get("/_security")["admins"]["roles"] == ["_admin"]
    assert db.ask("HEAD", "").status == 200
