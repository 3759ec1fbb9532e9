"""What the recorded cases do not show: honest refusals, access, erasure, and feeds across a database made anew."""

import base64
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.sync.embedded.running_node import RunningNode

UNSUPPORTED = [
    ("POST", "/_replicate"),
    ("GET", "/_session"),
    ("GET", "/_active_tasks"),
    ("GET", "/_db_updates"),
    ("GET", "/a/_local_docs"),
    ("GET", "/a/_shards"),
    ("GET", "/a/_partition/p/_all_docs"),
    ("GET", "/a/_design/d/_show/s"),
    ("GET", "/a/_design/d/_list/l/v"),
    ("PUT", "/a/_design/d/_update/u/d"),
    ("GET", "/a/_design/d/_info"),
    ("COPY", "/a/d"),
    ("GET", "/a/_changes?feed=eventsource"),
]


@pytest.fixture(scope="module")
def shared_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """One node for this module; every test makes its database anew."""
    node = RunningNode(tmp_path_factory.mktemp("node") / "data")
    yield node
    node.stop()


@pytest.fixture
def filled(shared_node: RunningNode) -> RunningNode:
    """A node with database `a`, a document `d` and a design document `d`."""
    node = shared_node
    node.ask("DELETE", "/a")
    assert node.ask("PUT", "/a")[0] == 201
    assert node.ask("PUT", "/a/d", {"v": 1})[0] == 201
    assert node.ask("PUT", "/a/_design/d", {"filters": {"f": "function(){ return true; }"}})[0] == 201
    return node


def test_what_it_cannot_do_it_says_with_501(filled: RunningNode) -> None:
    answers = {path: filled.ask(method, path, {} if method == "POST" else None) for method, path in UNSUPPORTED}
    assert {path: status for path, (status, _) in answers.items() if status != 501} == {}
    assert {answer["error"] for _, answer in answers.values()} == {"not_implemented"}
    assert all(answer["reason"] for _, answer in answers.values())


def test_multipart_is_refused(filled: RunningNode) -> None:
    with closing(filled.connect()) as connection:
        credentials = base64.b64encode(b"admin:secret").decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "multipart/related; boundary=x"}
        connection.request("PUT", "/a/m", "--x--", headers)
        assert connection.getresponse().status == 501


@pytest.mark.parametrize("authorization", [None, "Basic YWRtaW46d3Jvbmc=", "Basic ####", "Basic"])
def test_nothing_but_the_welcome_is_open_to_strangers(filled: RunningNode, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    with closing(filled.connect()) as connection:
        for path, expected in (("/_all_dbs", 401), ("/a", 401), ("/a/d", 401), ("/nope", 401)):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert (path, answer.status) == (path, expected)


def test_a_checkpoint_of_a_deleted_database_starts_the_new_one_from_the_beginning(filled: RunningNode) -> None:
    last = filled.ask("GET", "/a/_changes")[1]["last_seq"]
    filled.ask("DELETE", "/a")
    filled.ask("PUT", "/a")
    for id_ in "xyz":
        filled.ask("PUT", f"/a/{id_}", {"v": 2})
    changes = filled.ask("GET", f"/a/_changes?since={last}")[1]
    assert [row["id"] for row in changes["results"]] == ["x", "y", "z"]


def test_deleting_a_database_ends_the_feeds_on_it(filled: RunningNode) -> None:
    with closing(filled.connect()) as connection:
        credentials = base64.b64encode(b"admin:secret").decode()
        path = "/a/_changes?feed=continuous&since=now&heartbeat=200"
        connection.request("GET", path, headers={"Authorization": f"Basic {credentials}"})
        with connection.getresponse() as answer:
            assert answer.readline() == b"\n", "a heartbeat: the feed waits"
            filled.ask("DELETE", "/a")
            assert b"last_seq" in answer.read()


def test_a_large_feed_arrives_whole_and_in_order(filled: RunningNode) -> None:
    ids = [f"n{number:05}" for number in range(1234)]
    filled.ask("POST", "/a/_bulk_docs", {"docs": [{"_id": id_} for id_ in ids]})
    changes = filled.ask("GET", "/a/_changes?include_docs=true")[1]
    assert [row["doc"]["_id"] for row in changes["results"]] == ["d", "_design/d", *ids]
    assert changes["pending"] == 0
    backwards = filled.ask("GET", "/a/_changes?descending=true")[1]
    assert [row["id"] for row in backwards["results"]] == [*reversed(ids), "_design/d", "d"]
    last = filled.ask("GET", f"/a/_changes?descending=true&limit=1&since={changes['last_seq']}")[1]
    assert [row["id"] for row in last["results"]] == [ids[-1]]
    some = filled.ask("GET", "/a/_changes?limit=700")[1]
    assert (len(some["results"]), some["pending"]) == (700, 536)


def test_what_is_purged_and_compacted_is_gone_from_the_files(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    node = start_node()
    node.ask("PUT", "/a")
    secret = "a-name-nobody-may-find-again"
    attachment = base64.b64encode(secret.encode() * 3000).decode()
    body = {"name": secret, "_attachments": {"x": {"content_type": "image/png", "data": attachment}}}
    _, answer = node.ask("PUT", "/a/person", body)
    assert any(secret.encode() in path.read_bytes() for path in (tmp_path / "data").iterdir())
    _, answer = node.ask("DELETE", f"/a/person?rev={answer['rev']}")
    assert node.ask("POST", "/a/_purge", {"person": [answer["rev"]]})[1]["purged"] == {"person": [answer["rev"]]}
    assert node.ask("POST", "/a/_compact", {})[0] == 202
    assert [path.name for path in (tmp_path / "data").iterdir() if secret.encode() in path.read_bytes()] == []


def test_compaction_forgets_old_bodies_and_keeps_what_is_read(filled: RunningNode) -> None:
    first = filled.ask("GET", "/a/d")[1]["_rev"]
    filled.ask("PUT", "/a/d", {"_rev": first, "v": 2})
    assert filled.ask("GET", f"/a/d?rev={first}")[0] == 200
    assert filled.ask("POST", "/a/_compact", {})[0] == 202
    assert filled.ask("GET", f"/a/d?rev={first}")[0] == 404
    _, document = filled.ask("GET", "/a/d?revs_info=true")
    assert document["v"] == 2
    assert [each["status"] for each in document["_revs_info"]] == ["available", "missing"]


def test_an_attachment_kept_by_a_stub_survives_compaction(filled: RunningNode) -> None:
    data = base64.b64encode(b"\x89PNG bytes").decode()
    inline = {"x": {"content_type": "image/png", "data": data}}
    _, first = filled.ask("PUT", "/a/photo", {"_attachments": inline})
    _, second = filled.ask("PUT", "/a/photo", {"_rev": first["rev"], "v": 2, "_attachments": {"x": {"stub": True}}})
    assert filled.ask("POST", "/a/_compact", {})[0] == 202
    _, document = filled.ask("GET", "/a/photo?attachments=true")
    assert (document["_rev"], document["_attachments"]["x"]["data"]) == (second["rev"], data)


def test_a_document_beyond_the_limit_is_refused_and_a_batch_with_one_too(filled: RunningNode) -> None:
    big = {"_id": "big", "text": "x" * 8_000_001}
    assert filled.ask("PUT", "/a/big", {"text": big["text"]})[0] == 413
    assert filled.ask("POST", "/a/_bulk_docs", {"docs": [{"_id": "small"}, big]})[0] == 413
    assert filled.ask("GET", "/a/small")[0] == 404
