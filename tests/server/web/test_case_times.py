"""Honest clocks at the desk: what the phone said, what is known, when it arrived and when it was filed are kept apart."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.domain import times
from server.web import case_times

RECEIVED = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
DAY_MS = 86_400_000


def shown(captured: timedelta, offset_ms: int | None, filed: timedelta = timedelta(0), language: str = "zh-CN") -> dict[str, Any]:
    """A case captured (as the phone said) and filed that long after it was received."""
    case = {
        "captured_at": times.to_text(RECEIVED + captured),
        "clock_offset_ms": offset_ms,
        "received_at": times.to_text(RECEIVED),
        "filed_at": times.to_text(RECEIVED + filed),
    }
    return case_times.of(case, language)


def test_times_that_agree_are_shown_without_remarks() -> None:
    view = shown(timedelta(minutes=-1), 5_000)
    assert (view["clock"], view["said_at"], view["late"], view["filed_late"]) == (None, None, None, None)
    assert view["captured_at"] == times.to_text(RECEIVED - timedelta(minutes=1, seconds=5))


def test_a_record_that_waited_on_its_phone_says_how_long() -> None:
    assert shown(timedelta(days=-3), 0)["late"] == "3天"
    assert shown(timedelta(minutes=-9), 0)["late"] is None


@pytest.mark.parametrize(("offset_ms", "word"), [(DAY_MS, "快了1天"), (-DAY_MS, "慢了1天")])
def test_a_phone_a_day_wrong_is_corrected_and_said_to_be(offset_ms: int, word: str) -> None:
    view = shown(timedelta(milliseconds=offset_ms), offset_ms)
    assert view["captured_at"] == times.to_text(RECEIVED)
    assert view["said_at"] == times.to_text(RECEIVED + timedelta(milliseconds=offset_ms))
    assert word in view["clock"]
    assert view["late"] is None


def test_a_clock_that_was_never_measured_is_taken_for_a_hint() -> None:
    view = shown(timedelta(hours=-1), None, language="en")
    assert view["captured_at"] == times.to_text(RECEIVED - timedelta(hours=1))
    assert "never checked" in view["clock"]


@pytest.mark.parametrize("offset_ms", [0, None])
def test_a_time_after_its_own_arrival_is_shown_as_unknown(offset_ms: int | None) -> None:
    view = shown(timedelta(days=1200), offset_ms)
    assert (view["captured_at"], view["late"]) == (None, None)
    assert view["said_at"] is not None


def test_a_case_filed_long_after_its_report_came_says_so() -> None:
    assert shown(timedelta(0), 0, filed=timedelta(days=7))["filed_late"] == "1周"
    assert shown(timedelta(0), 0, filed=timedelta(minutes=1))["filed_late"] is None


def test_a_case_of_an_older_version_has_its_times_as_well() -> None:
    at = times.to_text(RECEIVED)
    assert case_times.of({"captured_at": at, "received_at": at}, "en")["filed_at"] == at


def test_an_instant_that_is_none_spoils_no_page() -> None:
    case = {"captured_at": "2026-02-30T08:00:00.000Z", "clock_offset_ms": 0, "received_at": times.to_text(RECEIVED)}
    assert case_times.of(case, "zh-CN")["captured_at"] is None
