"""What the index of household files says of a household: enough to find it, nothing sensitive but its needs, in any order."""

from typing import Any

from server.domain import home_rows
from tests.conftest import GRID_A
from tests.records import new_id
from tests.server.domain.test_merge import version


def household(**fields: Any) -> dict[str, Any]:
    facts = {"building": "3", "unit": "2", "room": "501", "contact_name": "李奶奶", "contact_phone": "13800000001"}
    return version(**(facts | fields))


def visit(day: int, **fields: Any) -> dict[str, Any]:
    at = {"captured_at": f"2026-11-{day:02}T08:00:00.000Z", "clock_offset_ms": 0}
    return {"_id": new_id("visit"), "kind": "routine", "reports": [], "next_at": None} | at | fields


def test_a_household_is_found_by_each_end_of_its_words_and_by_its_room() -> None:
    words = home_rows.household_row(household(), None)["words"]
    for wanted in ("同心", "心北街", "3-2-501", "2-501", "501", "李奶", "奶奶"):
        assert home_rows.is_about(words, wanted), wanted
    assert not home_rows.is_about(words, "王")


def test_a_long_address_takes_nothing_from_room_and_contact() -> None:
    address = (
        "北京西路街道富宁社区文昌北路与同心街交叉口向东一百五十米路北老供销社家属院后面平房区第三排从西往东数第二户院内东厢房"
    )
    words = home_rows.household_row(household(address=address), None)["words"]
    for wanted in ("3-2-501", "李奶奶", "富宁社区"):
        assert home_rows.is_about(words, wanted), wanted


def test_telephone_and_findings_are_in_no_row() -> None:
    row = home_rows.visited_row(
        "household:x", GRID_A, [("q", visit(1, findings="血压高"))], home_rows.household_row(household(), None)
    )
    assert "13800000001" not in str(row)
    assert "血压高" not in str(row)


def test_visits_may_come_before_the_file_in_any_order_and_twice() -> None:
    doc, first, second = household(), visit(1), visit(20, next_at="2026-12-01T08:00:00.000Z")
    before = home_rows.visited_row(doc["_id"], GRID_A, [("q", second), ("q", first)], None)
    assert "place" not in before, "on no list yet"
    one = home_rows.household_row(doc, before)
    other = home_rows.household_row(doc, None)
    for made in (first, second, first):
        other = home_rows.visited_row(doc["_id"], GRID_A, [("q", made)], other)
    assert one == other
    assert (one["due_on"], [it["at"][:10] for it in one["visits"]]) == ("2026-12-01", ["2026-11-20", "2026-11-01"])


def test_a_phones_wrong_clock_does_not_move_a_visit() -> None:
    found = home_rows.visit_of("q", visit(20, next_at="2026-12-20T08:00:00.000Z", clock_offset_ms=86_400_000))
    assert (found["at"], found["next_at"]) == ("2026-11-19T08:00:00.000Z", "2026-12-19T08:00:00.000Z")


def test_addresses_are_in_the_order_people_walk_them() -> None:
    rooms = [home_rows.sort_key(home_rows.address_of(household(room=room))) for room in ("1001", "201", "99")]
    assert sorted(rooms) == rooms[::-1]
