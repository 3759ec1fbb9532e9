"""A grid's database in a store of its own, and a short way to push into it as the gateway does."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from server.nudges import Nudges
from sync.couch import Couch
from sync.database import Database
from sync.databases import cases_db, grid_db
from tests.conftest import GRID_A
from tests.records import AT, receipt, with_rev

GRID_DB = grid_db(GRID_A, "2026q4")
CASES_DB = cases_db(GRID_A[:9])
Push = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def grid(couch: Couch) -> Database:
    """An empty database of grid A, and no cases in its township."""
    couch.delete(CASES_DB)
    for name in couch.all_databases():
        if name.startswith(("grid-", "quarantine")):
            couch.delete(name)
    couch.create(GRID_DB, replicated=True)
    return couch.database(GRID_DB)


@pytest.fixture
def push(grid: Database) -> Push:
    """Stores documents with first revisions of their own, and the receipt, one second after they were captured."""

    def store(*docs: dict[str, Any], digest: str = "a" * 32, receipted: bool = True) -> list[dict[str, Any]]:
        assert grid.bulk([with_rev(doc, digest) for doc in docs], new_edits=False) == []
        if receipted:
            grid.bulk([receipt([doc["_id"] for doc in docs], AT + timedelta(seconds=1))])
        return list(docs)

    return store


@pytest.fixture
def no_broker() -> Iterator[Nudges]:
    """Nudges whose broker is dead."""
    nudges = Nudges("redis://127.0.0.1:1/0")
    yield nudges
    nudges.close()
