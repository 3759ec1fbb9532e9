"""The access log: entries are added once, read newest first, and say by their hash that nobody changed them."""

from datetime import UTC, datetime, timedelta

from server import audit
from sync.couch import Couch

AT = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def note(couch: Couch, minutes: int = 0, **about: str) -> str:
    return audit.note(
        couch, by="triage1", action="household.open", subject="household:1", at=AT + timedelta(minutes=minutes), **about
    )


def test_entries_are_read_newest_first_page_by_page(couch: Couch) -> None:
    made = [note(couch, minutes, why=f"走访 {minutes}") for minutes in range(5)]
    assert [entry["_id"] for entry in audit.read(couch, "202611", limit=2)] == made[:2:-1]
    assert [entry["_id"] for entry in audit.read(couch, "202611", limit=2, before=made[3])] == made[2:0:-1]
    assert audit.read(couch, "202610") == []


def test_the_same_key_and_time_make_one_entry(couch: Couch) -> None:
    first, second = (note(couch, 60, key="adopt refused:1") for _ in range(2))
    assert first == second
    assert [entry["_id"] for entry in audit.read(couch, "202611")].count(first) == 1


def test_months_are_chinas(couch: Couch) -> None:
    at = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
    made = audit.note(couch, by="triage1", action="case.open", subject="case:1", at=at)
    assert [entry["_id"] for entry in audit.read(couch, "202701")] == [made]


def test_a_changed_entry_no_longer_has_its_hash(couch: Couch) -> None:
    note(couch, 90)
    entry = audit.read(couch, "202611", limit=1)[0]
    assert entry["sha256"] == audit.digest(entry)
    assert entry["sha256"] != audit.digest(entry | {"by": "somebody"})
