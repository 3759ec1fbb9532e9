"""What a client's own code can do to the node: lose its own answer, and nothing else."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sync.embedded.running_node import RunningNode

# A second or two of processor time; a mapper that gets little of it is ended after ten seconds, and so is each further try of it.
SOON_S = 120
BOMB = "^(a+)+$"
TARGET = "a" * 60 + "b"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningNode]:
    """A node with database `a`: a hundred documents on which `BOMB` never comes to an end, and a few bad functions."""
    node = RunningNode(tmp_path_factory.mktemp("node") / "data")
    node.ask("PUT", "/a")
    node.ask("POST", "/a/_bulk_docs", {"docs": [{"_id": f"d{n:03}", "n": n, "text": TARGET} for n in range(100)]})
    filters = {
        "endless": "function (doc) { while (true); }",
        "huge": "function (doc) { var all = []; while (true) all.push(new Array(100000).fill(1)); }",
        "throwing": "function (doc) { return doc.not.there; }",
        "broken": "function (doc) { return",
    }
    views = {"endless": {"map": "function (doc) { while (true); }"}}
    assert node.ask("PUT", "/a/_design/f", {"filters": filters, "views": views})[0] == 201
    yield node
    node.stop()


def test_a_pattern_without_end_is_stopped_and_said_to_be(node: RunningNode) -> None:
    started_s = time.monotonic()
    status, answer = node.ask("POST", "/a/_find", {"selector": {"text": {"$regex": BOMB}}})
    assert (status, answer["error"]) == (500, "timeout")
    assert time.monotonic() - started_s < SOON_S


def test_a_pattern_without_end_holds_up_nobody(node: RunningNode) -> None:
    """Each takes a second of processor time. Whoever were held up by them would be answered between two of them, if at all."""
    bomb = {"selector": {"text": {"$regex": BOMB}}}
    asking = [threading.Thread(target=node.ask, args=("POST", "/a/_find", bomb)) for _ in range(6)]
    for thread in asking:
        thread.start()
    answered = 0
    while any(thread.is_alive() for thread in asking):
        assert node.ask("GET", "/a/d000")[0] == 200
        assert node.ask("POST", "/a/_find", {"selector": {"n": 7}})[1]["docs"][0]["_id"] == "d007"
        answered += 1
    assert answered > 2 * len(asking)


def test_a_feed_with_such_a_pattern_is_stopped_too(node: RunningNode) -> None:
    status, answer = node.ask("POST", "/a/_changes?filter=_selector", {"selector": {"text": {"$regex": BOMB}}})
    assert (status, answer["error"]) == (500, "timeout")


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("filter=f/endless", "timeout"),
        ("filter=f/huge", "timeout"),
        ("filter=f/throwing", "TypeError"),
        ("filter=f/broken", "SyntaxError"),
        ("filter=_view&view=f/endless", "timeout"),
    ],
)
def test_a_bad_filter_costs_only_its_own_feed(node: RunningNode, path: str, error: str) -> None:
    started_s = time.monotonic()
    status, answer = node.ask("GET", f"/a/_changes?{path}")
    assert (status, answer["error"]) == (500, error)
    assert time.monotonic() - started_s < SOON_S
    assert len(node.ask("GET", "/a/_changes")[1]["results"]) == 101


def test_an_endless_reduce_is_stopped(node: RunningNode) -> None:
    design = {"views": {"v": {"map": "function (doc) { emit(1, 1); }", "reduce": "function () { while (true); }"}}}
    node.ask("PUT", "/a/_design/r", design)
    started_s = time.monotonic()
    status, _ = node.ask("GET", "/a/_design/r/_view/v")
    assert status == 500
    assert time.monotonic() - started_s < SOON_S


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"selector": {"x": "y" * (1 << 20)}}, 413),
        ({"selector": {"text": {"$regex": "a" * 5000}}}, 400),
        ({"selector": {"$or": [{"n": n} for n in range(5000)]}}, 200),
    ],
    ids=["huge body", "huge pattern", "many clauses"],
)
def test_bodies_are_bounded(node: RunningNode, body: object, status: int) -> None:
    assert node.ask("POST", "/a/_find", body)[0] == status


def test_a_selector_nested_without_measure_is_refused(node: RunningNode) -> None:
    selector: object = {"n": 1}
    for _ in range(300):
        selector = {"$not": selector}
    status, answer = node.ask("POST", "/a/_find", {"selector": selector})
    assert (status, answer["error"]) == (400, "invalid_selector")


def test_a_design_document_that_would_not_be_obeyed_is_not_taken(node: RunningNode) -> None:
    guard = {"validate_doc_update": "function () { throw ({ forbidden: 'no' }); }"}
    assert node.ask("PUT", "/a/_design/guard", guard)[0] == 501
    assert node.ask("GET", "/a/_design/guard")[0] == 404


def test_text_indexes_are_refused_as_by_a_couchdb_without_a_search_engine(node: RunningNode) -> None:
    status, answer = node.ask("POST", "/a/_index", {"index": {"fields": [{"name": "n", "type": "string"}]}, "type": "text"})
    assert (status, answer) == (503, {"error": "required index service unavailable", "reason": "text"})
    status, answer = node.ask("POST", "/a/_find", {"selector": {"$text": "x"}})
    assert (status, answer["error"]) == (400, "no_usable_index")


def test_unused_index_files_go_when_asked(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    node = start_node()
    node.ask("PUT", "/a")
    node.ask("PUT", "/a/d", {"n": 1})
    for name in ("one", "two"):
        node.ask("POST", "/a/_index", {"index": {"fields": ["n"]}, "ddoc": name, "name": name})
        assert node.ask("POST", "/a/_find", {"selector": {"n": 1}, "use_index": name})[1]["docs"][0]["_id"] == "d"
    assert node.ask("DELETE", "/a/_index/one/json/one")[0] == 200
    assert len([*tmp_path.glob("data/*.views/*.sqlite")]) == 2
    assert node.ask("POST", "/a/_view_cleanup", {})[0] == 202
    assert len([*tmp_path.glob("data/*.views/*.sqlite")]) == 1
    assert node.ask("POST", "/a/_find", {"selector": {"n": 1}, "use_index": "two"})[1]["docs"][0]["_id"] == "d"
