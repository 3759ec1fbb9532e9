"""The resumable feed: nothing is passed over, whatever happens between reading and saving."""

import pytest

from sync import feed
from sync.couch import Couch
from sync.database import Database


@pytest.fixture
def database(couch: Couch, request: pytest.FixtureRequest) -> Database:
    name = request.node.name.replace("_", "-")
    couch.create(name, replicated=True)
    return couch.database(name)


def ids(batch: feed.Batch) -> list[str]:
    return [change["id"] for change in batch.changes]


def test_the_same_page_comes_again_until_it_is_saved(database: Database) -> None:
    database.bulk([{"_id": f"a{n}"} for n in range(5)])
    first = feed.read(database, "intake", batch=3)
    assert (ids(first), first.more) == (["a0", "a1", "a2"], True)
    assert ids(feed.read(database, "intake", batch=3)) == ids(first)
    feed.save(database, "intake", first.seq)
    second = feed.read(database, "intake", batch=3)
    assert (ids(second), second.more) == (["a3", "a4"], False)
    feed.save(database, "intake", second.seq)
    last = feed.read(database, "intake")
    assert (ids(last), last.more) == ([], False)


def test_a_look_ahead_saves_nothing_and_names_are_apart(database: Database) -> None:
    database.bulk([{"_id": f"a{n}"} for n in range(3)])
    first = feed.read(database, "intake", batch=1)
    assert ids(feed.read_after(database, first.seq)) == ["a1", "a2"]
    assert feed.checkpoint(database, "intake") is None
    feed.save(database, "intake", first.seq)
    assert ids(feed.read(database, "other", batch=1)) == ["a0"]


def test_saving_the_same_sequence_writes_nothing(database: Database) -> None:
    database.bulk([{"_id": "a"}])
    seq = feed.read(database, "intake").seq
    feed.save(database, "intake", seq)
    before = database.local_get("intake")
    feed.save(database, "intake", seq)
    assert database.local_get("intake") == before


def test_finishing_a_page_saves_it_even_when_another_reader_was_quicker(database: Database) -> None:
    database.bulk([{"_id": f"a{n}"} for n in range(4)])
    slow, quick = (feed.read(database, "intake", batch=2) for _ in range(2))
    feed.finish(database, "intake", quick)
    feed.finish(database, "intake", slow)
    assert feed.checkpoint(database, "intake") == slow.seq
    last = feed.read(database, "intake")
    assert ids(last) == ["a2", "a3"]
    feed.finish(database, "intake", last)
    before = database.local_get("intake")
    feed.finish(database, "intake", feed.read(database, "intake"))
    assert database.local_get("intake") == before


def test_every_leaf_of_a_conflict_comes_with_its_body(database: Database) -> None:
    revs = ["1-" + letter * 32 for letter in "ab"]
    database.bulk([{"_id": "x", "_rev": rev, "n": rev} for rev in revs], new_edits=False)
    database.bulk([{"_id": "y"}])
    changes = {change["id"]: change for change in feed.read(database, "intake", style="all_docs").changes}
    assert sorted(leaf["n"] for leaf in changes["x"]["leaves"]) == revs
    assert changes["x"]["leaves"][0]["_rev"] == changes["x"]["changes"][0]["rev"]
    assert [leaf["_id"] for leaf in changes["y"]["leaves"]] == ["y"]
