"""What belongs to a person and goes with them, what stays, and what of that which stays is cut."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import documents, erasure, merge
from server.domain.erasure import Value
from tests.server.domain.test_merge import stamp, version

Document = dict[str, Any]
HOME = "household:1"
FOLLOWERS = {"member": "household", "errand": "household", "visit": "household", "note": "of", "photo": "of", "superseded": "of"}


class Known:
    """Names that are marked, as themselves."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)

    def has(self, name: str) -> bool:
        return name in self.names

    def of(self, name: str) -> str:
        return f"<{name}>"


def doc(type_: str, id: str = "2", **fields: Any) -> Document:
    return {"_id": f"{type_}:{id}", "type": type_, **fields}


@pytest.mark.parametrize(("type_", "field"), FOLLOWERS.items())
def test_what_belongs_to_something_erased_goes_with_it(type_: str, field: str) -> None:
    assert erasure.is_erased(doc(type_, **{field: HOME}), Known(HOME))
    assert not erasure.is_erased(doc(type_, **{field: "household:9"}), Known(HOME))


@pytest.mark.parametrize("type_", sorted(erasure.STAYS))
def test_public_records_and_evidence_stay_whatever_they_name(type_: str) -> None:
    assert not erasure.is_erased(doc(type_, household=HOME, of=HOME), Known(HOME))
    assert erasure.is_erased(doc(type_), Known(f"{type_}:2"))
    assert erasure.is_erased(doc("visit") | {"type": type_, "household": HOME}, Known(HOME)), "not by calling itself so"


def test_a_member_takes_neither_the_household_nor_its_visits_along() -> None:
    gone = Known("member:1")
    assert not erasure.is_erased(doc("household"), gone)
    assert not erasure.is_erased(doc("visit", household=HOME), gone)
    assert not erasure.is_erased(doc("member", household=HOME), gone)


def test_every_type_a_phone_may_write_is_decided_about() -> None:
    """A new kind of document that names a household, or a record, is thought of."""
    fields = {type_: set(shape.__struct_fields__) & {"household", "of"} for type_, shape in documents.TYPES.items()}
    linked = {type_ for type_, found in fields.items() if found}
    assert linked == (FOLLOWERS.keys() - {"superseded"}) | (erasure.STAYS & documents.TYPES.keys())


links = st.lists(st.tuples(st.sampled_from(sorted(FOLLOWERS)), st.integers(0, 9), st.integers(0, 9)), max_size=20)


@given(links)
def test_all_that_hangs_together_is_found_in_whatever_order_it_is_looked_at(made: list[tuple[str, int, int]]) -> None:
    """Ten things, each perhaps hanging on another: what is reached from the erased one goes, and nothing else does."""
    docs = {at: {"_id": f"x:{at}", "type": type_, FOLLOWERS[type_]: f"x:{to}"} for type_, at, to in made if at != 0}
    gone, before = Known("x:0"), 0
    while before != len(gone.names):
        before = len(gone.names)
        gone.names |= {one["_id"] for one in docs.values() if erasure.is_erased(one, gone)}

    def reaches(at: int, seen: frozenset[int] = frozenset()) -> bool:
        if at == 0 or at in seen or at not in docs:
            return at == 0
        one = docs[at]
        return reaches(int(one[FOLLOWERS[one["type"]]].partition(":")[2]), seen | {at})

    assert gone.names == {"x:0"} | {f"x:{at}" for at in docs if reaches(at)}


def test_the_contact_is_a_members_in_any_version_and_anybody_elses_is_left_alone() -> None:
    lost = {"field": "contact_name", "stamp": stamp(1), "value": "李娟"}
    home = version(contact_name="李娜", contact_phone="138", superseded=[lost])
    renamed = {"field": "name", "stamp": stamp(1), "value": "李娟"}
    member = version("member", name="李娜", phone="139", superseded=[renamed])
    found = {(value.field, value.value) for value in erasure.contact_values(home, [member])}
    assert found == {("contact_name", "李娜"), ("contact_name", "李娟")}


values = st.sampled_from(["李娜", "李娟", "138", None])
edits = st.lists(st.tuples(st.sampled_from(["contact_name", "contact_phone", "remark"]), st.integers(0, 5), values), max_size=6)


def household(made: list[tuple[str, int, Any]]) -> Document:
    found = version()
    for field, minute, value in made:
        fresh = version(**{field: value} if value else {}, stamps={field: stamp(minute)})
        found = merge.merge([found, fresh])
    return found


@given(edits, edits)
def test_an_erased_value_comes_back_by_no_merge(one: list[tuple[str, int, Any]], other: list[tuple[str, int, Any]]) -> None:
    def has(value: Value) -> bool:
        return value.value == "李娜" and value.field == "contact_name"

    merged = erasure.without_values(merge.merge([household(one), household(other)]), has)
    assert "李娜" not in [edit.value for edit in merge.edits_of(merged) if edit.field == "contact_name"]
    assert erasure.without_values(merged, has) is merged
    kept = [edit for edit in merge.edits_of(merged) if edit.field != "contact_name"]
    assert kept == [
        edit for edit in merge.edits_of(merge.merge([household(one), household(other)])) if edit.field != "contact_name"
    ]


def test_what_stays_loses_what_leads_to_it_and_is_the_same_object_when_nothing_does() -> None:
    known, home = Known(HOME, erasure.value_name(Value(HOME, "contact_name", "李娜"))), version(_id=HOME, contact_name="李娜")
    cut = [
        erasure.cut(doc("receipt", ids=[HOME, "visit:9"]), known, lambda *_: stamp(9)),
        erasure.cut(doc("task", household=HOME), known, lambda *_: stamp(9)),
        erasure.cut(home | {"stamps": {"contact_name": stamp(1)}}, known, lambda *_: stamp(9)),
    ]
    assert cut[0]["ids"] == [f"erased:<{HOME}>", "visit:9"]
    assert cut[1]["household"] is None
    assert ("contact_name" in cut[2], cut[2]["stamps"]["contact_name"]) == (False, stamp(9))
    for one in [*cut, version(contact_name="李娜"), doc("report", household=1), doc("receipt", ids=["visit:9"])]:
        assert erasure.cut(one, known, lambda *_: stamp(9)) is one


@pytest.mark.parametrize(
    ("text", "is_told"),
    [
        ("王建国反映路灯不亮", True),
        ("回访 138-1234 5678，无人接听", True),
        ("回访１３８１２３４５６７８", True),
        ("回访 138123456，无人接听", False),
        ("王先生反映路灯不亮", False),
        ("", False),
    ],
)
def test_a_text_that_tells_a_name_or_a_telephone_is_found_however_it_is_written(text: str, is_told: bool) -> None:
    assert erasure.telling([text, "别的"], "王 建国", "+86 13812345678") == int(is_told)


def test_what_is_unknown_is_told_nowhere() -> None:
    assert erasure.telling(["谁都行", ""], None, "", " - ") == 0


def test_the_texts_of_a_case_are_what_people_wrote_and_no_ids() -> None:
    report = {
        "text": "报",
        "place": {"address": "址", "lat": 1.0},
        "solved": {"text": "已修", "photos": []},
        "author": "source:x",
    }
    first = {"_id": "event:1", "case": "case:1", "by": "source:x", "report": report}
    later = {"move": "transfer", "authority": "局", "reason": "由", "result": None, "photos": ["photo:1"], "text": "注"}
    assert list(erasure.texts_of([first, later])) == ["报", "址", "已修", "注", "由", "局"]
