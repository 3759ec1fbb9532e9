"""Two people changed one household file: the versions become one on any node, in any order, whatever is killed meanwhile."""

import random
from collections.abc import Sequence
from typing import Any

import pytest

from server.domain import merge
from sync import conflicts, feed
from sync.couch import Couch
from sync.database import Database
from sync.databases import home_db
from sync.errors import Unreachable
from tests.conftest import GRID_A
from tests.records import new_id
from tests.server.domain.test_merge import stamp, version
from worker.conflicts import run

NAME = home_db(GRID_A)
Document = dict[str, Any]


@pytest.fixture
def home(couch: Couch) -> Database:
    couch.delete(NAME)
    couch.create(NAME, replicated=True)
    return couch.database(NAME)


def first(type_: str = "household", **fields: Any) -> Document:
    """A file as a phone made it, with its revision."""
    doc = version(type_, stamps={"address": stamp(0)}) | {"_id": new_id(type_)} | fields
    return doc | {"_rev": "1-" + "0" * 32, "_revisions": {"start": 1, "ids": ["0" * 32]}}


def edited(parent: Document, minute: int, node: str, **changes: Any) -> Document:
    """The next revision of a version, as a phone makes it."""
    body = merge.edit(conflicts.content_of(parent), changes, stamp(minute, node))
    return conflicts.successor(parent, body)


def push(home: Database, *docs: Document) -> None:
    assert home.bulk(docs, new_edits=False) == []


def living(home: Database, id: str) -> list[Document]:
    """All living leaves."""
    answer = home.get(id, conflicts=True)
    return [answer, *home.leaves([(id, rev) for rev in answer.get("_conflicts", [])])]


def only(home: Database, id: str) -> Document:
    found = living(home, id)
    assert len(found) == 1, [leaf["_rev"] for leaf in found]
    return {name: value for name, value in found[0].items() if name != "_revisions"}


def until_nothing_is_left(couch: Couch, batch: int = 500) -> None:
    while run(couch, NAME, batch=batch).more:
        pass


def test_two_workers_edits_of_different_fields_both_stay(couch: Couch, home: Database) -> None:
    base = first()
    push(home, base, edited(base, 1, "d1", contact_phone="13800000001"), edited(base, 2, "d2", residents_count=3))
    until_nothing_is_left(couch)
    doc = only(home, base["_id"])
    assert (doc["contact_phone"], doc["residents_count"], doc["superseded"]) == ("13800000001", 3, [])


def test_the_edit_that_lost_is_listed_and_the_databases_phones_are_told(couch: Couch, home: Database) -> None:
    base = first()
    push(home, base, edited(base, 1, "d1", contact_phone="1"), edited(base, 2, "d2", contact_phone="2"))
    assert run(couch, NAME).changed == {NAME}
    assert [one["value"] for one in only(home, base["_id"])["superseded"]] == ["1"]
    assert run(couch, NAME).changed == frozenset()


def test_two_resolvers_at_once_write_the_same_revision(couch: Couch, home: Database) -> None:
    base = first()
    push(home, base, edited(base, 1, "d1", contact_phone="1"), edited(base, 2, "d2", contact_phone="2"))
    page = feed.read_after(home, None, style="all_docs")
    leaves = conflicts.living(page.changes[0])
    body = merge.bound(merge.merge([conflicts.content_of(leaf) for leaf in leaves])).doc
    revs = {conflicts.resolve(home, order, body) for order in (leaves, leaves[::-1], leaves)}
    assert revs == {only(home, base["_id"])["_rev"]}
    before = couch.info([NAME])[NAME]
    conflicts.resolve(home, leaves, body)
    after = couch.info([NAME])[NAME]
    assert before and after and before["doc_count"] == after["doc_count"]
    assert only(home, base["_id"])["_rev"] in revs


def test_a_resolver_that_saw_only_some_branches_does_no_harm(couch: Couch, home: Database) -> None:
    base = first()
    one, two, three = (edited(base, n, f"d{n}", contact_phone=str(n)) for n in (1, 2, 3))
    push(home, base, one, two)
    run(couch, NAME)
    push(home, three)
    run(couch, NAME)
    doc = only(home, base["_id"])
    assert (doc["contact_phone"], {lost["value"] for lost in doc["superseded"]}) == ("3", {"1", "2"})


class Killed(Exception):
    """What a `kill -9` is to the code that was running."""


class Dying(Database):
    """A connection that dies after so many writes."""

    writes_left = 0

    def bulk(self, docs: Sequence[Document], new_edits: bool = True) -> list[dict[str, Any]]:
        if docs and self.writes_left == 0:
            raise Killed
        self.writes_left -= bool(docs)
        return super().bulk(docs, new_edits)


class DyingCouch(Couch):
    """A store whose connections die after so many writes of documents."""

    def __init__(self, url: str, writes: int) -> None:
        super().__init__(url)
        self._writes = writes

    def database(self, name: str, create: bool = False) -> Database:
        made = Dying(self, name)
        made.writes_left = self._writes
        return made


@pytest.mark.parametrize("writes", [0, 1, 2])
def test_a_resolver_killed_between_any_two_writes_loses_nothing(
    own_store: str, couch: Couch, home: Database, writes: int
) -> None:
    base = first()
    losers = [{"field": "remark", "stamp": stamp(0), "value": f"{n:03d}" + "字" * 3900} for n in range(20)]
    lost = conflicts.successor(
        base, conflicts.content_of(base) | {"remark": "x", "superseded": losers, "stamps": {"remark": stamp(1)}}
    )
    push(home, base, lost, edited(base, 2, "d2", contact_phone="2"))
    with pytest.raises(Killed):
        run(DyingCouch(own_store, writes), NAME)
    edits = [one for leaf in living(home, base["_id"]) for one in merge.edits_of(conflicts.content_of(leaf))]
    values = {one.value for one in edits if one.field == "remark"}
    assert {one["value"] for one in losers} - values <= spilled(home, base["_id"])
    until_nothing_is_left(couch)
    doc = only(home, base["_id"])
    assert (doc["contact_phone"], doc["remark"]) == ("2", "x")
    assert {one["value"] for one in doc["superseded"]} | spilled(home, base["_id"]) == {one["value"] for one in losers}


def spilled(home: Database, id: str) -> set[Any]:
    """The values for which their document had no room."""
    return {doc["value"] for doc in home.range(f"superseded:{id}:", f"superseded:{id}:~", 1000)}


@pytest.mark.parametrize("seed", range(6))
def test_phones_that_push_while_it_runs_end_with_one_version_that_holds_every_edit(
    couch: Couch, home: Database, seed: int
) -> None:
    """Any interleaving of pushes and runs: the last state is that of all versions merged, and nothing goes on for ever."""
    chance = random.Random(seed)
    base = first()
    push(home, base)
    heads = dict.fromkeys(("d1", "d2", "d3"), base)
    made = [base]
    for minute in range(1, 13):
        node = chance.choice(sorted(heads))
        if chance.random() < 0.4:
            heads[node] = home.get(base["_id"], revs=True)
        field = chance.choice(["contact_phone", "remark"])
        heads[node] = edited(heads[node], minute, node, **{field: f"{node} {minute}"})
        made.append(heads[node])
        push(home, heads[node])
        if chance.random() < 0.4:
            run(couch, NAME, batch=chance.choice([1, 500]))
    until_nothing_is_left(couch)
    doc = only(home, base["_id"])
    together = merge.merge([conflicts.content_of(one) for one in made])
    assert conflicts.content_of(doc) == together
    until_nothing_is_left(couch)
    assert only(home, base["_id"])["_rev"] == doc["_rev"]


def test_a_branch_that_cannot_be_read_is_left_for_another_time(couch: Couch, home: Database) -> None:
    base = first()
    row = {"id": base["_id"], "changes": [{"rev": "2-a"}, {"rev": "2-b"}], "leaves": [edited(base, 1, "d1", remark="x")]}
    with pytest.raises(Unreachable):
        conflicts.living(row)


def test_an_erased_file_stays_erased(couch: Couch, home: Database) -> None:
    base = first()
    one, two = edited(base, 1, "d1", contact_phone="1"), edited(base, 2, "d2", contact_phone="2")
    push(home, base, one, two)
    push(home, conflicts.tombstone(one), conflicts.tombstone(two))
    until_nothing_is_left(couch)
    assert home.find(base["_id"]) is None


def test_members_and_errands_are_merged_as_well(couch: Couch, home: Database) -> None:
    for type_, fields in (("member", {"phone": "1"}), ("errand", {"state": "done"})):
        base = first(type_)
        push(
            home,
            base,
            edited(base, 1, "d1", **fields),
            edited(base, 2, "d2", **({"relation": "母"} if type_ == "member" else {"item": "医保"})),
        )
        until_nothing_is_left(couch)
        doc = only(home, base["_id"])
        assert doc[next(iter(fields))] == next(iter(fields.values()))
