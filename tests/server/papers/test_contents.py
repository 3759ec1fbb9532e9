"""What papers state: the facts of their moment, the same seal for the same content, and nobody who need not be named."""

import copy
import json
from typing import Any

import pytest

from server.domain import papers, workflow
from server.papers import contents, seal
from tests.server.papers.conftest import PHOTO, Fold, matter_of

DISPATCH = {"move": "dispatch", "unit": "unit:enforcement", "reason": "占道", "due_at": "2026-11-30T10:00:00.000Z"}
KNOWN = {PHOTO: {"sha256": "b" * 64, "size_bytes": 10, "taken_at": None, "received_at": "2026-11-23T08:00:02.000Z"}}


def state(folded: Fold, kind: str = "dispatch", *moves: dict[str, Any], **fields: Any) -> contents.Statement:
    loaded = folded({"move": "accept"}, *(moves or (DISPATCH,)), **fields)
    return contents.state(matter_of(loaded, kind, loaded.events[-1]), KNOWN)


@pytest.fixture
def fixed() -> dict[str, Any]:
    return {"_id": "report:01931f6e-8a00-7000-8000-0000000000aa", "photos": [PHOTO]}


def test_a_dispatch_order_states_unit_reason_limit_and_place(folded: Fold) -> None:
    facts = state(folded)["facts"]
    assert facts["unit"] == "综合执法队"
    assert (facts["reason"], facts["due_at"], facts["address"]) == ("占道", DISPATCH["due_at"], "同心北街")


def test_the_same_content_has_the_same_seal(folded: Fold, fixed: dict[str, Any]) -> None:
    first, second = state(folded, **fixed), state(folded, **fixed)
    assert first is not second
    assert seal.seal_of(first) == seal.seal_of(json.loads(json.dumps(second)))


def test_what_a_worker_adds_to_a_households_errand_is_on_no_paper(folded: Fold) -> None:
    moves = [{"move": "return", "reason": "看不清"}, {"move": "resubmit", "text": "重拍了", "photos": [PHOTO]}]
    for source, shown in (("resident", [PHOTO]), ("errand", [])):
        loaded = folded(*moves, source=source)
        stated = contents.state(matter_of(loaded, "file", loaded.events[-1]), KNOWN)
        assert [one["photo"] for one in stated["photos"]] == shown, source


def test_any_change_of_what_is_stated_makes_another_seal(folded: Fold, fixed: dict[str, Any]) -> None:
    stated = state(folded, "file", DISPATCH, **fixed)
    seals = {seal.seal_of(stated)}
    for path in every_path(stated):
        changed = copy.deepcopy(stated)
        *steps, last = path
        place: Any = changed
        for step in steps:
            place = place[step]
        place[last] = "otherwise"
        seals.add(seal.seal_of(changed))
    assert len(seals) == len(list(every_path(stated))) + 1


def every_path(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """The way to every single thing that is stated."""
    if isinstance(value, dict | list):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from every_path(one, (*path, key))
    else:
        yield path


def test_what_came_later_does_not_change_a_letter(folded: Fold, fixed: dict[str, Any]) -> None:
    later = ({"move": "start", "by": "dept1", "party": "unit:enforcement"}, {"move": "urge", "text": "快"})
    early, late = (folded({"move": "accept"}, DISPATCH, *more, **fixed) for more in ((), later))
    stated = [contents.state(matter_of(one, "dispatch", one.events[2]), KNOWN) for one in (early, late)]
    assert seal.seal_of(stated[0]) == seal.seal_of(stated[1])


def test_only_moves_that_happened_have_letters(folded: Fold) -> None:
    loaded = folded({"move": "accept"}, DISPATCH, {"move": "close", "result": "x"})
    assert loaded.case["refused"]
    told = {kind: len(papers.told_by(kind, loaded.case, loaded.events)) for kind in papers.KINDS}
    assert told == {"dispatch": 1, "return": 0, "refusal": 0, "transfer": 0, "file": 3}


def test_every_letter_of_a_kind_has_a_number_of_its_own(folded: Fold) -> None:
    back = {"move": "hand_back", "reason": "不是我们的", "by": "dept1", "party": "unit:enforcement"}
    loaded = folded({"move": "accept"}, DISPATCH, back, DISPATCH)
    told = papers.told_by("dispatch", loaded.case, loaded.events)
    numbers = [papers.number_of("dispatch", loaded.case, event, loaded.events) for event in told]
    assert numbers == [f"{loaded.case['case_no']}-PQ2", f"{loaded.case['case_no']}-PQ1"]


@pytest.mark.parametrize(
    ("kind", "move"),
    [
        ("dispatch", DISPATCH),
        ("transfer", {"move": "transfer", "authority": "水务局", "reason": "职权"}),
        ("file", {"move": "note", "text": "又塌了", "by": "worker1", "party": "user:worker1"}),
    ],
)
def test_who_reported_is_named_on_nothing_that_goes_to_others(folded: Fold, kind: str, move: dict[str, Any]) -> None:
    stated = json.dumps(state(folded, kind, move), ensure_ascii=False)
    assert "worker1" not in stated
    assert "马晓燕" not in stated


def test_a_return_is_addressed_to_the_worker_and_to_no_citizen(folded: Fold) -> None:
    back = {"move": "return", "reason": "照片看不清"}
    loaded = folded(back)
    assert contents.state(matter_of(loaded, "return", loaded.events[1]), {})["facts"]["addressee"] == "马晓燕"
    called = folded(back, author="source:12345", source="hotline")
    assert contents.state(matter_of(called, "return", called.events[1]), {})["facts"]["addressee"] is None


def test_numbers_that_name_a_person_are_covered(folded: Fold) -> None:
    facts = state(folded, text="联系人13895001234，身份证640105199001011234，编号20261127")["facts"]
    assert facts["text"] == "联系人138****1234，身份证6401*************4，编号20261127"


def test_the_case_file_alone_states_links_with_numbers_of_people_covered(folded: Fold) -> None:
    pictures = ["https://a.example.cn/1.jpg?id=20261127", "https://a.example.cn/13895001234.jpg"]
    loaded = folded({"move": "accept"}, DISPATCH, links=pictures)
    stated = {kind: contents.state(matter_of(loaded, kind, loaded.events[-1]), {}) for kind in ("file", "dispatch")}
    assert stated["file"]["facts"]["links"] == [pictures[0], "https://a.example.cn/138****1234.jpg"]
    assert "example.cn" not in str(stated["dispatch"])


def test_a_case_without_links_keeps_the_seal_of_before_there_were_any(folded: Fold, fixed: dict[str, Any]) -> None:
    stated = [state(folded, "file", DISPATCH, links=links, **fixed) for links in (None, [], ["https://a.cn/1.jpg"])]
    assert ["links" in one["facts"] for one in stated] == [False, False, True]
    assert seal.seal_of(stated[0]) == seal.seal_of(stated[1]) != seal.seal_of(stated[2])


def test_a_photo_that_has_not_arrived_is_stated_without_a_hash(folded: Fold) -> None:
    loaded = folded({"move": "accept"}, DISPATCH, photos=[PHOTO])
    assert contents.state(matter_of(loaded, "dispatch", loaded.events[-1]), {})["photos"][0]["sha256"] is None


def test_a_time_that_cannot_be_right_is_unknown(folded: Fold) -> None:
    assert state(folded, clock_offset_ms=-86_400_000)["facts"]["captured_at"] is None
    assert state(folded, clock_offset_ms=None)["facts"]["captured_at"] is None


def test_every_kind_tells_of_a_move_of_the_flow_and_only_of_known_facts() -> None:
    for kind in papers.KINDS.values():
        assert kind.move is None or kind.move in workflow.MOVES
        assert set(kind.facts) <= contents.FACTS.keys()
