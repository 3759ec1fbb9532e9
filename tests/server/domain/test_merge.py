"""Field merge: the laws that let any node merge in any order, and what becomes of every single edit."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.domain import documents, hlc, merge
from tests.conftest import GRID_A

Document = dict[str, Any]
UUID = "019a0000-0000-7000-8000-000000000001"
BASIS = {"purpose": "走访服务", "given_at": "2026-11-01T08:00:00.000Z", "how": "consent_spoken"}
NODES = ("d1", "d2", "desk:community1")


def stamp(minute: int, node: str = "d1", counter: int = 0) -> str:
    return f"{1_795_420_800_000 + minute * 60_000:015d}-{counter:04x}-{node}"


def version(type_: str = "household", device: str = "d1", **fields: Any) -> Document:
    facts: dict[str, Document] = {
        "household": {"address": "同心北街 1 号", "basis": BASIS},
        "member": {"household": f"household:{UUID}", "name": "王芳"},
        "errand": {"household": f"household:{UUID}", "item": "低保申请"},
    }
    head = {"_id": f"{type_}:{UUID}", "type": type_, "v": 1, "grid": GRID_A, "author": "worker1", "device": device}
    head |= {"captured_at": "2026-11-23T08:00:00.000Z", "clock_offset_ms": 0}
    return head | facts[type_] | {"stamps": {}, "superseded": [], "settled": []} | fields


def is_sound(doc: Document) -> bool:
    documents.read({name: value for name, value in doc.items() if not name.startswith("_")})
    return True


stamps = st.builds(stamp, st.integers(0, 4), st.sampled_from(NODES), st.integers(0, 1))
MATERIAL = st.builds(
    lambda key, state: {"key": key, "name": "户口本", "state": state},
    st.sampled_from(["01", "02"]),
    st.sampled_from(["missing", "there", "handed_in"]),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "contact_phone": st.sampled_from(["13800000001", "13800000002", None]),
    "needs": st.sampled_from([["助餐"], ["助餐", "助浴"], []]),
    "residents_count": st.sampled_from([1, 2, None]),
    "address": st.sampled_from(["同心北街 1 号", "同心北街 2 号"]),
}


@st.composite
def households(draw: st.DrawFn) -> Document:
    """A version as phones, staff and the server may leave one behind: some fields stamped, some not, some lost, some settled."""
    doc = version(device=draw(st.sampled_from(NODES)), captured_at=f"2026-11-23T08:00:0{draw(st.integers(0, 3))}.000Z")
    for name in draw(st.sets(st.sampled_from(sorted(FIELDS)))):
        value = draw(FIELDS[name])
        doc |= {name: value} if value is not None else {}
        if draw(st.booleans()):
            doc["stamps"][name] = draw(st.one_of(stamps, st.just("no stamp")))
    lost = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=3))
    doc["superseded"] = [{"field": name, "stamp": draw(stamps), "value": draw(FIELDS[name])} for name in lost]
    seen = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=2))
    doc["settled"] = [merge.mark_of(merge.Edit(name, draw(stamps), draw(FIELDS[name]))) for name in seen]
    return doc


@st.composite
def errands(draw: st.DrawFn) -> Document:
    items = draw(st.lists(MATERIAL, max_size=2, unique_by=lambda one: one["key"]))
    doc = version("errand", device=draw(st.sampled_from(NODES)), materials=items)
    doc["stamps"] = {f"materials/{one['key']}": draw(stamps) for one in items if draw(st.booleans())}
    return doc


VERSIONS = st.one_of(st.lists(households(), min_size=3, max_size=3), st.lists(errands(), min_size=3, max_size=3))


@settings(max_examples=60)
@given(VERSIONS)
def test_merging_is_commutative(found: list[Document]) -> None:
    assert len({merge.canonical(merge.merge(order)) for order in permutations(found)}) == 1


@settings(max_examples=60)
@given(VERSIONS)
def test_merging_is_associative(found: list[Document]) -> None:
    one, two, three = found
    together = merge.merge(found)
    assert merge.merge([merge.merge([one, two]), three]) == together
    assert merge.merge([one, merge.merge([two, three])]) == together


@settings(max_examples=60)
@given(VERSIONS)
def test_merging_is_idempotent(found: list[Document]) -> None:
    once = merge.merge(found)
    assert merge.merge([once]) == once
    assert merge.merge([once, *found]) == once


@settings(max_examples=60)
@given(VERSIONS)
def test_no_edit_vanishes_unless_somebody_who_saw_it_let_it_go(found: list[Document]) -> None:
    """In the result or in `superseded`, by field and value; what was settled was settled for that value or a newer one."""
    merged = merge.merge(found)
    kept = {(one.field, merge.canonical(one.value)) for one in merge.edits_of(merged)}
    marks = [mark.rpartition(" ") for doc in found for mark in doc["settled"]]
    for one in (edit for doc in found for edit in merge.edits_of(doc)):
        digest = merge.mark_of(one).rpartition(" ")[2]
        was_seen = any(mark == digest and hlc.rank(until) >= hlc.rank(one.stamp) for until, _, mark in marks)
        assert (one.field, merge.canonical(one.value)) in kept or was_seen


@settings(max_examples=60)
@given(VERSIONS)
def test_what_is_merged_is_a_sound_document_of_its_type(found: list[Document]) -> None:
    assert is_sound(merge.bound(merge.merge(found)).doc)


@settings(max_examples=60)
@given(VERSIONS)
def test_the_latest_stamp_of_a_field_wins_whatever_device_it_came_from(found: list[Document]) -> None:
    merged = merge.merge(found)
    edits = [edit for doc in found for edit in merge.edits_of(doc)]
    for name, won in merged["stamps"].items():
        assert hlc.rank(won) == max(hlc.rank(edit.stamp) for edit in edits if edit.field == name)


def test_two_workers_who_edit_different_fields_undo_nothing_of_each_other() -> None:
    base = version(stamps={"address": stamp(0)})
    phone = merge.edit(base, {"contact_phone": "13800000001"}, stamp(1, "d1"))
    other = merge.edit(base, {"residents_count": 3}, stamp(2, "d2"))
    merged = merge.merge([phone, other])
    assert (merged["contact_phone"], merged["residents_count"], merged["superseded"]) == ("13800000001", 3, [])


def test_a_lost_edit_of_the_same_field_is_kept_for_review() -> None:
    base = version(contact_phone="1", stamps={"contact_phone": stamp(0)})
    early, late = (merge.edit(base, {"contact_phone": str(n)}, stamp(n, f"d{n}")) for n in (2, 3))
    merged = merge.merge([late, early])
    assert merged["contact_phone"] == "3"
    assert merged["superseded"] == [{"field": "contact_phone", "stamp": stamp(2, "d2"), "value": "2"}]


def test_what_an_editor_saw_and_replaced_is_no_loss() -> None:
    base = version(contact_phone="1", stamps={"contact_phone": stamp(0)})
    assert merge.merge([merge.edit(base, {"contact_phone": "2"}, stamp(1)), base])["superseded"] == []


def test_a_value_let_go_of_does_not_come_back_with_a_phone_that_was_away() -> None:
    base = version(contact_phone="1", stamps={"contact_phone": stamp(0)})
    early, late = (merge.edit(base, {"contact_phone": str(n)}, stamp(n, f"d{n}")) for n in (2, 3))
    merged = merge.merge([late, early])
    reviewed = merge.let_go(merged, merge.superseded(merged)[0])
    assert reviewed["superseded"] == []
    assert merge.merge([reviewed, early, base])["superseded"] == []


def test_the_same_value_typed_again_later_is_a_new_edit() -> None:
    base = version(contact_phone="1", stamps={"contact_phone": stamp(0)})
    reviewed = merge.let_go(
        base | {"contact_phone": "2", "stamps": {"contact_phone": stamp(5)}}, merge.Edit("contact_phone", stamp(1), "1")
    )
    again = merge.edit(base, {"contact_phone": "3"}, stamp(2, "d2"))
    again = merge.edit(again, {"contact_phone": "1"}, stamp(3, "d2"))
    assert [one["value"] for one in merge.merge([reviewed, again])["superseded"]] == ["1"]


def test_a_restored_value_is_a_fresh_edit_and_what_it_replaced_is_settled() -> None:
    base = version(contact_phone="1", stamps={"contact_phone": stamp(0)})
    early, late = (merge.edit(base, {"contact_phone": str(n)}, stamp(n, f"d{n}")) for n in (2, 3))
    merged = merge.merge([late, early])
    restored = merge.edit(merged, {"contact_phone": "2"}, hlc.tick(merge.EPOCH, "desk:community1", merge.latest_stamp(merged)))
    assert (restored["contact_phone"], restored["superseded"]) == ("2", [])
    assert merge.merge([restored, late, early]) == restored


def test_a_cleared_field_stays_cleared_and_its_last_value_is_not_lost_to_a_concurrent_edit() -> None:
    base = version(contact_phone="1", stamps={"contact_phone": stamp(0)})
    cleared = merge.edit(base, {"contact_phone": None}, stamp(3, "d1"))
    other = merge.edit(base, {"contact_phone": "2"}, stamp(2, "d2"))
    merged = merge.merge([other, cleared])
    assert "contact_phone" not in merged
    assert [one["value"] for one in merged["superseded"]] == ["2"]


def test_a_field_that_the_type_cannot_do_without_is_never_cleared() -> None:
    broken = version(superseded=[{"field": "address", "stamp": stamp(9), "value": None}], stamps={"address": stamp(1)})
    assert merge.merge([broken])["address"] == "同心北街 1 号"


def test_two_workers_who_tick_two_papers_off_do_not_undo_each_other() -> None:
    papers = [{"key": key, "name": name, "state": "missing"} for key, name in (("01", "户口本"), ("02", "收入证明"))]
    base = version("errand", materials=papers, stamps={"materials/01": stamp(0), "materials/02": stamp(0)})
    one = merge.edit(base, {"materials/01": papers[0] | {"state": "there"}}, stamp(1, "d1"))
    two = merge.edit(base, {"materials/02": papers[1] | {"state": "there"}}, stamp(2, "d2"))
    merged = merge.merge([one, two])
    assert [paper["state"] for paper in merged["materials"]] == ["there", "there"]
    assert merged["superseded"] == []


def test_a_withdrawn_errand_is_a_value_like_any_other() -> None:
    base = version("errand", state="open", stamps={"state": stamp(0)})
    withdrawn = merge.edit(base, {"state": "withdrawn"}, stamp(1, "d1"))
    handed_in = merge.edit(base, {"state": "handed_in"}, stamp(2, "d2"))
    merged = merge.merge([withdrawn, handed_in])
    assert (merged["state"], [one["value"] for one in merged["superseded"]]) == ("handed_in", ["withdrawn"])


def test_an_unstamped_value_loses_against_a_stamped_one_and_is_kept() -> None:
    merged = merge.merge([version(contact_phone="1"), version(contact_phone="2", stamps={"contact_phone": stamp(0)})])
    assert (merged["contact_phone"], merged["superseded"][0]["value"]) == ("2", "1")


def test_a_stamp_of_no_field_of_the_type_is_left_behind() -> None:
    assert "karma" not in merge.merge([version(stamps={"karma": stamp(1)})])["stamps"]


def test_what_is_over_the_limit_is_handed_back_oldest_first_and_never_dropped() -> None:
    lost = [{"field": "contact_phone", "stamp": stamp(n), "value": str(n)} for n in range(250)]
    merged = merge.merge([version(contact_phone="x", stamps={"contact_phone": stamp(999)}, superseded=lost)])
    doc, spilled = merge.bound(merged)
    assert len(doc["superseded"]) == documents.SUPERSEDED
    assert [one.value for one in spilled] == [str(n) for n in range(50)]
    assert {one["value"] for one in doc["superseded"]} | {one.value for one in spilled} == {str(n) for n in range(250)}


def test_a_merged_document_can_always_be_pushed_again_by_a_phone() -> None:
    lost = [{"field": "remark", "stamp": stamp(n), "value": f"{n:03d}" + "字" * 3900} for n in range(40)]
    doc, spilled = merge.bound(merge.merge([version(remark="x", stamps={"remark": stamp(999)}, superseded=lost)]))
    assert len(merge.canonical(doc).encode()) <= merge.ROOM_BYTES < documents.DOCUMENT_BYTES
    assert len(doc["superseded"]) + len(spilled) == 40
    assert is_sound(doc)


def test_more_materials_than_an_errand_may_have_spill_too() -> None:
    halves = [
        version(
            "errand",
            materials=[{"key": f"{node}-{n:02d}", "name": "材料"} for n in range(40)],
            stamps={f"materials/{node}-{n:02d}": stamp(n, node) for n in range(40)},
        )
        for node in ("d1", "d2")
    ]
    doc, spilled = merge.bound(merge.merge(halves))
    assert (len(doc["materials"]), len(spilled)) == (documents.MATERIALS, 30)
    assert is_sound(doc)
    assert merge.bound(merge.merge([doc, *halves])).doc == doc


def test_a_spilled_edit_makes_the_same_document_every_time() -> None:
    lost = merge.Edit("contact_phone", stamp(1), "1")
    once, again = (merge.spilled_document(version(device=device), lost) for device in ("d1", "d2"))
    assert once == again
    assert once["of"] == f"household:{UUID}"


@pytest.mark.parametrize("value", [1.0, [1.0], {"b": 1, "a": None}])
def test_canonical_text_is_what_the_phone_makes_of_the_same_value(value: Any) -> None:
    assert merge.canonical(value) in {"1", "[1]", '{"b":1}'}


def test_an_edit_on_the_phone_is_an_edit_here() -> None:
    """The phone's own tests hold `pwa/src/store/edits.js` to the same examples."""
    examples = json.loads((Path(__file__).parents[2] / "pwa/engine/edits.json").read_text(encoding="utf-8"))
    assert len(examples) >= 7
    for example in examples:
        assert merge.edit(example["doc"], example["changes"], example["stamp"]) == example["after"], example["name"]
