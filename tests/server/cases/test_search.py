"""The list of cases: newest first, every filter alone and together, pages that neither skip nor repeat."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from server.cases import counting, search, store
from server.cases.search import Filters
from server.domain import times, workflow
from server.domain.errors import InvalidInput
from sync.couch import Couch
from tests.conftest import GRID_A, GRID_B
from tests.records import AT, REV, report
from tests.server.cases.conftest import CASES_DB, GRID_DB

TOWNSHIP = GRID_A[:9]
MANY = 260


@pytest.fixture(scope="module")
def cases(couch: Couch) -> Iterator[list[dict[str, Any]]]:
    """Cases of two grids and three categories, ten received at the same instant (as a batch is), every fifth accepted."""
    couch.delete(CASES_DB)
    store.ensure(couch, TOWNSHIP)
    made = []
    for number in range(MANY):
        at = AT + timedelta(seconds=number)
        fields = {"category": f"c{number % 3}", "text": f"第{number}处 {'路灯不亮' if number % 50 == 7 else '井盖缺失'}"}
        doc = report(GRID_A if number % 4 else GRID_B, at=at, **fields) | {"_rev": REV}
        received_at = times.to_text(AT + timedelta(seconds=number // 10))
        case = workflow.fold([workflow.reported_event(doc, GRID_DB, received_at, [])])
        made.append(case | ({"state": "accepted"} if number % 5 == 0 else {}))
    couch.database(CASES_DB).bulk(made)
    yield sorted(made, key=lambda case: (case["received_at"], case["_id"]), reverse=True)
    couch.delete(CASES_DB)


def walk(couch: Couch, filters: Filters, limit: int) -> Iterator[dict[str, Any]]:
    cursor = None
    while True:
        page = search.search(couch, TOWNSHIP, filters, limit, cursor)
        assert len(page.cases) <= limit
        yield from page.cases
        cursor = page.next
        if cursor is None:
            return


@pytest.mark.parametrize(
    "filters",
    [
        Filters(),
        Filters(state="accepted"),
        Filters(category="c1"),
        Filters(grid=GRID_B),
        Filters(community=GRID_A[:12]),
        Filters(community="640105002999"),
        Filters(state="reported", grid=GRID_A, category="c2"),
        Filters(q="路灯"),
        Filters(q="路灯", state="reported"),
        Filters(unit="nobody"),
    ],
)
@pytest.mark.parametrize("limit", [7, 100])
def test_every_filter_lists_its_cases_once_newest_first(
    couch: Couch, cases: list[dict[str, Any]], filters: Filters, limit: int
) -> None:
    expected = [case["_id"] for case in cases if filters.accepts(case)]
    assert [case["id"] for case in walk(couch, filters, limit)] == expected


def test_a_row_says_what_the_list_shows(couch: Couch, cases: list[dict[str, Any]]) -> None:
    [row] = search.search(couch, TOWNSHIP, Filters(), 1).cases
    wanted = "id case_no state category grid unit urgency due_at reports photos captured_at received_at updated_at"
    assert set(wanted.split()) <= row.keys()
    assert row["case_no"] == cases[0]["case_no"]


def test_a_case_is_found_by_its_number_whole_or_in_part(couch: Couch, cases: list[dict[str, Any]]) -> None:
    wanted = cases[17]
    for q in (wanted["case_no"], wanted["case_no"].lower(), wanted["case_no"][-6:], f" {wanted['case_no'][-6:]} "):
        assert [case["id"] for case in search.search(couch, TOWNSHIP, Filters(q=q)).cases] == [wanted["_id"]]


def test_a_new_case_between_two_pages_neither_repeats_nor_hides_one(couch: Couch, cases: list[dict[str, Any]]) -> None:
    first = search.search(couch, TOWNSHIP, Filters(), 10)
    late = report(at=AT + timedelta(days=1)) | {"_rev": REV}
    case = workflow.fold([workflow.reported_event(late, GRID_DB, "2026-11-25T00:00:00.000Z", [])])
    rev = couch.database(CASES_DB).put(case)
    second = search.search(couch, TOWNSHIP, Filters(), 10, first.next)
    couch.database(CASES_DB).bulk([{"_id": case["_id"], "_rev": rev, "_deleted": True}])
    listed = [one["id"] for one in first.cases + second.cases]
    assert listed == [one["_id"] for one in cases[:20]]


def test_a_case_that_left_the_list_between_two_pages_hides_no_other(couch: Couch, cases: list[dict[str, Any]]) -> None:
    first = search.search(couch, TOWNSHIP, Filters(state="reported"), 5)
    database = couch.database(CASES_DB)
    left = database.get(first.cases[-1]["id"])
    rev = database.put(left | {"state": "closed"})
    second = search.search(couch, TOWNSHIP, Filters(state="reported"), 5, first.next)
    database.put(left | {"_rev": rev})
    expected = [case["_id"] for case in cases if case["state"] == "reported"][5:10]
    assert [case["id"] for case in second.cases] == expected


def test_a_search_in_the_text_reads_a_bounded_number_of_cases_a_page(
    couch: Couch, cases: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "SCAN_MOST", 40)
    page = search.search(couch, TOWNSHIP, Filters(q="没有这样的词"))
    assert page.cases == []
    assert page.next is not None
    found = [case["id"] for case in walk(couch, Filters(q="路灯"), 50)]
    assert found == [case["_id"] for case in cases if "路灯" in case["text"]]


def test_received_times_fall_and_never_rise(couch: Couch, cases: list[dict[str, Any]]) -> None:
    listed = [case["received_at"] for case in walk(couch, Filters(), 33)]
    assert all(later >= earlier for later, earlier in pairwise(listed))


def test_counts_name_every_state(couch: Couch, cases: list[dict[str, Any]]) -> None:
    expected = dict.fromkeys(workflow.STATES, 0) | {"reported": MANY - MANY // 5, "accepted": MANY // 5}
    assert counting.by_state(couch, TOWNSHIP) == expected
    assert counting.by_state(couch, TOWNSHIP, GRID_A[:12]) == expected
    assert sum(counting.by_state(couch, TOWNSHIP, "640105002999").values()) == 0


def test_a_township_without_cases_has_an_empty_list(couch: Couch) -> None:
    assert search.search(couch, "640105009", Filters()) == search.Found([], None)
    assert sum(counting.by_state(couch, "640105009").values()) == 0
    assert "cases-640105009" not in couch.all_databases()


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMl0", "🙂", "e30"])
def test_a_cursor_of_somebody_elses_making_is_bad_input(couch: Couch, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        search.search(couch, TOWNSHIP, Filters(), 10, cursor)


def test_limits_are_limits(couch: Couch) -> None:
    for limit in (0, 101, -1):
        with pytest.raises(InvalidInput):
            search.search(couch, TOWNSHIP, Filters(), limit)
    with pytest.raises(InvalidInput):
        search.search(couch, TOWNSHIP, Filters(q="x" * 101))


def test_counts_are_those_of_this_moment_however_often_they_are_asked(couch: Couch, cases: list[dict[str, Any]]) -> None:
    before = [counting.by_state(couch, TOWNSHIP)["closed"] for _ in range(2)]
    one = next(case for case in cases if case["state"] == "reported")
    database = couch.database(CASES_DB)
    database.put(database.get(one["_id"]) | {"state": "closed", "phase": "ended"})
    after = counting.by_state(couch, TOWNSHIP)["closed"]
    database.put(database.get(one["_id"]) | {"state": "reported", "phase": one["phase"]})
    assert (before, after) == ([0, 0], 1)
