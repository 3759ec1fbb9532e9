"""What views and other readers get from a `Database`: changes in order, winners, and word of what was purged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.embedded.catalogue import Catalogue
from sync.embedded.database import Database
from sync.embedded.documents import read_draft
from sync.embedded.updates import edit, merge, purge

WAIT_S = 60


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    catalogue = Catalogue(tmp_path, lambda name: None)
    catalogue.create("a/b")
    yield catalogue.get("a/b")
    catalogue.close()


def put(database: Database, id_: str, **fields: object) -> str:
    draft = read_draft({"_id": id_, **fields}, is_replicated=False)
    (revision,) = database.write(lambda transaction: edit(transaction, [draft])).result(WAIT_S)
    assert isinstance(revision, str), revision
    return revision


def test_changes_come_once_a_document_at_its_last_change(database: Database) -> None:
    first = put(database, "a", v=1)
    put(database, "b", v=1)
    second = put(database, "a", _rev=first, v=2)
    rows = database.changes_rows(0, 10)
    assert [(row.seq, row.id) for row in rows] == [(2, "b"), (3, "a")]
    assert rows[1].body == {"_id": "a", "_rev": second, "v": 2}
    assert database.changes_rows(2, 10) == rows[1:]
    assert database.changes_rows(0, 1) == rows[:1]
    assert database.update_seq() == 3


def test_a_deleted_document_shows_without_its_body(database: Database) -> None:
    first = put(database, "a", secret="x")
    second = put(database, "a", _rev=first, _deleted=True, secret="y")
    (row,) = database.changes_rows(0, 10)
    assert (row.rev, row.deleted, row.body) == (second, True, {"_id": "a", "_rev": second, "_deleted": True})
    assert database.get_winner("a") is None


def test_a_purged_document_shows_as_deleted_so_that_indexes_forget_it(database: Database) -> None:
    first = put(database, "a", v=1)
    seen = database.update_seq()
    assert database.write(lambda transaction: purge(transaction, {"a": [first]})).result(WAIT_S) == {"a": [first]}
    (row,) = database.changes_rows(seen, 10)
    assert (row.id, row.deleted) == ("a", True)
    put(database, "a", v=2)
    assert [(row.id, row.deleted) for row in database.changes_rows(seen, 10)] == [("a", True), ("a", False)]


def test_winners_are_found_for_many_ids_at_once(database: Database) -> None:
    drafts = [
        read_draft({"_id": f"d{number:04}", "_rev": f"1-{digest * 32}", "v": digest}, is_replicated=True)
        for number in range(1200)
        for digest in "ab"
    ]
    database.write(lambda transaction: merge(transaction, drafts)).result(WAIT_S)
    ids = [f"d{number:04}" for number in range(1200)]
    found = database.get_winners([*ids, "nobody"])
    assert len(found) == 1201
    assert found["nobody"] is None
    assert {document["v"] for id_ in ids if (document := found[id_])} == {"b"}
