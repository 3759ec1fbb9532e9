"""A campaign is one task in many grids: sent once each, its answers folded into counts of grids, whatever is killed."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from server.cases import campaigns, intake, tasks
from server.domain import campaigns as rules
from server.domain.errors import InvalidInput
from sync.couch import Couch
from sync.database import Database
from sync.databases import grid_db
from tests.conftest import GRID_A, GRID_B
from tests.records import AT, new_id, taskreply
from tests.server.cases.conftest import CASES_DB, GRID_DB, Push

NOW = AT + timedelta(minutes=10)
TOWNSHIP = GRID_A[:9]
QUESTIONS = "灭火器几个 | 数字 | 必填\n通道畅通 | 是否\n楼栋类型 | 多层、高层"


def campaign(**fields: Any) -> dict[str, Any]:
    given = {"text": "冬季消防检查", "questions": QUESTIONS, "grids": [GRID_A, GRID_B], "days": 7} | fields
    return rules.made(TOWNSHIP, given, "triage1", NOW, b"0123456789")


@pytest.fixture
def sent(couch: Couch, grid: Database) -> dict[str, Any]:
    made = campaign()
    campaigns.keep(couch, made)
    intake.run(couch, CASES_DB, NOW)
    return made


def task_in(couch: Couch, sent: dict[str, Any], grid: str, quarter: str = "2026q4") -> dict[str, Any]:
    return couch.database(grid_db(grid, quarter)).get(rules.task_id(sent, grid))


def test_questions_are_read_line_by_line() -> None:
    found = campaign()["form"]
    assert [(one["label"], one["kind"], one["needed"], one["options"]) for one in found] == [
        ("灭火器几个", "number", True, []),
        ("通道畅通", "yes_no", False, []),
        ("楼栋类型", "choice", False, ["多层", "高层"]),
    ]


@pytest.mark.parametrize(
    "fields", [{"text": " "}, {"grids": []}, {"grids": ["640105999001001"]}, {"days": 0}, {"questions": "| 数字"}]
)
def test_what_cannot_be_sent_is_named(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        campaign(**fields)
    assert list(caught.value.fields) == list(fields)


def test_every_chosen_grid_has_its_task_with_the_questions(couch: Couch, sent: dict[str, Any]) -> None:
    for grid in (GRID_A, GRID_B):
        task = task_in(couch, sent, grid)
        assert (task["kind"], task["state"], len(task["form"])) == ("campaign", "open", 3)
        assert "by" not in task


def test_sending_it_again_writes_nothing_new(couch: Couch, sent: dict[str, Any]) -> None:
    before = task_in(couch, sent, GRID_A)
    couch.database(CASES_DB).local_put(intake.CHECKPOINT, {"seq": 0})
    campaigns.keep(couch, sent)
    intake.run(couch, CASES_DB, NOW)
    assert task_in(couch, sent, GRID_A) == before


def test_a_fan_out_killed_in_between_is_finished_by_the_next(
    couch: Couch, grid: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    made = campaign()
    campaigns.keep(couch, made)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tasks, "written", die)
        intake.run(couch, CASES_DB, NOW)
    intake.run(couch, CASES_DB, NOW)
    assert task_in(couch, made, GRID_B)["state"] == "open"


def test_answers_are_counted_by_grid_and_close_its_task(couch: Couch, push: Push, sent: dict[str, Any]) -> None:
    push(taskreply(rules.task_id(sent, GRID_A), answers={"q1": "3"}))
    assert intake.run(couch, GRID_DB, NOW).due == {CASES_DB}
    intake.run(couch, CASES_DB, NOW)
    answers = campaigns.answers_of(couch, sent)
    assert rules.figures(sent, answers) == {"open": 1, "answered": 1, "declined": 0, "withdrawn": 0}
    assert (answers[0]["grid"], answers[0]["answers"]) == (GRID_A, {"q1": "3"})
    assert task_in(couch, sent, GRID_A)["state"] == "answered"


def test_a_grid_that_one_declined_and_another_answered_is_answered(couch: Couch, push: Push, sent: dict[str, Any]) -> None:
    task = rules.task_id(sent, GRID_A)
    push(taskreply(task, author="worker2", outcome="declined", text="在外"), taskreply(task, at=AT + timedelta(seconds=1)))
    intake.run(couch, GRID_DB, NOW)
    assert rules.figures(sent, campaigns.answers_of(couch, sent))["answered"] == 1
    assert len(campaigns.answers_of(couch, sent)) == 2


def test_a_reply_taken_in_twice_is_one_answer(couch: Couch, grid: Database, push: Push, sent: dict[str, Any]) -> None:
    push(taskreply(rules.task_id(sent, GRID_A)))
    for _ in range(2):
        grid.local_put(intake.CHECKPOINT, {"seq": 0})
        intake.run(couch, GRID_DB, NOW)
    assert len(campaigns.answers_of(couch, sent)) == 1


def test_ending_it_calls_off_what_is_open_and_keeps_what_was_answered(couch: Couch, push: Push, sent: dict[str, Any]) -> None:
    push(taskreply(rules.task_id(sent, GRID_A)))
    intake.run(couch, GRID_DB, NOW)
    campaigns.end(couch, TOWNSHIP, sent["_id"], "2026-11-24T08:00:00.000Z")
    intake.run(couch, CASES_DB, NOW)
    assert [task_in(couch, sent, grid)["state"] for grid in (GRID_A, GRID_B)] == ["answered", "withdrawn"]


def test_its_open_tasks_go_over_into_the_new_quarter(couch: Couch, sent: dict[str, Any]) -> None:
    assert campaigns.carry_over(couch, TOWNSHIP, datetime(2026, 12, 31, 16, 0, 1, tzinfo=UTC)) == {
        grid_db(grid, "2027q1") for grid in (GRID_A, GRID_B)
    }


def test_no_campaign_is_sent_beyond_its_township() -> None:
    with pytest.raises(InvalidInput):
        campaign(grids=[new_id("grid")])
