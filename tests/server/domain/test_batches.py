"""The quick way through the gate lets in exactly what the careful way lets in."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain import admission
from server.domain.batches import are_all_sound

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

ODD = st.sampled_from(
    [
        None, "", 0, 1, 2, -1, True, [], {}, [1], "x", "worker2", "note", "case", "visit", "640105002001002", GRID + "\n",
        "1-" + "b" * 32, "1-" + "B" * 32, "2-" + "a" * 32, "1-" + "a" * 32 + "\n1-" + "a" * 32, "1-x",
        f"report:{UUID}5", f"note:{UUID}5", f"report:{UUID}5\nreport:{UUID}6", f"report:{UUID}", "_design/x",
        "2026-02-30T00:00:00.000Z", "0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2026-11-23",
        "２０26-11-23T08:00:00.000Z",
        10**13, -(10**13), 10**14, 1.5, "a" * 65, "长" * 4001, {"lat": 91}, {"start": 1, "ids": ["a" * 32]}, "urgent", "no such",
    ]
)  # fmt: skip
FIELDS = st.sampled_from([*sorted(REPORT), "_deleted", "_attachments", "_revisions", "_x", "stowaway", "solved", "patrol", "of"])


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    doc = dict(draw(st.sampled_from([REPORT, NOTE])))
    for _ in range(draw(st.integers(0, 2))):
        field = draw(FIELDS)
        if draw(st.booleans()):
            doc[field] = draw(ODD)
        else:
            doc.pop(field, None)
    return draw(st.sampled_from([doc, doc, doc, doc, None, "text", 3, []]))


@given(st.lists(mutated(), min_size=1, max_size=4), st.sampled_from(["grid", "home", "home-quarter", "beat", "track", "log"]))
@settings(max_examples=600, deadline=None)
def test_the_quick_check_never_accepts_what_the_careful_one_refuses(docs: list[Any], kind: str) -> None:
    target = admission.Target(kind, GRID)
    if are_all_sound(docs, [1000] * len(docs), target, WORKER):
        assert [admission.check(doc, 1000, target, WORKER) for doc in docs] == [None] * len(docs)


def test_a_sound_batch_takes_the_quick_way() -> None:
    assert are_all_sound([REPORT, NOTE, REPORT], [1000] * 3, TARGET, WORKER)


@pytest.mark.parametrize(
    "fields",
    [
        {"author": "worker2"},
        {"grid": "640105002001002"},
        {"_rev": "2-" + "a" * 32},
        {"captured_at": "2026-02-30T00:00:00.000Z"},
        {"_id": f"report:{UUID}5\nreport:{UUID}6"},
        {"stowaway": 1},
        {"_deleted": True},
        {"category": "no such/thing"},
    ],
)
def test_one_bad_document_sends_the_batch_the_careful_way(fields: dict[str, Any]) -> None:
    assert not are_all_sound([REPORT, REPORT | fields], [1000, 1000], TARGET, WORKER)


def test_an_oversized_document_and_a_closed_kind_go_the_careful_way() -> None:
    assert not are_all_sound([REPORT], [300_000], TARGET, WORKER)
    assert not are_all_sound([REPORT], [1000], admission.Target("home-quarter", GRID), WORKER)
