"""People with accounts, a grid's database, and things refused of a phone, for tests of what becomes of them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson
import pytest

from server import quarantine
from server.nudges import Nudges
from server.people import accounts
from server.quarantine import Refused, adopting, dismissing, listing
from server.quarantine.planning import Choice
from sync import databases
from sync.couch import Couch
from sync.databases import grid_db
from tests.conftest import GRID_A, GRID_B, GRID_ELSEWHERE
from tests.records import new_id, report, with_rev

Document = dict[str, Any]
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GRID_DB = grid_db(GRID_A, "2026q4")
NEW_DB = grid_db(GRID_B, "2026q4")
Refuse = Callable[..., str]


def account(name: str, role: str, **held: list[str]) -> Document:
    return accounts.make(name, [role], {"zh-CN": name, "en": name}, "a-test-password", **held)


@pytest.fixture
def stored(couch: Couch) -> Couch:
    """A store with the fixed people and nothing refused or decided: worker1 has moved from grid A to grid B."""
    for name in couch.all_databases():
        if not name.startswith("_"):
            couch.delete(name)
    period = {"grid": GRID_A, "from_at": "2026-01-01T00:00:00.000Z", "to_at": "2026-11-22T00:00:00.000Z"}
    people = [
        account("worker1", "worker", grids=[GRID_B]) | {"grid_periods": [period]},
        account("police1", "police", grids=[GRID_A]),
        account("triage1", "triage", townships=[GRID_A[:9]]),
        account("triage2", "triage", townships=[GRID_ELSEWHERE[:9]]),
        account("admin", "admin"),
    ]
    accounts.save_all(couch, people)
    couch.create(GRID_DB, replicated=True)
    return couch


@pytest.fixture
def nudges() -> Iterator[Nudges]:
    """Nobody listens: the sweep would find what these are about."""
    made = Nudges("redis://127.0.0.1:1/0")
    yield made
    made.close()


class Desk(NamedTuple):
    """A clerk at work: decides in a store, at one moment."""

    couch: Couch
    nudges: Nudges
    clerk: Document

    def adopt(self, id: str, database: str | None = None, corrected: Document | None = None, **rest: Any) -> Document:
        return adopting.adopt(self.couch, self.nudges, self.clerk, id, Choice(database, corrected), NOW, **rest)

    def dismiss(self, id: str, reason: str = "重复上报", **rest: Any) -> Document:
        return dismissing.dismiss(self.couch, self.clerk, id, reason, NOW, **rest)

    def find(self, id: str) -> Document:
        return listing.find(self.couch, self.clerk, id)

    def of(self, name: str) -> "Desk":
        """The same desk with somebody else at it."""
        return self._replace(clerk=accounts.find(self.couch, name))


@pytest.fixture
def desk(stored: Couch, nudges: Nudges) -> Desk:
    """triage1 at work."""
    return Desk(stored, nudges, accounts.find(stored, "triage1"))


@pytest.fixture
def refuse(stored: Couch) -> Refuse:
    """Has documents refused; the entry's id of the first."""

    def keep(
        *docs: Document, reason: str = "not_grid_holder", database: str = GRID_DB, user: str = "worker1", **fields: str
    ) -> str:
        refused = [Refused(doc, orjson.dumps(doc), reason, fields) for doc in docs]
        assert all(quarantine.keep_all(stored, database, "d1", "worker1", refused))
        found = listing.about(stored, [docs[0]["_id"]], "worker1")
        return next(entry["_id"] for entry in found if entry["about"]["id"] == docs[0]["_id"] and not entry["is_file"])

    return keep


def with_photos(data: dict[str, bytes] | None = None, **fields: Any) -> list[Document]:
    """A report and its photos' records, as a phone pushes them; `data` is each photo's file by its name."""
    import hashlib

    ids = {name: new_id("photo") for name in data or {}}
    doc = with_rev(report(photos=list(ids.values()), **fields))
    found = [doc]
    for name, content in (data or {}).items():
        file = {"role": "sent", "sha256": hashlib.sha256(content).hexdigest(), "size_bytes": len(content)}
        head = {part: doc[part] for part in ("v", "grid", "author", "device", "captured_at", "clock_offset_ms")}
        photo = {"_id": ids[name], "type": "photo", **head, "of": doc["_id"], "files": [file | {"content_type": "image/jpeg"}]}
        found.append(with_rev(photo))
    return found


def entries(couch: Couch) -> list[Document]:
    """Everything refused."""
    return couch.database(databases.QUARANTINE).range("refused:", "refused:\ufff0", 1000)
