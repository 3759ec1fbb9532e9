"""Two cases become one and two again: both say so, every reporter keeps credit and hears the outcome, whatever is killed."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from server.cases import intake, merging, moves, store
from server.domain import ids, times, workflow
from server.domain.errors import InvalidInput, RuleBroken
from server.nudges import Nudges
from sync.couch import Couch
from sync.database import Database
from tests.conftest import COMMUNITY, GRID_A, person
from tests.records import AT, report, with_rev
from tests.server.cases.conftest import CASES_DB, GRID_DB, Push

NOW = AT + timedelta(hours=1)
Move = Callable[..., store.Loaded]


@pytest.fixture
def trio(couch: Couch, push: Push) -> list[str]:
    """Three cases: a main one of worker1, a duplicate by worker2, and another by worker3."""
    pushed = push(report(), report(author="worker2"), report(author="worker3"))
    intake.run(couch, GRID_DB, NOW)
    return [ids.case_id(doc["_id"]) for doc in pushed]


@pytest.fixture
def move(couch: Couch, no_broker: Nudges, people: dict[str, dict[str, Any]]) -> Move:
    """triage1 moves a case."""

    def make(case: str, name: str, **fields: Any) -> store.Loaded:
        key = secrets.token_hex(8)
        return moves.move(couch, no_broker, people["triage1"], case, name, fields, if_match=None, key=key, now=NOW)

    return make


def case_of(couch: Couch, case: str) -> dict[str, Any]:
    return couch.database(CASES_DB).get(case)


def carry(couch: Couch) -> None:
    while intake.run(couch, CASES_DB, NOW).more:
        pass


def test_a_merge_is_written_on_both_and_the_reporter_keeps_credit(couch: Couch, move: Move, trio: list[str]) -> None:
    main, duplicate, _ = trio
    move(duplicate, "merge", into=main)
    assert (case_of(couch, duplicate)["state"], case_of(couch, duplicate)["merged_into"]) == ("merged", main)
    [absorbed] = case_of(couch, main)["absorbed"]
    assert (absorbed["case"], absorbed["author"], absorbed["database"]) == (duplicate, "worker2", GRID_DB)
    assert absorbed["reports"] == case_of(couch, duplicate)["reports"]


@pytest.mark.parametrize("name", ["merge", "unmerge"])
def test_a_merge_killed_in_between_is_finished_by_intake(
    couch: Couch, move: Move, trio: list[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    main, duplicate, _ = trio
    if name == "unmerge":
        move(duplicate, "merge", into=main)
    fields = {"merge": {"into": main}, "unmerge": {"reason": "两处不同"}}[name]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(merging, "settle", die)
        move(duplicate, name, **fields)
    assert bool(case_of(couch, main)["absorbed"]) == (name == "unmerge")
    carry(couch)
    assert bool(case_of(couch, main)["absorbed"]) == (name == "merge")
    before = couch.info([CASES_DB])
    couch.database(CASES_DB).local_put(intake.CHECKPOINT, {"seq": 0})
    carry(couch)
    assert couch.info([CASES_DB]) == before


def test_the_phone_of_a_merged_case_is_told_what_becomes_of_the_main_one(
    couch: Couch, grid: Database, move: Move, trio: list[str]
) -> None:
    main, duplicate, _ = trio
    move(duplicate, "merge", into=main)
    carry(couch)
    copy = grid.get(duplicate)
    assert (copy["state"], copy["follows"]["case_no"], copy["follows"]["state"]) == (
        "merged",
        case_of(couch, main)["case_no"],
        "reported",
    )
    move(main, "return", reason="已处理")
    carry(couch)
    follows = grid.get(duplicate)["follows"]
    assert (follows["state"], follows["last_event"]["reason"]) == ("returned", "已处理")


def test_an_unmerged_case_is_what_it_was_and_follows_nobody(couch: Couch, grid: Database, move: Move, trio: list[str]) -> None:
    main, duplicate, _ = trio
    move(duplicate, "merge", into=main)
    move(duplicate, "unmerge", reason="两处不同")
    carry(couch)
    assert case_of(couch, duplicate)["state"] == "reported"
    assert case_of(couch, main)["absorbed"] == []
    assert "follows" not in grid.get(duplicate)
    move(duplicate, "merge", into=main)
    assert [one["case"] for one in case_of(couch, main)["absorbed"]] == [duplicate]


def test_no_case_is_merged_into_one_that_its_clerk_may_not_see(couch: Couch, no_broker: Nudges, trio: list[str]) -> None:
    """The communities of a township lie in one database."""
    doc = with_rev(report(grid="640105002002001"))
    event = workflow.reported_event(doc, GRID_DB, times.to_text(NOW), [])
    store.create(couch, GRID_A[:9], [event], NOW)
    clerk = person("community1", "community", "", "", communities=[COMMUNITY])
    asked = {"if_match": None, "key": secrets.token_hex(8), "now": NOW}
    with pytest.raises(InvalidInput) as refused:
        moves.move(couch, no_broker, clerk, trio[0], "merge", {"into": event["case"]}, **asked)
    assert refused.value.fields == {"into": "unknown"}
    assert case_of(couch, event["case"])["absorbed"] == []
    moves.move(couch, no_broker, clerk, trio[0], "merge", {"into": trio[1]}, **asked)


def test_chains_are_refused_from_both_ends(move: Move, trio: list[str]) -> None:
    main, duplicate, third = trio
    move(duplicate, "merge", into=main)
    with pytest.raises(RuleBroken):
        move(main, "merge", into=third)
    with pytest.raises(InvalidInput):
        move(third, "merge", into=duplicate)


def test_a_chain_made_at_the_same_moment_is_followed_to_its_end(
    couch: Couch, grid: Database, move: Move, trio: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    last, middle, first = trio
    with monkeypatch.context() as patch:
        patch.setattr(merging, "settle", lambda *_: [])
        move(first, "merge", into=middle)
        move(middle, "merge", into=last)
    carry(couch)
    assert grid.get(first)["follows"]["case_no"] == case_of(couch, last)["case_no"]
    move(last, "return", reason="x")
    carry(couch)
    assert grid.get(first)["follows"]["state"] == "returned"
