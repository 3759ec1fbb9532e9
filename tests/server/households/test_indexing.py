"""The index of household files: made from the phones' databases, in step with them, and made again when it is gone."""

from typing import Any

import pytest

from server.households import indexing
from sync.couch import Couch
from sync.database import Database
from sync.databases import home_db, home_quarter_db, homes_db
from tests.conftest import GRID_A
from tests.records import new_id
from tests.server.domain.test_merge import version

HOME, QUARTER, INDEX = home_db(GRID_A), home_quarter_db(GRID_A, "2026q4"), homes_db(GRID_A[:9])
Document = dict[str, Any]


@pytest.fixture(autouse=True)
def empty(couch: Couch) -> None:
    for name in (HOME, QUARTER, INDEX):
        couch.delete(name)
    for name in (HOME, QUARTER):
        couch.create(name, replicated=True)


@pytest.fixture
def index(couch: Couch) -> Database:
    return couch.database(INDEX)


def put(couch: Couch, name: str, doc: Document) -> Document:
    return doc | {"_rev": couch.database(name).put(doc)}


def household(couch: Couch, **fields: Any) -> Document:
    return put(couch, HOME, version(**fields) | {"_id": new_id("household")})


def visit(household: str | None, day: int, **fields: Any) -> Document:
    head = {"_id": new_id("visit"), "type": "visit", "v": 1, "grid": GRID_A, "author": "worker1", "device": "d1"}
    at = {"captured_at": f"2026-11-{day:02}T08:00:00.000Z", "clock_offset_ms": 0}
    said: Document = {"household": household, "address": "x", "kind": "routine", "findings": "好", "reports": [], "next_at": None}
    return head | at | said | fields


def take_in(couch: Couch, batch: int = 500) -> None:
    for name in (HOME, QUARTER):
        while indexing.run(couch, name, batch=batch).more:
            pass


def row_of(index: Database, doc: Document) -> Document:
    return index.get(doc["_id"].replace("household:", "home:"))


def test_a_visit_on_a_household_makes_it_due_and_the_grids_tally_says_so(couch: Couch, index: Database) -> None:
    doc = household(couch, needs=["独居老人"])
    household(couch)
    put(couch, QUARTER, visit(doc["_id"], 20))
    put(couch, QUARTER, visit(None, 21))
    take_in(couch)
    assert row_of(index, doc)["due_on"] == "2026-12-20"
    tally = index.get(f"tally:{GRID_A}")
    assert (tally["days"], tally["needs"]) == ({"": 1, "2026-12-20": 1}, {"独居老人": 1})


def test_nothing_changes_when_the_same_is_taken_in_again(couch: Couch, index: Database) -> None:
    doc = household(couch)
    put(couch, QUARTER, visit(doc["_id"], 20))
    take_in(couch)
    before = row_of(index, doc), index.get(f"tally:{GRID_A}")
    for name in (HOME, QUARTER):
        couch.database(name).local_put(indexing.checkpoint_of(indexing.life_of(index)), {"seq": 0})
    take_in(couch, batch=1)
    assert (row_of(index, doc), index.get(f"tally:{GRID_A}")) == before


def test_an_index_that_was_deleted_is_made_again_whole(couch: Couch, index: Database) -> None:
    doc = household(couch, contact_name="李奶奶")
    member = put(couch, HOME, version("member", household=doc["_id"], name="张三") | {"_id": new_id("member")})
    put(couch, QUARTER, visit(doc["_id"], 20))
    take_in(couch)
    rows = [{**one, "_rev": ""} for one in (row_of(index, doc), index.get(member["_id"]))]
    couch.delete(INDEX)
    take_in(couch)
    assert [{**one, "_rev": ""} for one in (row_of(index, doc), index.get(member["_id"]))] == rows


def test_rows_of_an_earlier_version_are_made_again(couch: Couch, index: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    doc = household(couch, services=["meal_help"])
    monkeypatch.setattr(indexing, "SHAPE", 1)
    take_in(couch)
    old = row_of(index, doc)
    index.put({name: value for name, value in old.items() if name != "services"})
    index.put(index.get("_design/homes") | {"views": {}})
    monkeypatch.undo()
    take_in(couch)
    assert row_of(index, doc)["services"] == ["meal_help"]
    assert index.get(f"tally:{GRID_A}")["services"] == {"meal_help": 1}


def test_what_is_erased_is_erased_from_the_index_too(couch: Couch, index: Database) -> None:
    doc = household(couch)
    take_in(couch)
    couch.database(HOME).bulk([{"_id": doc["_id"], "_rev": doc["_rev"], "_deleted": True}])
    take_in(couch)
    assert index.find(doc["_id"].replace("household:", "home:")) is None
    assert index.get(f"tally:{GRID_A}")["days"] == {}


def test_a_member_that_moved_is_found_in_the_household_it_moved_to(couch: Couch, index: Database) -> None:
    one, other = household(couch), household(couch)
    member = put(couch, HOME, version("member", household=one["_id"], name="张三") | {"_id": new_id("member")})
    take_in(couch)
    put(couch, HOME, member | {"household": other["_id"]})
    take_in(couch)
    assert [row["value"] for row in index.view("homes", "words", key="张三")["rows"]] == [other["_id"]]


def test_a_document_of_a_wrong_shape_holds_up_none_of_the_others(couch: Couch, index: Database) -> None:
    put(couch, HOME, {"_id": new_id("household"), "type": "household", "grid": GRID_A})
    put(couch, QUARTER, visit(new_id("household"), 20, kind="nonsense"))
    doc = household(couch)
    take_in(couch)
    assert row_of(index, doc)["place"]
    assert index.get(f"tally:{GRID_A}")["days"] == {"": 1}
