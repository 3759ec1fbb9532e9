"""The calendar that counts: the program's own years, a year an administrator loads, and the way back. On a real store."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pytest

from server import audit
from server.calendars import commands, current, files, years
from server.domain import worktime
from server.domain.errors import Changed, InvalidInput
from sync.couch import Couch

NOW = datetime(2026, 11, 27, 2, tzinfo=UTC)
TEXT = "日期 类型\n2027-01-01 休\n2027-02-05~2027-02-11, 放假\n\n2027-02-20\t班\n"


@pytest.fixture
def store(couch: Couch) -> Iterator[Couch]:
    couch.delete("ref")
    couch.delete("audit-202611")
    couch.create("ref", replicated=True)
    current.current(couch, is_fresh=True)
    yield couch
    couch.delete("ref")


def test_the_program_knows_this_year_and_not_the_next(store: Couch) -> None:
    calendar = current.current(store).calendar
    assert {2025, 2026} <= calendar.known
    assert 2027 not in calendar.known
    assert not worktime.is_working_day(calendar, date(2026, 10, 1))
    assert worktime.is_working_day(calendar, date(2026, 10, 10))


def test_a_year_that_is_loaded_counts_at_once_and_is_another_calendar(store: Couch) -> None:
    before = current.current(store)
    year = years.load(store, "admin", 2027, files.read_text(TEXT), NOW)
    after = current.current(store)
    assert (year.source, year.version, len(year.days.off)) == ("loaded", 1, 8)
    assert 2027 in after.calendar.known
    assert worktime.is_working_day(after.calendar, date(2027, 2, 20))
    assert after.identity != before.identity


def test_going_back_to_before_it_was_loaded_is_the_same_calendar_again(store: Couch) -> None:
    before = current.current(store).identity
    years.load(store, "admin", 2027, files.read_text(TEXT), NOW)
    year = years.go_back(store, "admin", 2027, 0, NOW)
    assert (year.source, year.version) == (None, 2)
    assert current.current(store).identity == before


def test_who_loaded_which_version_is_in_the_log(store: Couch) -> None:
    years.load(store, "admin", 2027, files.read_text(TEXT), NOW)
    entry = audit.read(store, "202611", 1)[0]
    assert (entry["by"], entry["action"], entry["subject"]) == ("admin", "calendar.load", "calendar:2027")
    assert "loaded_by" not in store.database("ref").get("calendar:2027")


def test_rows_that_cannot_be_used_change_nothing(store: Couch) -> None:
    with pytest.raises(years.RowsRefused) as refused:
        years.load(store, "admin", 2027, files.read_text("2027-01-01 休\n2027-13-01 休\n"), NOW)
    assert [(error.row, error.code) for error in refused.value.errors] == [(2, "bad_date")]
    assert store.database("ref").find("calendar:2027") is None


def test_of_two_administrators_the_second_is_told(store: Couch) -> None:
    years.load(store, "admin", 2027, files.read_text(TEXT), NOW, seen=0)
    with pytest.raises(Changed):
        years.load(store, "admin", 2027, files.read_text(TEXT), NOW, seen=0)


def test_excel_and_csv_say_the_same_as_text(store: Couch) -> None:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in (["日期", "类型"], [datetime(2027, 1, 1), "休"], ["2027-02-20", "班"]):  # noqa: DTZ001
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    as_sheet = files.read_file(buffer.getvalue())
    as_csv = files.read_file("日期,类型\n2027-01-01,休\n2027-02-20,班\n".encode("gb18030"))
    loaded = [years.load(store, "admin", 2027, rows, NOW).days for rows in (as_sheet, as_csv)]
    assert loaded[0] == loaded[1] == (["2027-01-01"], ["2027-02-20"])


@pytest.mark.parametrize("data", [b"PK\x03\x04 no workbook", b"\xff\xfe\x00\x01", b"x" * (files.FILE_BYTES + 1)])
def test_a_file_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        files.read_file(data)


def test_the_hours_of_a_working_day_are_set_for_all_years(store: Couch) -> None:
    years.set_hours(store, "admin", "08:30-12:00, 14:30-18:30", NOW)
    assert current.current(store).calendar.day_min == 450


def test_a_place_has_limits_of_its_own(store: Couch) -> None:
    store.database("ref").put({"_id": "limits", "remedy": "10 working_days"})
    assert current.current(store, is_fresh=True).tables["remedy"] == "10 working_days"


def test_the_overview_shows_the_years_people_ask_for(store: Couch) -> None:
    years.load(store, "admin", 2030, [("2030-01-01", "休")], NOW)
    found = {year.year: year.source for year in years.overview(store, NOW)}
    assert found == {2025: "built_in", 2026: "built_in", 2027: None, 2028: None, 2030: "loaded"}


def test_a_file_is_imported_by_command_or_every_wrong_row_is_said(store: Couch, tmp_path: Path) -> None:
    said: list[str] = []
    file = tmp_path / "2027.txt"
    file.write_text("2027-01-01 休\n2027-01-04 班\n", encoding="utf-8")
    assert not commands.bring_in(store, file, "admin", None, NOW, said.append)
    assert said == ["row 2: “2027-01-04 班” is no weekend day: it is worked anyway"]
    file.write_text(TEXT, encoding="utf-8")
    assert commands.bring_in(store, file, "admin", None, NOW, said.append)
    assert said[-1] == "2027, version 1: 8 days off, 1 weekend days worked"
