"""A database with one design document, asked directly: no HTTP, but real files, threads and mapper processes."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync.embedded import views
from sync.embedded.catalogue import Catalogue
from sync.embedded.database import Database
from sync.embedded.documents import read_draft
from sync.embedded.refusals import Refusal
from sync.embedded.updates import edit
from sync.embedded.views.pool import Pool

WAIT_S = 60
BY_KEY = "function (doc) { if (doc.k !== undefined) emit(doc.k, doc.v); }"


class Shelf:
    """A database `x`, the design document in use, and shorthands to write and ask."""

    def __init__(self, folder: Path) -> None:
        self.catalogue = Catalogue(folder, lambda name: None, views.forget)
        self.catalogue.create("x")
        self.design: dict[str, Any] = {"_id": "_design/d", "views": {"v": {"map": BY_KEY}}}
        self._revisions: dict[str, str] = {}

    @property
    def database(self) -> Database:
        return self.catalogue.get("x")

    @property
    def folder(self) -> Path:
        return self.database.path.with_name(self.database.path.name + ".views")

    def put(self, *docs: dict[str, Any]) -> None:
        """Create or update documents."""
        known = [{**doc, **({"_rev": self._revisions[doc["_id"]]} if doc["_id"] in self._revisions else {})} for doc in docs]
        drafts = [read_draft(doc, is_replicated=False) for doc in known]
        written = self.database.write(lambda transaction: edit(transaction, drafts)).result(WAIT_S)
        for doc, revision in zip(docs, written, strict=True):
            assert not isinstance(revision, Refusal), revision
            self._revisions[doc["_id"]] = revision

    def delete(self, id_: str) -> None:
        self.put({"_id": id_, "_deleted": True})
        del self._revisions[id_]

    def define(self, map_: str, reduce: str | None = None) -> None:
        """Replace the design document by one with this view `v`."""
        self.design["views"] = {"v": {"map": map_} | ({"reduce": reduce} if reduce else {})}

    def ask(self, view: str = "v", body: dict[str, Any] | None = None, **params: str) -> dict[str, Any]:
        status, answer = asyncio.run(views.query(self.database, self.design, view, params, body))
        assert status == 200
        return answer

    def ids(self, **params: str) -> list[str]:
        return [row["id"] for row in self.ask(**params)["rows"]]

    def values(self, **params: str) -> list[Any]:
        """[key, value] of a reduce query's rows."""
        return [[row["key"], row["value"]] for row in self.ask(**params)["rows"]]


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    shelf = Shelf(tmp_path)
    yield shelf
    shelf.catalogue.close()


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()
