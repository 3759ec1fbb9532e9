"""Marks are made with the tests' secret; a store whose files can be looked at."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from server.erasure import marks
from sync.couch import Couch
from tests.conftest import running_store


@pytest.fixture(autouse=True)
def secret() -> None:
    marks.use("only for tests")


@pytest.fixture(scope="module")
def store_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the module's own store has its files."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="module")
def own_store(store_folder: Path) -> Iterator[str]:
    with running_store(store_folder) as url:
        yield url


@pytest.fixture(scope="module")
def couch(own_store: str) -> Couch:
    return Couch(own_store)
