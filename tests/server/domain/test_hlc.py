"""Stamps: later is greater, clocks may lie."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.domain import hlc

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
STAMPS = st.builds(
    lambda ms, n, node: f"{ms:015d}-{n:04x}-{node}", st.integers(0, 10**14), st.integers(0, 65535), st.sampled_from("ab")
)


@given(st.lists(STAMPS, max_size=4))
def test_a_new_stamp_is_later_than_all_that_were_seen(seen: list[str]) -> None:
    made = hlc.tick(NOW, "d1", *seen)
    assert hlc.parse(made) is not None
    assert all(made > one for one in seen)


def test_a_clock_that_jumps_back_does_not_take_the_stamps_with_it() -> None:
    first = hlc.tick(NOW, "d1")
    second = hlc.tick(NOW - timedelta(days=1), "d1", first)
    assert second > first


def test_a_full_counter_goes_on_with_the_next_millisecond() -> None:
    full = f"{int(NOW.timestamp() * 1000):015d}-ffff-d1"
    assert hlc.parse(hlc.tick(NOW, "d1", full)) == (int(NOW.timestamp() * 1000) + 1, 0, "d1")


@pytest.mark.parametrize("text", ["", "tomorrow", "1-0000-d1", "000001795420800000-0000-d1", None, 7, "001795420800000-000G-d1"])
def test_what_is_no_stamp_ranks_before_every_stamp(text: object) -> None:
    assert hlc.parse(text) is None
    assert not isinstance(text, str) or hlc.rank(text) < hlc.rank("0" * 15 + "-0000-a")


def test_ten_minutes_ahead_is_the_most() -> None:
    assert not hlc.is_ahead(hlc.tick(NOW + timedelta(minutes=10), "d1"), NOW)
    assert hlc.is_ahead(hlc.tick(NOW + timedelta(minutes=10, seconds=1), "d1"), NOW)


def test_a_stamp_beyond_the_calendar_still_has_an_instant() -> None:
    assert hlc.made_at("999999999999999-0000-d1") is not None
