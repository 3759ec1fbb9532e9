"""Whether two cases are one: each feature moves the odds the way it should, and the reasons say which did."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import catalogue, likeness, matching, times
from server.domain.likeness import Side
from tests.conftest import GRID_A, GRID_B, GRID_ELSEWHERE
from tests.records import AT

PLACE = {"lat": 38.5, "lon": 106.1, "address": None}
M_NORTH = 1 / 111_195


def a_case(*, hashes: tuple[str, ...] = (), **fields: Any) -> Side:
    text = times.to_text(AT)
    case = {"grid": GRID_A, "category": "0103", "author": "worker1", "text": "路灯不亮", "place": PLACE}
    return likeness.side(case | {"received_at": text, "corrected_at": None} | fields, hashes)


def other_case(north_m: float = 0.0, later: timedelta = timedelta(0), **fields: Any) -> Side:
    at = times.to_text(AT + later)
    place = PLACE | {"lat": PLACE["lat"] + north_m * M_NORTH}
    return a_case(**{"author": "worker2", "place": place, "received_at": at} | fields)


def odds(one: Side, other: Side) -> int:
    return matching.compare(one, other).odds


def codes(one: Side, other: Side) -> dict[str, int | None]:
    return {reason.code: reason.figure for reason in matching.compare(one, other).reasons}


def test_the_same_lamp_by_somebody_else_an_hour_later_is_proposed() -> None:
    assert matching.compare(a_case(), other_case(12, timedelta(hours=1))).is_proposed


def test_the_farther_the_unlikelier() -> None:
    chances = [odds(a_case(), other_case(metres)) for metres in (5, 15, 25, 40, 55, 75)]
    assert chances == sorted(chances, reverse=True)


def test_what_is_too_far_too_long_ago_or_of_another_kind_is_not_compared() -> None:
    assert not matching.is_comparable(a_case(), other_case(matching.FARTHEST_M + 5))
    assert not matching.is_comparable(a_case(), other_case(later=matching.LONGEST + timedelta(hours=1)))
    assert not matching.is_comparable(a_case(), other_case(category="2101"))


def test_an_unknown_place_counts_against_and_needs_the_same_grid() -> None:
    nowhere = other_case(place=None)
    assert "place_unknown" in codes(a_case(), nowhere)
    assert matching.is_comparable(a_case(), nowhere)
    assert not matching.is_comparable(a_case(), other_case(place=None, grid=GRID_B))


def test_rubbish_a_week_later_is_new_rubbish_and_a_lamp_a_week_later_may_be_the_same() -> None:
    week = timedelta(days=7)
    of_lamp = odds(a_case(), other_case(later=week)) - odds(a_case(), other_case())
    rubbish = {"category": "1101", "text": "垃圾桶满了"}
    of_rubbish = odds(a_case(**rubbish), other_case(later=week, **rubbish)) - odds(a_case(**rubbish), other_case(**rubbish))
    assert of_rubbish < of_lamp < 0
    assert not matching.compare(a_case(**rubbish), other_case(later=week, **rubbish)).is_proposed


def test_the_next_entrance_is_another_case_whatever_the_words() -> None:
    here = {"category": "3102", "text": "3号楼2单元楼道堆物"}
    assert matching.compare(a_case(**here), other_case(**here)).is_proposed
    assert not matching.compare(a_case(**here), other_case(**here | {"text": "三栋三单元楼道堆物"})).is_proposed


@pytest.mark.parametrize(
    ("said", "numbers"),
    [
        ("三号楼二单元", {"building": {"3"}, "entrance": {"2"}}),
        ("12#楼 03单元 十二层", {"building": {"12"}, "entrance": {"3"}, "floor": {"12"}}),
        ("二十三栋501室", {"building": {"23"}, "room": {"501"}}),
        ("怀远西路18号", {"number": {"18"}}),
        ("八月以来三次反映", {}),
    ],
)
def test_numbers_of_houses_are_read_as_people_write_them(said: str, numbers: dict[str, set[str]]) -> None:
    assert likeness.house_numbers(said) == numbers


def test_two_things_on_one_round_are_two_things() -> None:
    assert odds(a_case(), other_case(20, author="worker1")) < odds(a_case(), other_case(20))
    next_day = timedelta(hours=20)
    assert odds(a_case(), other_case(20, next_day, author="worker1")) == odds(a_case(), other_case(20, next_day))


def test_the_same_picture_speaks_for_and_no_picture_says_nothing() -> None:
    one, near, far = a_case(hashes=("ff" * 8,)), other_case(45, hashes=("ff" * 7 + "fe",)), other_case(45, hashes=("00" * 8,))
    assert codes(one, near)["photo"] == 1
    assert odds(one, near) > odds(one, other_case(45)) >= odds(one, far)
    assert codes(one, other_case(45))["photo_unknown"] is None


def test_a_third_case_that_is_like_only_one_of_them_tells_two_apart() -> None:
    one, other = a_case(), other_case(25, timedelta(hours=1))
    alone, between = matching.compare(one, other), matching.compare(one, other, [(300, -300)])
    assert between.odds < alone.odds and not between.is_proposed
    assert "third_between" in {reason.code for reason in between.reasons}
    for says_nothing in ([(300, 300)], [(-300, -300)], [(300, 40), (-200, -100)]):
        assert matching.compare(one, other, says_nothing).odds == alone.odds


def test_inside_a_house_words_without_a_number_are_less() -> None:
    stairs = {"category": "3102", "text": "楼道堆放杂物"}
    assert "numbers_unknown" in codes(a_case(**stairs), other_case(**stairs))
    assert "numbers_unknown" not in codes(a_case(**stairs | {"text": "3号楼"}), other_case(**stairs | {"text": "3号楼"}))
    assert "numbers_unknown" not in codes(a_case(), other_case())


def test_neighbouring_grids_are_nearer_than_others() -> None:
    relations = [matching.grid_relation(GRID_A, grid) for grid in (GRID_A, GRID_B, GRID_ELSEWHERE)]
    assert relations == ["same", "neighbour", "other"]


def test_time_is_the_corrected_one_and_never_later_than_received() -> None:
    seen = likeness.seen_at({"received_at": "2026-11-23T08:00:00.000Z", "corrected_at": "2026-11-23T07:00:00.000Z"})
    ahead = likeness.seen_at({"received_at": "2026-11-23T08:00:00.000Z", "corrected_at": "2026-12-23T07:00:00.000Z"})
    unknown = likeness.seen_at({"received_at": "2026-11-23T08:00:00.000Z", "captured_at": "2030-01-01T00:00:00.000Z"})
    assert (seen, ahead, unknown) == (AT - timedelta(hours=1), AT, AT)


def test_every_related_category_is_in_the_catalogue() -> None:
    assert {code for group in matching.RELATED for code in group} <= {doc["code"] for doc in catalogue.categories()}


def test_the_reasons_weights_add_up_to_the_odds() -> None:
    verdict = matching.compare(a_case(), other_case(20, timedelta(hours=30), text="药店旁路灯坏"))
    assert verdict.odds == round(100 * matching.DOUBT) + sum(reason.weight for reason in verdict.reasons)


@given(st.text(), st.text(), st.sampled_from(["0103", "1101", "3102", "manhole"]), st.none() | st.floats(-90, 90))
def test_any_two_cases_are_compared_alike_from_both_sides(one: str, other: str, category: str, lat: float | None) -> None:
    first, second = a_case(text=one), other_case(text=other, category=category, place={"lat": lat, "lon": 106.1})
    assert matching.compare(first, second) == matching.compare(second, first)
