"""The connection: what it sends and which error comes of what."""

from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from sync import database as databases
from sync.couch import Couch
from sync.errors import Conflict, NotFound, Refused, Unreachable
from tests.conftest import free_port
from tests.sync.gateway.conftest import serving
from tests.sync.gateway.test_store_trouble import PretendStore


def test_a_document_is_written_read_changed_and_found_missing(couch: Couch) -> None:
    database = couch.database("docs", create=True)
    rev = database.put({"_id": "a:1", "n": 1})
    assert database.get("a:1") == {"_id": "a:1", "_rev": rev, "n": 1}
    assert database.find("a:2") is None
    with pytest.raises(Conflict):
        database.put({"_id": "a:1", "n": 2})
    with pytest.raises(NotFound):
        database.get("a:2")


def test_an_id_with_every_awkward_character_stays_itself(couch: Couch) -> None:
    database = couch.database("awkward", create=True)
    for id in ("a/b", "a b?c#d&e=f", "巡格", "100%", "a+b", "ref:x:y"):
        database.put({"_id": id})
        assert database.get(id)["_id"] == id


@pytest.mark.parametrize("id", ["", ".", ".."])
def test_an_id_that_would_climb_the_path_is_refused(id: str, couch: Couch) -> None:
    with pytest.raises(Refused):
        couch.database("docs", create=True).get(id)


def test_making_a_database_twice_and_deleting_it_twice_is_fine(couch: Couch) -> None:
    for _ in range(2):
        couch.create("twice", replicated=True)
    assert "twice" in couch.all_databases()
    for _ in range(2):
        couch.delete("twice")
    assert couch.info(["twice", "docs-none"]) == {"twice": None, "docs-none": None}


def test_writing_to_a_missing_database_says_so(couch: Couch) -> None:
    for write in (lambda db: db.put({"_id": "a"}), lambda db: db.bulk([{"_id": "a"}]), lambda db: db.local_put("x", {})):
        with pytest.raises(NotFound):
            write(couch.database("never-made"))


def test_many_and_range_read_whole_documents(couch: Couch) -> None:
    database = couch.database("lists", create=True)
    database.bulk([{"_id": f"report:{n}"} for n in range(5)])
    assert [doc["_id"] for doc in database.range("report:1", "report:3", 10)] == ["report:1", "report:2", "report:3"]
    assert [doc["_id"] for doc in database.range("report:3", "report:1", 2, descending=True)] == ["report:3", "report:2"]
    found = database.many(["report:1", "report:9"])
    assert found["report:9"] is None
    assert found["report:1"] == database.get("report:1")


def test_bulk_with_given_revisions_lists_only_what_failed(couch: Couch) -> None:
    database = couch.database("given", create=True)
    assert database.bulk([{"_id": "a", "_rev": "1-" + "a" * 32}], new_edits=False) == []
    assert database.get("a")["_rev"] == "1-" + "a" * 32


def test_local_documents_are_overwritten_by_the_last_writer(couch: Couch) -> None:
    database = couch.database("locals", create=True)
    assert database.local_get("intake") is None
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: database.local_put("intake", {"seq": n}), range(4)))
    found = database.local_get("intake")
    assert found is not None
    assert found["seq"] in range(4)


def test_attachments_come_back_byte_for_byte(couch: Couch) -> None:
    database = couch.database("files", create=True)
    rev = database.put({"_id": "photo:1"})
    data = bytes(range(256)) * 100
    assert database.attach("photo:1", rev, "sent", data, "image/jpeg").startswith("2-")
    assert database.attachment("photo:1", "sent") == data


def test_nobody_there_and_a_wrong_password_are_told_apart(own_store: str) -> None:
    nobody = Couch(f"http://admin:x@127.0.0.1:{free_port()}")
    assert not nobody.is_up()
    with pytest.raises(Unreachable):
        nobody.all_databases()
    with pytest.raises(Refused) as refused:
        Couch(own_store.replace("//admin:", "//admin:not-")).all_databases()
    assert refused.value.status == 401


def test_a_database_that_cannot_be_looked_at_is_not_taken_for_none() -> None:
    """CouchDB answers "not_found" in `_dbs_info` whatever the reason."""

    def answer(asked: str, _body: bytes) -> tuple[int, bytes]:
        if asked == "POST /_dbs_info":
            return 200, b'[{"key":"erasures","error":"not_found"}]'
        return 500, b'{"error":"internal_server_error","reason":"No DB shards could be opened."}'

    with serving(PretendStore(answer)) as url:
        couch = Couch(url)
        assert couch.info(["erasures"]) == {"erasures": None}
        with pytest.raises(Unreachable):
            couch.info_of("erasures")


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (412, b'{"error":"file_exists","reason":"The database could not be created, the file already exists."}', Conflict),
        (412, b'{"error":"nodedown","reason":"progress not possible"}', Unreachable),
        (429, b'{"error":"too_many_requests"}', Unreachable),
        (408, b"", Unreachable),
        (202, b'{"ok":true}', Unreachable),
        (413, b'{"error":"document_too_large"}', Refused),
        (200, b'{"total_rows":3,"rows":[{"id":"a"}', Unreachable),
    ],
)
def test_what_a_cluster_or_a_proxy_answers_is_told_apart(status: int, body: bytes, error: type[Exception]) -> None:
    with serving(PretendStore(lambda _asked, _body: (status, body))) as url, pytest.raises(error):
        Couch(url).json("PUT", ["db", "doc"], body={})


def test_a_node_that_is_down_is_not_taken_for_a_database_that_is_there() -> None:
    down = PretendStore(lambda _asked, _body: (412, b'{"error":"nodedown","reason":"x"}'))
    with serving(down) as url, pytest.raises(Unreachable):
        Couch(url).create("grid", replicated=True)


def _stale(times: int) -> Callable[[str, bytes], tuple[int, bytes]]:
    answers = iter([False] * times)

    def answer(_asked: str, _body: bytes) -> tuple[int, bytes]:
        if next(answers, True):
            return 200, b'{"rows":[]}'
        return 404, b'{"error":"not_found","reason":"Design document was updated or deleted."}'

    return answer


def test_a_view_whose_design_document_is_being_replaced_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "STALE_PAUSE_S", 0.001)
    with serving(PretendStore(_stale(3))) as url:
        assert Couch(url).database("cases").view("cases", "due") == {"rows": []}
    with serving(PretendStore(_stale(1000))) as url, pytest.raises(Unreachable):
        Couch(url).database("cases").view("cases", "due", keys=["a"])


def test_a_password_in_any_script_is_sent_as_couchdb_reads_it() -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            seen.extend(value.decode() for name, value in scope["headers"] if name == b"authorization")
        await PretendStore(lambda _asked, _body: (200, b"[]"))(scope, receive, send)

    with serving(app) as url:
        store = Couch(url.replace("http://", "http://admin:%E5%AF%86%3A%40%20%C3%A9@") + "/couch/")
        assert store.all_databases() == []
    assert b64decode(seen[0].removeprefix("Basic ")).decode() == "admin:密:@ é"
