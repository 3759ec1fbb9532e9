"""Notices go after half a year, with who read them; younger ones stay."""

from datetime import UTC, datetime, timedelta

from server import notices
from server.domain import notices as rules
from server.notices import erasing, reading
from sync.couch import Couch
from sync.databases import NOTICES

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
TRIAGE = {"name": "triage1", "roles": ["triage"], "townships": ["640105002"]}


def test_what_is_half_a_year_old_goes_with_its_readings_and_the_rest_stays(couch: Couch) -> None:
    for key, at in (("old", NOW - rules.KEPT - timedelta(hours=1)), ("young", NOW - rules.KEPT + timedelta(hours=1))):
        about = {"to": ["user:triage1"], "what": "case.urged", "subject": "case:1", "township": None, "facts": {}}
        notices.notify_all(couch, [rules.notice(**about, key=key, at=at, noted_at=at)])
        reading.mark_read(couch, TRIAGE, rules.notice_id(key), NOW)
    assert erasing.erase_old(couch, NOW) == 2
    left = [doc["_id"] for doc in couch.database(NOTICES).range("notice:", "reading:\ufff0", 10) if doc["_id"][0] in "nr"]
    assert rules.notice_id("young") in left and rules.notice_id("old") not in left
    assert erasing.erase_old(couch, NOW) == 0
