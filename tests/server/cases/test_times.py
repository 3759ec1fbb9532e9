"""A phone with a wrong clock: its reports become cases like any other, in the order they came, and none is late by its word."""

from datetime import timedelta
from typing import Any

import pytest

from server.cases import intake, search
from server.domain import ids, times, workflow
from sync.couch import Couch
from sync.database import Database
from tests.conftest import GRID_A
from tests.records import AT, receipt, report, with_rev
from tests.server.cases.conftest import CASES_DB, GRID_DB, Push

NOW = AT + timedelta(minutes=5)
DAY_MS = 86_400_000


def only_case(couch: Couch) -> dict[str, Any]:
    [case] = couch.database(CASES_DB).range("case:", "case:\ufff0", 10)
    return case


def test_the_four_times_of_a_case_are_kept_apart(couch: Couch, push: Push) -> None:
    push(report(captured_at="2026-11-24T07:00:00.000Z", clock_offset_ms=DAY_MS))
    intake.run(couch, GRID_DB, NOW)
    case = only_case(couch)
    assert case["captured_at"] == "2026-11-24T07:00:00.000Z"
    assert case["corrected_at"] == "2026-11-23T07:00:00.000Z"
    assert case["received_at"] == "2026-11-23T08:00:01.000Z"
    assert case["filed_at"] == times.to_text(NOW)


@pytest.mark.parametrize("offset_ms", [None, 0, DAY_MS, -DAY_MS])
def test_a_time_limit_runs_from_receipt_never_from_capture(couch: Couch, push: Push, offset_ms: int | None) -> None:
    push(report(captured_at="2025-01-01T00:00:00.000Z", clock_offset_ms=offset_ms))
    intake.run(couch, GRID_DB, NOW)
    case = only_case(couch)
    assert workflow.clock_starts_at(case) == "2026-11-23T08:00:01.000Z"
    overdue = search.search(couch, GRID_A[:9], search.Filters(overdue_at=NOW), 50, None)
    assert overdue.cases == []


def test_cases_are_listed_as_they_arrived_whatever_the_phones_said(couch: Couch, grid: Database) -> None:
    claims = [timedelta(days=1), timedelta(days=-1), timedelta(days=1500), timedelta(0), timedelta(days=-300)]
    made = []
    for minute, claim in enumerate(claims):
        doc = with_rev(report(at=AT + claim, clock_offset_ms=None))
        grid.bulk([doc], new_edits=False)
        grid.bulk([receipt([doc["_id"]], AT + timedelta(minutes=minute))])
        made.append(ids.case_id(doc["_id"]))
    intake.run(couch, GRID_DB, NOW)
    listed = search.search(couch, GRID_A[:9], search.Filters(), 50, None).cases
    assert [case["_id"] if "_id" in case else case["id"] for case in listed] == made[::-1]


@pytest.mark.parametrize("ms", [0, 2**48 - 1, 1_900_000_000_000])
def test_an_id_from_another_age_holds_nothing_up_and_names_no_day(couch: Couch, push: Push, ms: int) -> None:
    text = f"{ms:012x}"
    push(report(_id=f"report:{text[:8]}-{text[8:]}-7000-8000-000000000001"), report())
    assert intake.run(couch, GRID_DB, NOW).cases == 2
    cases = couch.database(CASES_DB).range("case:", "case:\ufff0", 10)
    assert {case["case_no"][4:10] for case in cases} == {"261123"}


def test_a_report_without_an_offset_field_becomes_a_case(couch: Couch, push: Push) -> None:
    doc = report()
    del doc["clock_offset_ms"]
    push(doc)
    intake.run(couch, GRID_DB, NOW)
    assert only_case(couch)["corrected_at"] is None
