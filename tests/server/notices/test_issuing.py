"""Notices of moves come from what changed in `cases-*`: once each, whatever is done twice or killed in between."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from server import notices
from server.cases import intake
from server.domain import case_notices, ids, times, workflow
from server.domain import notices as rules
from server.web import locale
from sync import feed
from sync.couch import Couch
from sync.databases import NOTICES, cases_db, grid_db
from tests.conftest import GRID_A
from tests.records import AT, receipt, report, with_rev

GRID_DB, CASES_DB = grid_db(GRID_A, "2026q4"), cases_db(GRID_A[:9])
NOW = AT + timedelta(minutes=10)


@pytest.fixture
def push(couch: Couch) -> Iterator[Callable[..., str]]:
    """Stores a report as the gateway does; the id of its case."""
    for name in (GRID_DB, CASES_DB, NOTICES):
        couch.delete(name)
    couch.create(GRID_DB, replicated=True)

    def store(**fields: Any) -> str:
        doc = report(**fields)
        couch.database(GRID_DB).bulk([with_rev(doc)], new_edits=False)
        couch.database(GRID_DB).bulk([receipt([doc["_id"]], AT + timedelta(seconds=1))])
        return ids.case_id(doc["_id"])

    yield store


def told(couch: Couch) -> list[dict[str, Any]]:
    return couch.database(NOTICES).range("notice:", "notice:\ufff0", 100) if NOTICES in couch.all_databases() else []


def test_an_emergency_is_told_to_township_and_community_once(couch: Couch, push: Callable[..., str]) -> None:
    case = push(urgency="emergency")
    intake.run(couch, GRID_DB, NOW)
    assert NOTICES in intake.run(couch, CASES_DB, NOW).changed
    database = couch.database(CASES_DB)
    feed.save(database, intake.CHECKPOINT, 0)
    intake.run(couch, CASES_DB, NOW)
    [notice] = told(couch)
    assert notice["what"] == "case.reported" and notice["urgency"] == "emergency" and notice["subject"] == case
    assert f"community:{GRID_A[:12]}" in notice["to"]
    assert notice["facts"]["case_no"] == database.get(case)["case_no"]


def test_an_ordinary_report_is_in_the_list_and_makes_no_notice(couch: Couch, push: Callable[..., str]) -> None:
    push()
    intake.run(couch, GRID_DB, NOW)
    assert intake.run(couch, CASES_DB, NOW).changed == frozenset()
    assert told(couch) == []


def test_what_happened_a_month_ago_is_not_told_again(couch: Couch, push: Callable[..., str]) -> None:
    push(urgency="emergency")
    intake.run(couch, GRID_DB, NOW)
    intake.run(couch, CASES_DB, NOW + rules.ISSUED + timedelta(hours=1))
    assert told(couch) == []


def test_a_run_that_ends_before_its_checkpoint_loses_no_notice(
    couch: Couch, push: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    push(urgency="emergency")
    intake.run(couch, GRID_DB, NOW)
    with monkeypatch.context() as broken:
        broken.setattr(notices.store, "notify_all", lambda *_: (_ for _ in ()).throw(OSError("killed")))
        with pytest.raises(OSError, match="killed"):
            intake.run(couch, CASES_DB, NOW)
    assert told(couch) == []
    intake.run(couch, CASES_DB, NOW)
    assert len(told(couch)) == 1


def test_everything_that_can_be_told_has_words_and_a_party() -> None:
    always = (*case_notices.TOLD_OF_EMERGENCY, *case_notices.TOLD_OF_TASK)
    tellings = [*always, *(one for row in case_notices.TOLD_OF_MOVE.values() for one in row)]
    for telling in tellings:
        assert locale.has_text(f"notice.{telling.what}"), telling.what
        assert set(telling.to) <= case_notices.PARTIES.keys()
        assert telling.urgency in (None, *rules.URGENCIES)


def test_who_reported_what_was_merged_hears_that_the_main_case_was_closed() -> None:
    first = report()
    main = ids.case_id(first["_id"])
    merged = {"case": ids.case_id(report()["_id"]), "case_no": "1", "database": GRID_DB, "grid": GRID_A, "reports": []}
    absorbed = merged | {"author": "worker2"}
    at = times.to_text(AT)
    events: list[dict[str, Any]] = [workflow.reported_event(first, GRID_DB, at, [])]
    for name, fields in (
        ("absorb", {"absorbed": absorbed}),
        ("accept", {}),
        ("transfer", {"authority": "供电", "reason": "另办"}),
        ("close", {"result": "已修好"}),
    ):
        head = {"_id": ids.event_id(main, f"{name}-12345678"), "type": "event", "v": 1, "case": main, "n": len(events)}
        events.append(head | {"move": name, "at": at, "by": "triage1", "party": "township:640105002"} | fields)
    made = case_notices.of_events(events, [events[-1]["_id"]], NOW)
    [notice] = [one for one in made if one["what"] == "case.main_closed"]
    assert (notice["to"], notice["subject"]) == (["user:worker2"], main)
