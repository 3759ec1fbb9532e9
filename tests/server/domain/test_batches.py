"""The quick way through the gate lets in exactly what the careful way lets in."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain import admission
from server.domain.batches import Sound, read_sound

GRID = "640105002001001"
TARGET = admission.Target("grid", GRID)
WORKER = {"name": "worker1", "roles": ["worker"], "grids": [GRID]}
UUID = "0198f2a0-1111-7111-8111-11111111111"
REPORT: dict[str, Any] = {
    "_id": f"report:{UUID}1",
    "_rev": "1-" + "a" * 32,
    "type": "report",
    "v": 1,
    "grid": GRID,
    "author": "worker1",
    "device": "0123456789abcdef",
    "captured_at": "2026-11-23T08:00:00.000Z",
    "clock_offset_ms": 12,
    "category": "rubbish",
    "text": "楼道堆放杂物",
    "urgency": "normal",
    "place": {"lat": 38.5, "lon": 106.1, "accuracy_m": 12.5, "datum": "WGS84"},
    "photos": [f"photo:{UUID}2"],
    "source": "patrol",
}
NOTE = {name: REPORT[name] for name in ("_rev", "v", "grid", "author", "device", "captured_at", "clock_offset_ms", "text")}
NOTE |= {"_id": f"note:{UUID}3", "type": "note", "of": REPORT["_id"]}

PHOTO = {name: NOTE[name] for name in NOTE if name != "text"} | {
    "_id": f"photo:{UUID}4",
    "type": "photo",
    "files": [{"role": "sent", "sha256": "a" * 64, "size_bytes": 1, "content_type": "image/jpeg"}],
    "taken_at": None,
    "place": {"lat": 38, "lon": 106.0, "address": None},
}
VISIT = {name: NOTE[name] for name in NOTE if name not in ("text", "of")} | {
    "_id": f"visit:{UUID}7",
    "type": "visit",
    "household": None,
    "address": "3-2-501",
    "kind": "elderly",
    "findings": '一切正常 \u0000 \\ " 😀',
    "answers": {"heating": True, "people": 2, "share": 0.5, "seen": ["gas", "wires"], "other": None},
}


def sound(docs: Any, kind: str = "grid", **batch: Any) -> Sound | None:
    """What the quick way makes of these documents as a phone pushes them."""
    body = json.dumps({"docs": docs, "new_edits": False, **batch}, ensure_ascii=False).encode()
    return read_sound(body, admission.Target(kind, GRID), WORKER)


ODD = st.sampled_from(
    [
        None, "", 0, 1, 2, -1, True, [], {}, [1], "x", "worker2", "note", "case", "visit", "640105002001002", GRID + "\n",
        "1-" + "b" * 32, "1-" + "B" * 32, "2-" + "a" * 32, "1-" + "a" * 32 + "\n1-" + "a" * 32, "1-x",
        f"report:{UUID}5", f"note:{UUID}5", f"report:{UUID}5\nreport:{UUID}6", f"report:{UUID}", "_design/x",
        "2026-02-30T00:00:00.000Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2026-11-23",
        "２０26-11-23T08:00:00.000Z",
        10**13, -(10**13), 10**14, 2**53, 10**30, 1.5, 1.0, {"a": {"b": 1}}, {"a": 10**30},
        "a" * 65, "长" * 4001, {"lat": 91}, {"start": 1, "ids": ["a" * 32]}, "urgent", "no such",
    ]
)  # fmt: skip
STRANGE = ["_deleted", "_attachments", "_revisions", "_x", "stowaway", "solved", "patrol", "of", "answers", "next_at", "files"]
STRANGE += ["form", "kind"]
FIELDS = st.sampled_from([*sorted(REPORT), *STRANGE])


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    doc = dict(draw(st.sampled_from([REPORT, NOTE, PHOTO, VISIT, VISIT | {"form": "elderly.1", "answers": {"met": "home"}}])))
    for _ in range(draw(st.integers(0, 2))):
        field = draw(FIELDS)
        if draw(st.booleans()):
            doc[field] = draw(ODD)
        else:
            doc.pop(field, None)
    return draw(st.sampled_from([doc, doc, doc, doc, None, "text", 3, []]))


@given(st.lists(mutated(), min_size=1, max_size=4), st.sampled_from(["grid", "home", "home-quarter", "beat", "track", "log"]))
@settings(max_examples=600, deadline=None)
def test_the_quick_way_never_lets_in_what_the_careful_one_refuses(docs: list[Any], kind: str) -> None:
    target = admission.Target(kind, GRID)
    found = sound(docs, kind)
    if found is not None:
        assert [admission.check(doc, 1000, target, WORKER) for doc in docs] == [None] * len(docs)
        assert orjson.loads(b"[" + found.text + b"]") == docs
        assert found.names == [(doc["_id"], doc["_rev"]) for doc in docs]


def test_a_sound_batch_takes_the_quick_way_and_comes_out_as_it_went_in() -> None:
    docs = [REPORT, NOTE, PHOTO, REPORT]
    found = sound(docs)
    assert found is not None
    assert orjson.loads(b"[" + found.text + b"]") == docs
    assert b'"lat":38,"lon":106.0,' in found.text
    assert found.names[1] == (NOTE["_id"], NOTE["_rev"])
    visits = sound([VISIT], "home-quarter")
    assert visits is not None
    assert orjson.loads(visits.text) == VISIT


def test_absent_null_and_default_stay_three_things() -> None:
    for fields in ({"patrol": None}, {"solved": None}, {"solved": {"text": "x"}}, {"solved": {"text": "x", "photos": []}}):
        found = sound([REPORT | fields])
        assert found is not None
        assert orjson.loads(found.text) == REPORT | fields


def test_of_doubled_keys_the_one_that_was_checked_is_stored() -> None:
    body = json.dumps({"docs": [REPORT], "new_edits": False}).replace('"author"', '"author": "worker2", "author"', 1).encode()
    found = read_sound(body, TARGET, WORKER)
    assert found is not None
    assert found.text.count(b'"author"') == 1
    assert orjson.loads(found.text) == REPORT


@pytest.mark.parametrize(
    "fields",
    [
        {"author": "worker2"},
        {"grid": "640105002001002"},
        {"_rev": "2-" + "a" * 32},
        {"captured_at": "2026-02-30T00:00:00.000Z"},
        {"captured_at": "2026-02-28T24:00:00.000Z"},
        {"_id": f"report:{UUID}5\nreport:{UUID}6"},
        {"stowaway": 1},
        {"_deleted": True},
        {"_revisions": {"start": 1, "ids": ["a" * 32]}},
        {"category": "no such/thing"},
        {"device": "no such/thing"},
        {"place": {"lat": 10**30}},
    ],
)
def test_one_bad_or_odd_document_sends_the_batch_the_careful_way(fields: dict[str, Any]) -> None:
    assert sound([REPORT, REPORT | fields]) is None


def test_one_of_two_types_in_one_document_sends_the_batch_the_careful_way() -> None:
    body = json.dumps({"docs": [NOTE], "new_edits": False}).replace('"type"', '"type": "report", "type"', 1).encode()
    assert read_sound(body, TARGET, WORKER) is None


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"docs": [], "new_edits": false}', b"[" * 5000, b"\xff", b'{"docs": ["\\ud800"], "new_edits": false}'],
)
def test_what_is_no_batch_is_none(body: bytes) -> None:
    assert read_sound(body, TARGET, WORKER) is None


def test_new_edits_an_oversized_document_and_a_closed_kind_go_the_careful_way() -> None:
    assert sound([REPORT], new_edits=True) is None
    assert sound([REPORT | {"photos": ["x" * 300_000]}]) is None
    assert sound([REPORT], "home-quarter") is None


def test_size_is_each_documents_own() -> None:
    long = REPORT | {"text": "长" * 4000}
    assert sound([long] * 100) is not None
    wide = VISIT | {"answers": {str(number): "长" * 1000 for number in range(90)}}
    assert sound([VISIT, wide], "home-quarter") is None
