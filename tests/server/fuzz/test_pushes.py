"""Whatever is pushed or asked: one answer for each document, and the store holds what was answered, as it was checked."""

import json
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.domain import admission
from server.domain.batches import read_sound
from sync.gateway.answers import Stop
from sync.gateway.batch import read_batch, read_docs, write_batch
from sync.gateway.queries import SHAPES, rewrite_body
from sync.gateway.wire import Inbound, Malformed
from tests.conftest import GRID_A
from tests.server.fuzz.conftest import FOREIGN_DB, GRID_DB, Front, no_trace
from tests.sync.gateway.conftest import make_report

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.just("worker1")
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=8
)
RESERVED = [
    "_deleted",
    "_attachments",
    "_revisions",
    "_local_seq",
    "_id",
    "_rev",
    "type",
    "author",
    "grid",
    "captured_at",
    "photos",
    "x",
]
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@st.composite
def pushed(draw: st.DrawFn) -> Any:
    """A sound report, one with a few fields exchanged or missing, or any JSON value at all."""
    kind = draw(st.sampled_from(["sound", "changed", "changed", "anything"]))
    if kind == "anything":
        return draw(VALUES)
    doc: dict[str, Any] = make_report("worker1", "device-x")
    for _ in range(draw(st.integers(1, 3)) if kind == "changed" else 0):
        name = draw(st.sampled_from([*RESERVED, *doc]))
        if draw(st.booleans()):
            doc[name] = draw(VALUES)
        else:
            doc.pop(name, None)
    return doc


@pytest.fixture(scope="module")
def session(front: Front) -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.headers["authorization"] = f"Bearer {front.token}"
        yield found


@settings(max_examples=30, suppress_health_check=QUIET)
@given(docs=st.lists(pushed(), min_size=1, max_size=6), is_foreign=st.booleans())
def test_every_document_is_answered_and_held_as_the_answer_says(
    front: Front, session: requests.Session, docs: list[Any], is_foreign: bool
) -> None:
    name = FOREIGN_DB if is_foreign else GRID_DB
    url = f"http://{front.address[0]}:{front.address[1]}/db/{name}/_bulk_docs"
    body = json.dumps({"docs": docs, "new_edits": False}).encode()
    answer = session.post(url, data=body, timeout=60)
    assert answer.status_code == 201, answer.text
    no_trace(answer.content)
    entries = answer.json()
    assert len(entries) == len(docs)
    for doc, entry in zip(docs, entries, strict=True):
        if entry.get("ok"):
            assert not is_foreign
            assert front.couch.database(name).get(doc["_id"]) == orjson.loads(orjson.dumps(doc))
        else:
            assert (entry["error"], entry["reason"] in admission.REASONS) == ("forbidden", True)
            assert entry["quarantined"] in (True, False)


@given(body=st.binary(max_size=300) | st.builds(lambda value: json.dumps(value).encode(), VALUES))
def test_any_bytes_are_a_batch_or_a_small_refusal(body: bytes) -> None:
    try:
        batch = read_batch(read_docs(body))
    except Stop as stop:
        assert stop.status in (400, 413)
    else:
        written = json.loads(write_batch(batch.texts))
        assert (written["new_edits"], len(written["docs"])) == (False, len(batch.docs))


@given(docs=st.lists(VALUES, max_size=5))
def test_a_batch_is_written_as_it_was_read(docs: list[Any]) -> None:
    batch = read_batch(read_docs(json.dumps({"docs": docs, "new_edits": False}).encode()))
    again = json.loads(write_batch(batch.texts))["docs"]
    assert [json.dumps(doc) for doc in again] == [json.dumps(doc) for doc in batch.docs]
    assert len(batch.names()) == len(docs)


@settings(max_examples=300)
@given(docs=st.lists(pushed(), min_size=1, max_size=3), cut=st.integers(0, 2000), put=st.binary(max_size=3))
def test_the_quick_way_reads_a_batch_as_the_careful_one_does_or_not_at_all(docs: list[Any], cut: int, put: bytes) -> None:
    whole = json.dumps({"docs": docs, "new_edits": False}).encode()
    person = {"name": "worker1", "roles": ["worker"], "grids": [GRID_A]}
    for body in (whole, whole[:cut] + put + whole[cut + len(put) :]):
        found = read_sound(body, admission.Target("grid", GRID_A), person)
        if found is not None:
            read = read_docs(body)
            assert orjson.loads(write_batch([found.text])) == {"new_edits": False, "docs": read}
            assert [admission.check(doc, 1000, admission.Target("grid", GRID_A), person) for doc in read] == [None] * len(read)


@given(
    endpoint=st.sampled_from(sorted(SHAPES)),
    body=st.binary(max_size=200) | st.builds(lambda value: json.dumps(value).encode(), VALUES),
)
def test_any_question_is_rewritten_without_reserved_ids_or_refused(endpoint: str, body: bytes) -> None:
    try:
        found = rewrite_body(endpoint, body)
    except Stop as stop:
        assert stop.status in (400, 403)
    else:
        assert b'"_' not in found


@given(raw=st.binary(max_size=80))
def test_any_address_is_plain_segments_or_refused(raw: bytes) -> None:
    async def receive() -> dict[str, Any]:
        raise AssertionError

    inbound = Inbound({"method": "GET", "raw_path": b"/db/" + raw, "path": "", "root_path": "/db", "headers": []}, receive)
    try:
        segments = inbound.segments()
    except Malformed:
        return
    assert all(part not in ("", ".", "..") and part.isprintable() for part in segments)
