"""Identifiers and case numbers."""

import re

from hypothesis import given
from hypothesis import strategies as st

from server.domain import ids
from tests.conftest import GRID_A
from tests.records import AT, new_id


def test_a_case_number_says_township_and_day_and_needs_no_counter() -> None:
    number = ids.case_no(new_id("report"), GRID_A)
    assert re.fullmatch(r"002-261123-[0-9A-HJKMNP-TV-Z]{6}", number)


def test_the_day_of_a_case_number_is_chinas() -> None:
    late = new_id("report", AT.replace(hour=17))
    assert ids.case_no(late, GRID_A)[4:10] == "261124"


def test_ten_thousand_reports_of_a_day_rarely_share_a_number() -> None:
    numbers = {ids.case_no(new_id("report"), GRID_A) for _ in range(10_000)}
    assert len(numbers) >= 9_998


@given(st.binary(min_size=10, max_size=10))
def test_an_id_is_a_version_7_uuid_of_its_instant(random: bytes) -> None:
    record = "report:" + ids.uuid7(AT, random)
    assert ids.is_record_id(record, "report")
    assert ids.minted_at(record) == AT


def test_other_texts_are_no_record_ids() -> None:
    good = new_id("report")
    for wrong in (good.upper(), good + "\n", good.replace(":", ""), "note" + good[6:] + "0", None, 5, good[:20]):
        assert not ids.is_record_id(wrong, "report")
    assert not ids.is_record_id(good, "note")
