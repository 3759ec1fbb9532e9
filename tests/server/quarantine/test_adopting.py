"""A clerk adopts refused records: unchanged or put right, once, whoever else decides and whatever is killed meanwhile."""

import threading
from typing import Any

import pytest

from server import audit
from server.cases import intake
from server.domain.errors import Changed, DomainError, Forbidden, InvalidInput, Missing
from server.quarantine import aging
from server.quarantine.planning import Choice
from sync.couch import Couch
from sync.databases import cases_db, grid_db, home_db
from tests.conftest import GRID_A, GRID_ELSEWHERE
from tests.records import new_id, report, with_rev
from tests.server.quarantine.conftest import GRID_DB, NEW_DB, NOW, Desk, Document, Refuse, entries

UNCHANGED = Choice()


def cases(couch: Couch, *names: str) -> list[Document]:
    """The cases after intake of these databases, run twice."""
    present = [name for name in names or (GRID_DB,) if name in couch.all_databases()]
    for name in present * 2:
        intake.run(couch, name, NOW)
    if cases_db(GRID_A[:9]) not in couch.all_databases():
        return []
    return couch.database(cases_db(GRID_A[:9])).range("case:", "case:\ufff0", 100)


def wrong(error: pytest.ExceptionInfo[InvalidInput]) -> dict[str, str]:
    return error.value.fields


def test_an_adopted_report_becomes_a_case_with_its_own_times(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    doc = with_rev(report())
    id = refuse(doc)
    adopted = desk.adopt(id)
    assert (adopted["state"], adopted["decision"]["is_settled"]) == ("adopted", True)
    there = stored.database(GRID_DB).get(doc["_id"])
    assert (there["_rev"], "adopted_from" in there) == (doc["_rev"], False)
    [case] = cases(stored)
    assert case["reports"] == [doc["_id"]]
    assert (case["captured_at"], case["received_at"]) == (doc["captured_at"], adopted["refused_at"])


def test_adopting_twice_makes_one_record_and_one_case(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    id = refuse(with_rev(report()))
    for _ in range(2):
        desk.adopt(id)
    assert len(cases(stored)) == 1
    actions = [entry["action"] for entry in audit.read(stored, "202611")]
    assert actions == ["refused.adopt"]


def test_two_clerks_at_once_make_one_decision(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    id, outcomes = refuse(with_rev(report())), []
    choices = [Choice(GRID_DB), Choice(NEW_DB), Choice(GRID_DB, {"text": "改"}), Choice(grid_db(GRID_A, "2026q3"))]
    start = threading.Barrier(len(choices))

    def decide(number: int, choice: Choice) -> None:
        one = desk._replace(clerk=desk.clerk | {"name": f"triage{number}"})
        start.wait()
        try:
            outcomes.append(one.adopt(id, *choice)["state"])
        except Changed:
            outcomes.append("changed")

    threads = [threading.Thread(target=decide, args=pair) for pair in enumerate(choices)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["adopted", "changed", "changed", "changed"]
    present = [name for name in stored.all_databases() if name.startswith("grid-")]
    assert len(cases(stored, *present)) == 1


def test_whoever_decides_later_is_told_who_was_first(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    id = refuse(with_rev(report()))
    seen = desk.find(id)["_rev"]
    desk.dismiss(id, "重复上报")
    with pytest.raises(Changed) as caught:
        desk.of("admin").adopt(id, if_match=seen)
    assert (caught.value.code, caught.value.facts["by"]) == ("decided_meanwhile", "triage1")


class Killed(BaseException):
    """What a killed process does not survive."""


class MortalCouch(Couch):
    """A connection whose process is killed before its n-th write."""

    def __init__(self, url: str, writes_left: int) -> None:
        super().__init__(url)
        self.writes_left = writes_left

    def send(self, method: str, path: Any, **rest: Any) -> Any:
        parts = list(path)
        is_question = parts[-1] in {"_all_docs", "_bulk_get", "_dbs_info"} or "_view" in parts
        if method != "GET" and not is_question:
            self.writes_left -= 1
            if self.writes_left < 0:
                raise Killed
        return super().send(method, parts, **rest)


@pytest.mark.parametrize("choice", [UNCHANGED, Choice(NEW_DB)], ids=["unchanged", "moved"])
def test_a_kill_between_any_two_writes_leaves_one_record_and_one_case(
    stored: Couch, own_store: str, desk: Desk, refuse: Refuse, choice: Choice
) -> None:
    later = NOW + aging.LEFT_ALONE * 2
    for writes in range(12):
        id = refuse(with_rev(report()))
        try:
            desk._replace(couch=MortalCouch(own_store, writes)).adopt(id, *choice)
            is_over = True
        except Killed:
            is_over = False
        aging.finish(stored, desk.nudges, later)
        state = desk.find(id)["state"]
        assert state == ("waiting" if writes == 0 else "adopted")
        aging.finish(stored, desk.nudges, later)
        if is_over:
            break
    assert is_over
    assert writes > 3
    adopted = [entry for entry in entries(stored) if entry["state"] == "adopted"]
    assert len(cases(stored, GRID_DB, NEW_DB)) == len(adopted) == writes
    logged = [entry["subject"] for entry in audit.read(stored, "202611")]
    assert sorted(logged) == sorted(entry["_id"] for entry in adopted)


def test_a_record_put_right_is_a_new_one_that_says_where_it_came_from(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    doc = with_rev(report(urgency="terrible", extra="x", text="井盖"))
    id = refuse(doc, reason="schema", urgency="Invalid enum value")
    with pytest.raises(InvalidInput) as caught:
        desk.adopt(id)
    assert list(wrong(caught)) == ["urgency"]
    with pytest.raises(InvalidInput) as caught:
        desk.adopt(id, corrected={"text": "井盖"})
    adopted = desk.adopt(id, corrected={"urgency": "urgent"})
    there = stored.database(GRID_DB).get(adopted["decision"]["id"])
    assert there["_id"] != doc["_id"]
    assert (there["urgency"], there["text"], there["author"]) == ("urgent", "井盖", "worker1")
    assert there["adopted_from"] == {"entry": id, "id": doc["_id"], "rev": doc["_rev"], "database": GRID_DB}
    assert "extra" not in there
    [case] = cases(stored)
    assert (case["reports"], case["urgency"]) == ([there["_id"]], "urgent")


def test_a_clerk_corrects_only_what_a_clerk_may(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    id = refuse(with_rev(report()))
    for field in ("author", "captured_at", "_id", "adopted_from", "photos"):
        with pytest.raises(InvalidInput) as caught:
            desk.adopt(id, corrected={field: "x"})
        assert wrong(caught) == {field: "not_correctable"}


def test_a_record_for_another_grid_moves_there_as_a_new_one(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    doc = with_rev(report())
    adopted = desk.adopt(refuse(doc), NEW_DB)
    there = stored.database(NEW_DB).get(adopted["decision"]["id"])
    assert (there["grid"], there["adopted_from"]["id"]) == (NEW_DB[5:20], doc["_id"])
    assert stored.database(GRID_DB).find(doc["_id"]) is None
    assert len(cases(stored, GRID_DB, NEW_DB)) == 1


@pytest.mark.parametrize(
    ("database", "fields"),
    [
        ("people", {"database": "type_not_allowed"}),
        (home_db(GRID_A), {"database": "type_not_allowed"}),
        ("beat-640105002001001-2026q4", {"database": "type_not_allowed"}),
        ("nonsense", {"database": "type_not_allowed"}),
        (grid_db(GRID_A, "2019q1"), {"database": "archived_database"}),
        (grid_db(GRID_A, "2027q1"), {"database": "archived_database"}),
        (grid_db(GRID_A, "2026q1"), {"database": "archived_database"}),
    ],
)
def test_a_home_that_cannot_be_is_refused(
    stored: Couch, desk: Desk, refuse: Refuse, database: str, fields: dict[str, str]
) -> None:
    id = refuse(with_rev(report()))
    with pytest.raises(InvalidInput) as caught:
        desk.adopt(id, database)
    assert wrong(caught) == fields
    assert database not in stored.all_databases() or database == "people"


def test_a_clerk_gives_homes_in_the_own_township_only(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    id = refuse(with_rev(report()))
    with pytest.raises(Forbidden):
        desk.adopt(id, grid_db(GRID_ELSEWHERE, "2026q4"))
    with pytest.raises(Missing):
        desk.of("triage2").adopt(id)
    assert desk.of("admin").adopt(id)["state"] == "adopted"


def test_the_second_of_two_first_revisions_cannot_take_the_firsts_place(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    first = report(text="第一")
    stored.database(GRID_DB).bulk([with_rev(first, "1" * 32)], new_edits=False)
    cases(stored)
    stored.database(GRID_DB).bulk([with_rev(first | {"text": "第二"}, "f" * 32)], new_edits=False)
    cases(stored)
    [entry] = entries(stored)
    with pytest.raises(InvalidInput) as caught:
        desk.adopt(entry["_id"])
    assert wrong(caught) == {"document": "was_removed"}
    desk.adopt(entry["_id"], corrected={})
    assert sorted(case["text"] for case in cases(stored)) == ["第一", "第二"]


def test_a_record_that_was_stored_after_all_is_closed_and_never_doubled(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    doc, other = with_rev(report()), with_rev(report())
    id, second = refuse(doc), refuse(other)
    stored.database(GRID_DB).bulk([doc, other], new_edits=False)
    adopted = desk.adopt(id, corrected={"text": "改"})
    assert (adopted["decision"]["what"], adopted["decision"]["id"]) == ("arrive", doc["_id"])
    assert aging.Aging().run(stored, desk.nudges, NOW)["arrived"] == 1
    assert desk.find(second)["decision"]["by"] == "server"
    assert len(cases(stored)) == 2


def test_an_edit_of_a_household_is_pushed_with_its_history(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    basis = {"purpose": "走访", "given_at": "2026-11-01T00:00:00.000Z", "how": "consent_spoken"}
    head = {part: report()[part] for part in ("v", "grid", "author", "device", "captured_at", "clock_offset_ms")}
    first = {"_id": new_id("household"), "type": "household", **head, "address": "1号", "basis": basis, "stamps": {}}
    stored.create(home_db(GRID_A), replicated=True)
    stored.database(home_db(GRID_A)).bulk([with_rev(first)], new_edits=False)
    edit = first | {"room": "501", "_rev": "2-" + "b" * 32, "_revisions": {"start": 2, "ids": ["b" * 32, "a" * 32]}}
    desk.adopt(refuse(edit, database=home_db(GRID_A)))
    there = stored.database(home_db(GRID_A)).get(first["_id"], conflicts=True)
    assert (there["room"], there["_rev"], "_conflicts" in there) == ("501", edit["_rev"], False)


@pytest.mark.parametrize(
    ("doc", "reason"),
    [
        ({"_id": "x"}, "unknown_type"),
        ({"_id": "case:1", "type": "case"}, "unknown_type"),
        (with_rev(report(text="x" * 300_000)), "not_kept"),
    ],
)
def test_what_is_no_record_finds_no_home(stored: Couch, desk: Desk, refuse: Refuse, doc: Document, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        desk.adopt(refuse(doc, reason="schema"))
    assert wrong(caught) == {"document": reason}


def test_what_was_erased_for_good_is_never_brought_back(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    with pytest.raises(DomainError):
        desk.adopt(refuse(with_rev(report()), reason="erased_id"))
    assert cases(stored) == []
