"""What the fault tests share: a whole system of a test's own, on its own store or on the CouchDB that the environment names."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.couch import Couch
from tests.running import RunningSystem


@pytest.fixture
def outside_store() -> dict[str, str]:
    """The environment that has a system use the given CouchDB, emptied of our databases; nothing when none is given."""
    given = os.environ.get("XUNGE_TEST_COUCHDB_URL", "").rstrip("/")
    if not given:
        return {}
    couch = Couch(given)
    for name in couch.all_databases():
        if not name.startswith("_"):
            couch.delete(name)
    return {"XUNGE_COUCHDB_URL": given}


@pytest.fixture
def system(tmp_path: Path, outside_store: dict[str, str]) -> Iterator[RunningSystem]:
    """A running system that looks for missed things every five seconds, so that tests need not wait a minute."""
    running = RunningSystem(tmp_path / "var", XUNGE_SWEEP_S="5", **outside_store).start()
    try:
        yield running
    finally:
        running.stop()
