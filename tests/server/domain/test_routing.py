"""Routing by lists, one test a rule (DOMAIN "Categories": things by owner first then by place, events the other way about)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from server.domain import lists, routing
from server.domain.errors import InvalidInput
from server.domain.list_versions import Book, Version
from tests.conftest import GRID_A, GRID_ELSEWHERE

AT = datetime(2026, 11, 27, 2, tzinfo=UTC)  # a Friday, ten in the morning in China
DISTRICT, TOWNSHIP = GRID_A[:6], GRID_A[:9]
THING, EVENT = "0103", "1401"


def entry(list_: str, key: str, valid_from: str = "2026-01-01", valid_to: str | None = None, **body: Any) -> Version:
    return Version(list_, key, 1, valid_from, valid_to, lists.SHAPES[list_](**body))


def category(code: str, kind: str, unit: str = "unit:default") -> Version:
    return entry("catalogue", code, name=code, kind=kind, unit=unit, limit_amount=1, limit_unit="working_days")


def owner(unit: str, key: str = "o1", area: str = DISTRICT, codes: tuple[str, ...] = (THING, EVENT), **more: Any) -> Version:
    return entry("duties", key, item="路灯", categories=list(codes), area=area, unit=unit, **more)


def place(unit: str, key: str = "p1", area: str = TOWNSHIP, codes: tuple[str, ...] = (THING, EVENT), **more: Any) -> Version:
    return entry("territory", key, item="街面", categories=list(codes), area=area, primary=unit, **more)


CATALOGUE = (category(THING, "component"), category(EVENT, "event"))


def propose(*versions: Version, code: str = EVENT, grid: str = GRID_A, urgency: str = "normal") -> routing.Proposal:
    return routing.propose(code, grid, urgency, Book([*CATALOGUE, *versions]), AT)


def test_a_thing_goes_to_its_owner_before_whoever_answers_for_the_place() -> None:
    found = propose(owner("unit:owner"), place("unit:place"), code=THING)
    assert (found.primary, found.entry_id, found.why) == ("unit:owner", "entry:duties:o1", "owner")


def test_a_thing_without_an_owner_goes_by_place() -> None:
    found = propose(place("unit:place", supporting=["unit:helper"]), code=THING)
    assert (found.primary, found.supporting, found.why) == ("unit:place", ("unit:helper",), "place")


def test_an_event_goes_by_place_before_the_owner() -> None:
    assert propose(owner("unit:owner"), place("unit:place")).entry_id == "entry:territory:p1"


def test_an_event_that_no_place_claims_goes_to_the_owner() -> None:
    found = propose(owner("unit:owner"), place("unit:place"), grid=GRID_ELSEWHERE)
    assert (found.primary, found.why) == ("unit:owner", "owner")


def test_what_no_list_knows_goes_to_the_catalogues_unit() -> None:
    found = propose()
    assert (found.primary, found.entry_id, found.why) == ("unit:default", f"entry:catalogue:{EVENT}", "default")


def test_of_two_entries_the_smaller_area_counts_and_then_the_closer_category() -> None:
    wide, near = place("unit:wide", "a", DISTRICT), place("unit:near", "z", GRID_A[:12], codes=("14",))
    assert propose(wide, near).primary == "unit:near"
    close = place("unit:close", "zz", GRID_A[:12], codes=(EVENT,))
    assert propose(wide, near, close).primary == "unit:close"


def test_an_entry_counts_from_its_first_day_to_its_last() -> None:
    assert propose(place("unit:place", valid_from="2026-11-28")).why == "default"
    assert propose(place("unit:place", valid_to="2026-11-26")).why == "default"
    assert propose(place("unit:place", valid_from="2026-11-27", valid_to="2026-11-27")).why == "place"


def test_an_entry_whose_unit_has_ended_is_passed_over() -> None:
    gone = entry("units", "place", valid_to="2026-10-31", name="旧单位", level="township")
    assert propose(gone, place("unit:place"), owner("unit:owner")).primary == "unit:owner"


def test_a_power_given_to_the_township_is_exercised_there_and_its_department_supports() -> None:
    power = entry(
        "powers",
        "w1",
        item="占道经营处罚",
        categories=["14"],
        area=TOWNSHIP,
        kind="penalty",
        unit="unit:ours",
        competent="unit:bureau",
    )
    found = propose(owner("unit:bureau"), power)
    assert (found.primary, found.supporting, found.why) == ("unit:ours", ("unit:bureau",), "power")
    assert propose(owner("unit:bureau"), power, grid=GRID_ELSEWHERE).primary == "unit:bureau"
    assert propose(owner("unit:another"), power).primary == "unit:another"


def shift(begins: str, ends: str, days: list[int], area: str = TOWNSHIP) -> Version:
    return entry("duty", "s1", area=area, unit="unit:watch", phone="0951-2060000", days=days, begins=begins, ends=ends)


def test_in_an_emergency_the_unit_on_duty_there_comes_along() -> None:
    on = shift("08:00", "18:00", [5])
    assert propose(on, place("unit:place"), urgency="emergency").supporting == ("unit:watch",)
    assert propose(on, place("unit:place")).supporting == ()
    assert propose(on, urgency="emergency", grid=GRID_ELSEWHERE).supporting == ()


def test_a_night_shift_ends_the_next_morning() -> None:
    night = Book([shift("18:00", "08:30", [4])])
    for hour, minute, is_on in ((9, 59, False), (10, 0, True), (23, 59, True)):
        at = datetime(2026, 11, 26, hour, minute, tzinfo=UTC)  # Thursday; China is eight hours ahead
        assert bool(routing.on_duty(night, GRID_A, at)) is is_on, at
    assert routing.on_duty(night, GRID_A, datetime(2026, 11, 27, 0, 29, tzinfo=UTC))
    assert not routing.on_duty(night, GRID_A, datetime(2026, 11, 27, 0, 30, tzinfo=UTC))


def test_nothing_known_is_said_to_be_nothing() -> None:
    assert routing.propose("9999", GRID_A, "normal", Book([]), AT) == routing.Proposal(None, (), None, "nothing", {})


def basis(unit: str, **fields: Any) -> dict[str, str | None]:
    case = {"category": EVENT, "grid": GRID_A}
    return routing.check_basis(Book([*CATALOGUE, place("unit:place")]), case, unit, fields, AT)


def test_a_dispatch_rests_on_an_entry_in_force_or_on_a_reason() -> None:
    assert basis("unit:place", entry="entry:territory:p1") == {"entry": "entry:territory:p1", "reason": None}
    assert basis("unit:default", entry=f"entry:catalogue:{EVENT}")["entry"]
    assert basis("unit:other", reason=" 就近 ") == {"entry": None, "reason": "就近"}


@pytest.mark.parametrize(
    ("unit", "fields", "wrong"),
    [
        ("unit:other", {}, {"reason": "required"}),
        ("unit:other", {"reason": "  "}, {"reason": "required"}),
        ("unit:other", {"entry": "entry:territory:p1"}, {"entry": "not_covering"}),
        ("unit:place", {"entry": "entry:territory:none"}, {"entry": "unknown"}),
        ("unit:place", {"entry": "p1"}, {"entry": "unknown"}),
        ("unit:place", {"reason": "x" * 1001}, {"reason": "too_long"}),
    ],
)
def test_a_dispatch_without_a_basis_is_refused_by_field(unit: str, fields: dict[str, Any], wrong: dict[str, str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        basis(unit, **fields)
    assert refused.value.fields == wrong


def test_a_hand_down_is_admitted_by_a_list_entry_for_that_department_and_place_alone() -> None:
    admission = entry("admission", "a1", item="专项排查", categories=["14"], area=TOWNSHIP, from_unit="unit:bureau")
    book = Book([admission])
    found = routing.admits(book, "unit:bureau", EVENT, TOWNSHIP, AT)
    assert found is not None and found.id == "entry:admission:a1"
    assert routing.admits(book, "unit:another", EVENT, TOWNSHIP, AT) is None
    assert routing.admits(book, "unit:bureau", THING, TOWNSHIP, AT) is None
    assert routing.admits(book, "unit:bureau", EVENT, GRID_ELSEWHERE[:9], AT) is None
