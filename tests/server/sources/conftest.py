"""A township with two grids that meet, a source of each kind that may write to it, and a clock of the tests' own."""

from typing import Any

import pytest

from server import reference
from server.nudges import Nudges
from server.sources import placing, store
from sync.couch import Couch
from sync.databases import SOURCES
from tests.conftest import GRID_A, GRID_B
from tests.records import AT

TOWNSHIP = GRID_A[:9]
SERVER_SECRET = "only for tests"
IN_A, IN_B, NOWHERE = (38.505, 106.105), (38.505, 106.115), (10.0, 10.0)
Document = dict[str, Any]


def square(west: float, east: float) -> dict[str, Any]:
    """A grid's outline: a hundredth of a degree each way."""
    ring = [[west, 38.50], [east, 38.50], [east, 38.51], [west, 38.51], [west, 38.50]]
    return {"type": "Polygon", "coordinates": [ring]}


def make_places(couch: Couch) -> None:
    """Two townships and the grids of the first."""
    docs: list[Document] = [
        {"_id": f"township:{code}", "type": "township", "v": 1, "code": code, "name": {"zh-CN": code, "en": code}}
        for code in (TOWNSHIP, "640105003")
    ]
    for code, outline in ((GRID_A, square(106.10, 106.11)), (GRID_B, square(106.11, 106.12))):
        community = {"code": code[:12], "name": "富宁社区"}
        head = {"_id": f"grid:{code}", "type": "grid", "v": 1, "code": code, "name": f"网格{code[-1]}", "community": community}
        docs.append(head | {"outline": outline, "centre": [38.505, 106.105], "valid_to": None})
    reference.write(couch, docs)
    placing._kept.clear()


def make_source(couch: Couch, id: str = "hotline-1", kind: str = "hotline", **fields: Any) -> tuple[Document, store.Keys]:
    """A source that may write to the township."""
    named = {"kind": kind, "name": "市 12345", "areas": [TOWNSHIP], "categories": {"井盖": "0101"}} | fields
    return store.add(couch, SERVER_SECRET, id, named, by="admin", now=AT)


@pytest.fixture
def places(couch: Couch) -> Couch:
    """The store with the places, and nothing of sources or cases."""
    for name in couch.all_databases():
        if name == SOURCES or name.startswith(("cases-", "grid-")):
            couch.delete(name)
    make_places(couch)
    return couch


@pytest.fixture
def quiet() -> Any:
    """Nudges whose broker is dead: nothing may depend on them."""
    nudges = Nudges("redis://127.0.0.1:1/0")
    yield nudges
    nudges.close()
