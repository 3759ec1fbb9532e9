"""An erasure leaves nothing of the person anywhere, harms nobody else, and ends the same wherever it is killed."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from server import audit
from server.domain import merge
from server.domain.errors import InvalidInput, Missing
from server.erasure import asking, carrying, store
from server.households import files, listing
from server.quarantine import listing as refused
from server.quarantine.opening import view
from sync import databases
from sync.couch import Couch
from tests.conftest import GRID_A, person
from tests.server.domain.test_merge import stamp
from tests.server.erasure import world as worlds
from tests.server.erasure.world import HOME, LAST, NOW, PHONE, THIS, WORD, World
from tests.server.quarantine.test_adopting import Killed, MortalCouch
from worker import conflicts

LATER = NOW + carrying.PROVED_AFTER


def carry_out(couch: Couch, now: Any = NOW) -> int:
    found = carrying.due(couch, now)
    for doc in found:
        carrying.carry_out(couch, doc, now)
    return len(found)


@pytest.fixture
def world(couch: Couch) -> World:
    return worlds.make(couch)


def test_nothing_of_an_erased_household_is_found_anywhere(couch: Couch, world: World) -> None:
    assert len(worlds.told(couch)) > 10
    neighbour = worlds.neighbours(couch, world)
    id = worlds.ask(couch, world.household, world.household)
    assert carry_out(couch) == 1
    assert worlds.told(couch) == []
    assert worlds.told(couch, PHONE) == []
    assert worlds.neighbours(couch, world) == neighbour
    doc = store.find(couch, id)
    assert doc is not None
    assert doc["state"] == "done"
    expected = {"errand": 1, "household": 1, "member": 1, "note": 2, "photo": 5, "refused": 3, "superseded": 1, "visit": 3}
    assert doc["counts"] == expected
    assert doc["steps"]["done"] == doc["steps"]["of"] > 0


def test_every_leaf_is_a_tombstone_with_an_empty_body(couch: Couch, world: World) -> None:
    worlds.ask(couch, world.household, world.household)
    carry_out(couch)
    leaves = worlds.tombstones(couch, HOME, [world.household, world.member, world.errand])
    assert len(leaves) == 4, "the household was in conflict: two leaves"
    leaves += worlds.tombstones(couch, THIS, world.visits) + worlds.tombstones(couch, LAST, world.visits)
    assert all(leaf.keys() == {"_id", "_rev", "_deleted"} for leaf in leaves)


def test_earlier_revisions_are_gone_from_the_store_and_its_files(couch: Couch, world: World, store_folder: Path) -> None:
    """Two revisions of the member were there, attachments, views: what the operating system has on disk is looked through."""
    listing.households(couch, GRID_A[:9], listing.Wanted(q=WORD), "2026-11-23", 50, None)
    view(couch, "subjects", limit=1)
    assert any(WORD.encode() in path.read_bytes() for path in store_folder.rglob("*") if path.is_file())
    worlds.ask(couch, world.household, world.household)
    carry_out(couch)
    told = [path.name for path in store_folder.rglob("*") if path.is_file() and WORD.encode() in path.read_bytes()]
    assert told == []


def test_the_index_lists_it_no_more(couch: Couch, world: World) -> None:
    before = listing.households(couch, GRID_A[:9], listing.Wanted(), "2026-11-23", 50, None)
    worlds.ask(couch, world.household, world.household)
    carry_out(couch)
    worlds.take_in(couch)
    after = listing.households(couch, GRID_A[:9], listing.Wanted(), "2026-11-23", 50, None)
    assert (len(before.rows), [row["household"] for row in after.rows]) == (2, [world.neighbour])
    assert couch.database(databases.homes_db(GRID_A[:9])).find(world.member) is None


def test_a_member_goes_alone_and_the_household_keeps_its_visits_without_the_members_name_in_its_facts(
    couch: Couch, world: World
) -> None:
    worlds.ask(couch, world.member, world.household)
    carry_out(couch)
    file = files.read(couch, GRID_A, world.household)
    assert file.members == []
    assert len(file.visits) == 2
    assert "contact_name" not in file.household
    assert "contact_phone" not in file.household
    assert worlds.tombstones(couch, HOME, [world.member])[0].keys() == {"_id", "_rev", "_deleted"}
    assert couch.database(HOME).find(f"superseded:{world.household}:{'c' * 32}") is None, "a replaced value that was the member's"
    assert len(file.errands) == 1


def test_a_phone_that_had_not_heard_of_it_brings_the_members_name_back_by_no_merge(couch: Couch, world: World) -> None:
    conflicts.run(couch, HOME, NOW)
    old = couch.database(HOME).get(world.household, revs=True)
    worlds.ask(couch, world.member, world.household)
    carry_out(couch)
    late = old | {"remark": "门铃坏了", "stamps": old["stamps"] | {"remark": stamp(30, "d9")}}
    late |= {"_rev": "9-" + "d" * 32, "_revisions": {"start": 9, "ids": ["d" * 32]}}
    couch.database(HOME).bulk([late], new_edits=False)
    conflicts.run(couch, HOME, NOW)
    merged = couch.database(HOME).get(world.household, conflicts=True)
    assert "_conflicts" not in merged
    assert merged["remark"] == "门铃坏了"
    assert "contact_name" not in merged
    assert all(edit.value not in {WORD, PHONE} for edit in merge.superseded(merged))


def test_receipts_and_cases_stay_and_say_no_erased_id(couch: Couch, world: World) -> None:
    conflicts.run(couch, HOME, NOW)
    case = couch.database(databases.cases_db(GRID_A[:9])).get(world.errand.replace("errand:", "case:"))
    worlds.ask(couch, world.household, world.household)
    carry_out(couch)
    assert couch.database(databases.cases_db(GRID_A[:9])).get(case["_id"]) == case
    receipts = couch.database(THIS).range("receipt:", "receipt:\ufff0", 10)
    assert receipts
    assert all(id.startswith("erased:") for one in receipts for id in one["ids"])


def test_refused_copies_lose_contents_and_ids_and_wait_for_nobody(couch: Couch, world: World) -> None:
    worlds.ask(couch, world.household, world.household)
    carry_out(couch)
    page = refused.page(couch, refused.EVERYWHERE, "dismissed")
    assert {entry["_id"] for entry in page.entries} >= set(world.refused)
    assert all(entry["about"]["id"] is None and entry["erased_at"] and entry["reason"] == "erased_id" for entry in page.entries)
    assert refused.page(couch, refused.EVERYWHERE, "waiting").entries == []


def test_what_slipped_in_meanwhile_is_taken_out_by_the_second_run_and_then_it_is_proved(couch: Couch, world: World) -> None:
    id = worlds.ask(couch, world.household, world.household)
    carry_out(couch)
    worlds.add_visit(couch, THIS, world)  # as a server that had not heard of the mark yet would have let in
    assert worlds.told(couch) != []
    assert carry_out(couch) == 0, "not before a while has passed"
    assert carry_out(couch, LATER) == 1
    assert worlds.told(couch) == []
    assert carry_out(couch, LATER + timedelta(days=1)) == 0
    doc = store.find(couch, id)
    assert doc is not None
    assert doc["counts"]["visit"] == 4


@pytest.mark.parametrize("of", ["household", "member"])
def test_a_kill_between_any_two_writes_ends_the_same(couch: Couch, own_store: str, of: str) -> None:
    ends, is_over, writes = set(), False, 0
    while not is_over:
        world = worlds.make(couch)
        worlds.ask(couch, getattr(world, of), world.household)
        mortal = MortalCouch(own_store, writes)
        try:
            carry_out(mortal)
            is_over = True
        except Killed:
            carry_out(couch)
        [doc] = list(store.everything(couch, "erasure:"))
        ends.add((doc["state"], str(doc["counts"]), str(len(worlds.told(couch)))))
        assert worlds.told(couch, PHONE) == []
        writes += 2 if of == "member" else 3
    assert writes > 10
    assert len(ends) == 1, ends


def test_asking_takes_a_ground_and_the_name_and_is_in_the_log_without_it(couch: Couch, world: World) -> None:
    file = files.read(couch, GRID_A, world.household)
    key = "01936b00-0000-7000-8000-000000000001"
    for basis, typed in (("because", f"{WORD}家"), ("asked_for", "李")):
        with pytest.raises(InvalidInput):
            asking.ask(couch, worlds.CLERK, file, asking.Asked(world.household, basis, "", typed, key), NOW)
    assert list(store.everything(couch, "")) == []
    id = worlds.ask(couch, world.household, world.household)
    assert worlds.ask(couch, world.household, world.household) == id, "the same page posted twice"
    logged = [entry for entry in audit.read(couch, "202611") if entry["action"] == "household.erase"]
    assert [(entry["by"], entry["subject"], entry["why"]) for entry in logged] == [("community1", id, "asked_for")]
    assert world.household not in str(logged)


def test_only_the_grids_own_community_erases(couch: Couch, world: World) -> None:
    file = files.read(couch, GRID_A, world.household)
    others = [
        person("triage1", "triage", "", "", townships=[GRID_A[:9]], communities=[GRID_A[:12]]),
        person("admin", "admin", "", ""),
        person("worker1", "worker", "", "", grids=[GRID_A]),
        person("community2", "community", "", "", communities=["640105003001"]),
    ]
    for who in others:
        with pytest.raises(Missing):
            asking.preview(who, file, world.household)


def test_marks_say_nothing_to_whoever_has_no_key(couch: Couch, world: World) -> None:
    worlds.ask(couch, world.household, world.household)
    carry_out(couch)
    kept = str(list(store.everything(couch, "")))
    ids = [world.household, world.member, world.errand, *world.visits, *world.photos, WORD]
    assert not [id for id in ids if id.rpartition(":")[2] in kept]
