"""Possible duplicates: found among new cases, found again, taken back, dismissed; whatever is killed in between."""

from datetime import timedelta
from typing import Any

import pytest

from server import audit
from server.cases import intake, twin_search, twins
from server.domain.errors import Missing
from sync import feed
from sync.couch import Couch
from sync.databases import media_db
from tests.conftest import GRID_A
from tests.records import AT, new_id, report
from tests.server.cases.conftest import CASES_DB, GRID_DB, Push

NOW = AT + timedelta(hours=3)
TOWNSHIP = GRID_A[:9]
MEDIA_DB = media_db(TOWNSHIP)
SPOT = {"lat": 38.5, "lon": 106.1, "accuracy_m": 9.0, "datum": "WGS84", "address": None, "compound": None}

Document = dict[str, Any]


def lamp(**fields: Any) -> Document:
    """worker1's report of a lamp that is out."""
    return report(**{"category": "0103", "text": "怀远西路药店门口路灯不亮", "place": SPOT} | fields)


def same_lamp(**fields: Any) -> Document:
    """The same lamp an hour later, in worker2's words, 15 m off."""
    place = SPOT | {"lat": 38.50013}
    own = {"author": "worker2", "category": "0103", "text": "药店门口的路灯坏了，怀远西路", "place": place}
    return report(at=AT + timedelta(hours=1), **own | fields)


def case_of(couch: Couch, doc: Document) -> Document:
    return couch.database(CASES_DB).get("case:" + doc["_id"].partition(":")[2])


def proposals_in(couch: Couch) -> list[Document]:
    return couch.database(CASES_DB).range("proposal:", "proposal:\ufff0", 500)


def found(couch: Couch, doc: Document) -> list[str]:
    """The cases proposed for a report's case."""
    return [one.other["_id"] for one in twins.proposals_for(couch, case_of(couch, doc))]


def take_in(couch: Couch) -> None:
    """Intake, then the search, until nothing is new."""
    while intake.run(couch, GRID_DB, NOW).more:
        pass
    while twin_search.run(couch, TOWNSHIP).more:
        pass


@pytest.fixture
def pair(couch: Couch, push: Push) -> tuple[Document, Document]:
    """Two reports of one lamp, taken in and compared."""
    couch.delete(MEDIA_DB)
    [first], [second] = push(lamp()), push(same_lamp(), receipted=False)
    take_in(couch)
    return first, second


def test_two_reports_of_one_lamp_are_proposed_to_each_other_with_reasons(couch: Couch, pair: tuple[Document, Document]) -> None:
    first, second = pair
    assert found(couch, first) == [case_of(couch, second)["_id"]]
    assert found(couch, second) == [case_of(couch, first)["_id"]]
    [proposal] = twins.proposals_for(couch, case_of(couch, first))
    reasons = {reason["code"]: reason["figure"] for reason in proposal.reasons}
    assert (reasons["distance"], reasons["time"]) == (14, 60)
    assert {"text", "landmark_same", "category_same"} <= reasons.keys()


def test_a_lamp_in_another_place_is_not_proposed(couch: Couch, push: Push) -> None:
    first, _ = push(lamp(), same_lamp(place=SPOT | {"lat": 38.51}))
    take_in(couch)
    assert found(couch, first) == []


def test_a_third_case_between_two_takes_their_proposal_away_whoever_comes_last(couch: Couch, push: Push) -> None:
    """The first names the second entrance, the third the third one; the one in the middle names none."""
    house = {"category": "3102", "text": "3号楼2单元楼道堆物"}
    first, middle = lamp(**house), same_lamp(category="3102", text="楼道堆物", place=SPOT | {"lat": 38.50025})
    push(first, middle)
    take_in(couch)
    assert found(couch, middle) == [case_of(couch, first)["_id"]]
    third = same_lamp(author="worker3", category="3102", text="三栋三单元楼道堆物", place=SPOT | {"lat": 38.50027})
    push(third, receipted=True)
    take_in(couch)
    assert found(couch, middle) == [case_of(couch, third)["_id"]]
    in_order = proposals_in(couch)
    couch.database(CASES_DB).local_put(twin_search.CHECKPOINT, {"seq": 0})
    take_in(couch)
    assert proposals_in(couch) == in_order


def test_a_second_search_changes_nothing(couch: Couch, pair: tuple[Document, Document]) -> None:
    before = proposals_in(couch)
    couch.database(CASES_DB).local_put(twin_search.CHECKPOINT, {"seq": 0})
    take_in(couch)
    assert proposals_in(couch) == before
    assert len(before) == 2


def test_deleted_proposals_are_made_again_and_the_dismissal_stays(
    couch: Couch, push: Push, pair: tuple[Document, Document]
) -> None:
    first, second = pair
    twins.dismiss(couch, case_of(couch, first), case_of(couch, second)["_id"], by="triage1", why="两盏灯", now=NOW)
    database = couch.database(CASES_DB)
    database.bulk([{"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True} for doc in proposals_in(couch)])
    database.local_put(twin_search.CHECKPOINT, {"seq": 0})
    take_in(couch)
    assert len(proposals_in(couch)) == 2
    assert found(couch, first) == found(couch, second) == []


@pytest.mark.parametrize("killed_before", ["database.bulk", "feed.finish"])
def test_a_search_killed_in_between_is_finished_by_the_next(
    couch: Couch, push: Push, monkeypatch: pytest.MonkeyPatch, killed_before: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    first, second = push(lamp(), same_lamp())
    intake.run(couch, GRID_DB, NOW)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(*{"database.bulk": (twin_search, "_save"), "feed.finish": (feed, "finish")}[killed_before], die)
        twin_search.run(couch, TOWNSHIP)
    take_in(couch)
    assert found(couch, second) == [case_of(couch, first)["_id"]]


def test_a_pair_that_words_do_not_prove_is_proposed_when_the_photos_hash_comes(couch: Couch, push: Push) -> None:
    couch.delete(MEDIA_DB)
    couch.create(MEDIA_DB, replicated=False)
    photos = [new_id("photo"), new_id("photo")]
    far = SPOT | {"lat": 38.50042}
    first, second = push(lamp(photos=photos[:1], text="灯不亮"), same_lamp(photos=photos[1:], text="请派人看看", place=far))
    take_in(couch)
    assert found(couch, first) == []
    hashes = ("f0e1d2c3b4a59687", "f0e1d2c3b4a59686")
    docs = [{"_id": photo, "type": "media", "perceptual": hash} for photo, hash in zip(photos, hashes, strict=True)]
    couch.database(MEDIA_DB).bulk(docs)
    take_in(couch)
    assert found(couch, first) == [case_of(couch, second)["_id"]]
    assert {k: twins.proposals_for(couch, case_of(couch, first))[0].reasons[0][k] for k in ("code", "figure")} == {
        "code": "photo",
        "figure": 1,
    }


def test_the_phones_own_clock_plays_no_part(couch: Couch, push: Push) -> None:
    """worker2's phone is 40 days fast, and knows it."""
    fast = timedelta(days=40)
    late = same_lamp(captured_at="2027-01-02T09:00:00.000Z", clock_offset_ms=int(fast.total_seconds() * 1000))
    [first], [second] = push(lamp()), push(late, receipted=False)
    take_in(couch)
    assert found(couch, first) == [case_of(couch, second)["_id"]]


def test_a_report_without_a_place_is_compared_within_its_grid(couch: Couch, push: Push) -> None:
    first, second = push(lamp(), same_lamp(place=None, text="怀远西路药店门口路灯不亮了"))
    take_in(couch)
    assert found(couch, second) == [case_of(couch, first)["_id"]]


def test_a_dismissal_is_made_once_and_audited(couch: Couch, pair: tuple[Document, Document]) -> None:
    first, second = (case_of(couch, doc) for doc in pair)
    made = twins.dismiss(couch, first, second["_id"], by="triage1", why="两盏灯", now=NOW)
    again = twins.dismiss(couch, second, first["_id"], by="triage2", why="", now=NOW + timedelta(hours=1))
    assert (again["by"], again["at"], again["why"]) == (made["by"], made["at"], "两盏灯")
    entries = [
        entry for entry in audit.read(couch, "202611") if entry["action"] == "twins.dismiss" and entry["subject"] == first["_id"]
    ]
    assert [(entry["by"], entry["facts"]) for entry in entries] == [("triage1", {"other": second["_id"]})]


def test_what_was_never_proposed_cannot_be_dismissed(couch: Couch, push: Push) -> None:
    first, second = push(lamp(), same_lamp(place=SPOT | {"lat": 38.51}))
    take_in(couch)
    with pytest.raises(Missing):
        twins.dismiss(couch, case_of(couch, first), case_of(couch, second)["_id"], by="triage1", why="", now=NOW)


def test_a_search_looks_at_no_more_neighbours_than_it_may(couch: Couch, push: Push, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    evidence = twin_search.matching.evidence
    monkeypatch.setattr(twin_search, "CANDIDATES_MOST", 5)
    monkeypatch.setattr(twin_search.matching, "evidence", lambda *sides: compared.append(1) or evidence(*sides))
    push(*[lamp() for _ in range(30)])
    intake.run(couch, GRID_DB, NOW)
    twin_search.run(couch, TOWNSHIP, batch=500)
    assert 30 <= len(compared) <= 30 * 5
