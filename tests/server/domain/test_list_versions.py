"""What was in force when: versions follow one another and none is lost."""

from datetime import UTC, datetime

from server.domain.list_versions import Book, Version, day_of, is_day
from server.domain.lists import Post


def version(change: int, valid_from: str, unit: str | None, valid_to: str | None = None) -> Version:
    body = Post(account="worker1", unit=f"unit:{unit}") if unit else None
    return Version("people", "k", change, valid_from, valid_to, body)


def unit_at(book: Book, day: str) -> str | None:
    found = book.find("people", "k", day)
    return found.body.unit if found and isinstance(found.body, Post) else None


def test_a_later_version_takes_over_on_its_first_day_and_the_earlier_one_still_answers_for_before() -> None:
    book = Book([version(2, "2026-06-01", "new"), version(1, "2026-01-01", "old")])
    asked = ("2025-12-31", "2026-01-01", "2026-05-31", "2026-06-01")
    assert [unit_at(book, day) for day in asked] == [None, "unit:old", "unit:old", "unit:new"]


def test_of_two_versions_of_one_day_the_later_change_counts() -> None:
    assert unit_at(Book([version(3, "2026-06-01", "right"), version(2, "2026-06-01", "wrong")]), "2026-06-01") == "unit:right"


def test_a_version_with_a_last_day_is_followed_by_nothing() -> None:
    book = Book([version(1, "2026-01-01", "a"), version(2, "2026-03-01", "b", "2026-03-31")])
    assert [unit_at(book, day) for day in ("2026-03-31", "2026-04-01")] == ["unit:b", None]


def test_an_entry_that_was_ended_may_begin_again() -> None:
    book = Book([version(1, "2026-01-01", "a"), version(2, "2026-02-01", None), version(3, "2026-03-01", "c")])
    assert [unit_at(book, day) for day in ("2026-01-31", "2026-02-01", "2026-03-01")] == ["unit:a", None, "unit:c"]
    assert [one.change for one in book.history("people", "k")] == [1, 2, 3]


def test_of_an_ended_entry_the_name_it_had_is_still_told() -> None:
    book = Book([version(1, "2026-01-01", "a"), version(2, "2026-02-01", None)])
    told = book.newest("people", "k", "2026-05-01")
    assert told is not None and told.change == 1
    assert book.newest("people", "other", "2026-05-01") is None


def test_a_day_is_chinas_and_of_the_calendar() -> None:
    assert day_of(datetime(2026, 11, 26, 16, tzinfo=UTC)) == "2026-11-27"
    assert [is_day(text) for text in ("2026-02-28", "2026-02-29", "2026-2-8", "20260228", None)] == [True] + [False] * 4
