"""Notices reach the people of a party, each reads for themselves, and nothing counts as read that nobody saw."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server import notices
from server.domain import notices as rules
from server.domain import times
from server.domain.errors import Missing
from server.notices import reading
from sync.couch import Couch
from sync.databases import NOTICES

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TOWNSHIP = "640105002"
TRIAGE = {"name": "triage1", "roles": ["triage"], "townships": [TOWNSHIP]}
COLLEAGUE = TRIAGE | {"name": "triage2"}
DEPARTMENT = {"name": "dept1", "roles": ["department"], "units": ["unit:enforcement"]}


@pytest.fixture(autouse=True)
def empty(couch: Couch) -> Iterator[None]:
    couch.delete(NOTICES)
    yield


def tell(couch: Couch, key: str, *, to: tuple[str, ...] = (f"township:{TOWNSHIP}",), noted: datetime = NOW, **about: Any) -> str:
    """A notice written down at a moment of the test's choice."""
    fields = {"what": "case.dispatched", "subject": "case:1", "township": TOWNSHIP, "facts": {}, "at": noted} | about
    made = rules.notice(to=to, key=key, noted_at=noted, **fields)
    notices.notify_all(couch, [made])
    return str(made["_id"])


def unread(couch: Couch, person: dict[str, Any], now: datetime = NOW) -> list[str]:
    return [id for _, id in reading.unread(couch, person, now).places]


def test_the_same_key_is_one_notice_and_the_first_stays(couch: Couch) -> None:
    about = {"to": ["unit:enforcement"], "what": "case.dispatched", "subject": "case:1", "key": "event:1"}
    first = notices.notify(couch, **about, facts={"case_no": "002-261123-ABCDEF"})
    second = notices.notify(couch, **about, facts={"case_no": "another"})
    assert first == second
    kept = couch.database(NOTICES).get(first)
    assert kept["facts"] == {"case_no": "002-261123-ABCDEF"}
    assert kept["_rev"].startswith("1-")


def test_a_notice_for_nobody_is_not_written(couch: Couch) -> None:
    assert notices.notify(couch, to=[], what="case.dispatched", subject="case:1", key="event:1") == ""
    assert NOTICES not in couch.all_databases()


def test_what_was_noted_at_the_very_instant_asked_for_is_not_after_it(couch: Couch) -> None:
    tell(couch, "1")
    later = tell(couch, "2", noted=NOW + timedelta(milliseconds=1))
    found = reading.places(couch, TRIAGE, since=times.to_text(NOW), limit=10)
    assert [id for _, id in found] == [later]


def test_everybody_of_a_party_reads_for_themselves(couch: Couch) -> None:
    told = tell(couch, "1")
    assert unread(couch, TRIAGE) == unread(couch, COLLEAGUE) == [told]
    assert unread(couch, DEPARTMENT) == []
    reading.mark_read(couch, TRIAGE, told, NOW)
    reading.mark_read(couch, TRIAGE, told, NOW)
    assert unread(couch, TRIAGE) == []
    assert unread(couch, COLLEAGUE) == [told]


def test_a_notice_for_two_parties_of_one_person_is_one(couch: Couch) -> None:
    told = tell(couch, "1", to=(f"township:{TOWNSHIP}", "user:triage1"))
    assert unread(couch, TRIAGE) == [told]


def test_another_partys_notice_is_not_there_to_be_read(couch: Couch) -> None:
    told = tell(couch, "1")
    for attempt in (reading.mark_read, lambda *given: reading.mark_unread(*given[:3])):
        with pytest.raises(Missing):
            attempt(couch, DEPARTMENT, told, NOW)
    with pytest.raises(Missing):
        reading.find(couch, DEPARTMENT, "reader:triage1")


def test_a_reading_can_be_undone_even_of_an_old_notice(couch: Couch) -> None:
    told = tell(couch, "1", noted=NOW - timedelta(days=5))
    reading.mark_read(couch, TRIAGE, told, NOW)
    reading.mark_unread(couch, TRIAGE, told)
    assert unread(couch, TRIAGE) == [told]


def test_all_that_was_seen_is_read_at_once_and_unread_again(couch: Couch) -> None:
    seen = [tell(couch, str(n), noted=NOW + timedelta(seconds=n)) for n in range(5)]
    later = tell(couch, "later", noted=NOW + timedelta(seconds=9))
    read = reading.mark_all_read(couch, TRIAGE, "2026-11-23T08:00:04.000Z", NOW)
    assert read == seen[::-1]
    assert unread(couch, TRIAGE) == [later]
    reading.mark_many_unread(couch, TRIAGE, read)
    assert unread(couch, TRIAGE) == [later, *seen[::-1]]


def test_what_is_noted_late_is_unread_although_everything_was_read_before(couch: Couch) -> None:
    """A repaired notice is written down long after what it tells of happened."""
    reading.mark_read(couch, TRIAGE, tell(couch, "1"), NOW)
    late = tell(couch, "late", noted=NOW + timedelta(minutes=1), at=NOW - timedelta(hours=5))
    assert unread(couch, TRIAGE, NOW + timedelta(minutes=2)) == [late]


def test_the_mark_follows_what_was_read_and_passes_nothing_unread(couch: Couch) -> None:
    left, read = tell(couch, "left", noted=NOW), tell(couch, "read", noted=NOW + timedelta(hours=1))
    reading.mark_read(couch, TRIAGE, read, NOW + timedelta(hours=2))
    much_later = NOW + timedelta(days=3)
    reading.mark_read(couch, TRIAGE, tell(couch, "new", noted=much_later), much_later)
    assert couch.database(NOTICES).get("reader:triage1")["upto"] == "2026-11-23T07:59:59.999Z"
    assert unread(couch, TRIAGE, much_later) == [left]
    reading.mark_read(couch, TRIAGE, left, much_later)
    after = much_later + timedelta(days=2)
    reading.mark_read(couch, TRIAGE, tell(couch, "last", noted=after), after)
    assert couch.database(NOTICES).get("reader:triage1")["upto"] == "2026-11-27T08:00:00.000Z"


def test_what_is_a_month_old_is_there_and_not_counted(couch: Couch) -> None:
    told = tell(couch, "1")
    assert unread(couch, TRIAGE, NOW + rules.UNREAD + timedelta(minutes=1)) == []
    assert reading.find(couch, TRIAGE, told)["_id"] == told


def test_pages_go_back_through_all_parties_without_a_gap_or_a_double(couch: Couch) -> None:
    to = [("user:triage1",), (f"township:{TOWNSHIP}",), ("user:triage1", f"township:{TOWNSHIP}")]
    made = [tell(couch, str(n), to=to[n % 3], noted=NOW + timedelta(seconds=n // 4)) for n in range(20)]
    found, before = [], None
    while page := reading.places(couch, TRIAGE, before=before, limit=3):
        found += page
        before = page[-1]
    assert {id for _, id in found} == set(made)
    assert found == sorted(found, reverse=True)
    assert len(found) == 20


def test_beyond_the_newest_thousand_everything_is_read_with_them(couch: Couch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "SCAN_MOST", 3)
    made = [tell(couch, str(n), noted=NOW + timedelta(seconds=n)) for n in range(5)]
    assert reading.unread(couch, TRIAGE, NOW) == ([(f"2026-11-23T08:00:0{n}.000Z", made[n]) for n in (4, 3, 2)], True)
    reading.mark_read(couch, TRIAGE, made[4], NOW)
    assert unread(couch, TRIAGE) == [made[3], made[2]]
    reading.mark_all_read(couch, TRIAGE, "2026-11-23T08:00:09.000Z", NOW)
    assert reading.unread(couch, TRIAGE, NOW) == ([], False)
