"""Files and the photo records that name them, in every order: the named file is kept, another goes to a clerk, none is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from media import store
from media.errors import Refused
from server import photo_records, photos
from server.cases import intake
from server.domain.errors import Missing
from server.nudges import Nudges
from server.photos import Keeper
from sync.couch import Couch
from sync.databases import QUARANTINE, grid_db, media_db
from tests.conftest import GRID_A, GRID_B
from tests.media.photographs import camera_jpeg
from tests.records import AT, new_id, photo, with_rev
from tests.server.test_photos import known, upload

GRID_DB, MEDIA_DB = grid_db(GRID_A, "2026q4"), media_db(GRID_A[:9])
People = dict[str, dict[str, Any]]


class Photographs:
    """One photo, its true file and a false one, and the store they go to."""

    def __init__(self, couch: Couch, nudges: Nudges, folder: Path, people: People) -> None:
        self.couch, self._nudges, self._people = couch, nudges, people
        self.id = new_id("photo")
        self.true = upload(camera_jpeg(folder / "true.jpg", width=40, height=30), self.id)
        self.false = upload(camera_jpeg(folder / "false.jpg", width=50, height=30), self.id)

    def send(self, file: Any, who: str = "worker1") -> None:
        """As the last byte of an upload does."""
        asyncio.run(Keeper(self.couch, self._nudges).finish(file, known(self._people[who])))

    def record(self, database: str = GRID_DB, **fields: Any) -> None:
        """The record that names the true file arrives, and is not taken in yet."""
        self.couch.create(database, replicated=True)
        named = photo({"sent": self.true.sha256}, self.id, **fields)
        self.couch.database(database).bulk([with_rev(named)], new_edits=False)

    def take_in(self, database: str = GRID_DB) -> None:
        """Intake comes by."""
        intake.run(self.couch, database, AT)

    def doc(self) -> dict[str, Any]:
        """What is kept of the photo."""
        return self.couch.database(MEDIA_DB).get(self.id)

    def kept(self) -> bytes:
        """The bytes that are shown for it."""
        return self.couch.database(MEDIA_DB).attachment(self.id, "sent")

    def aside(self) -> list[tuple[str, str]]:
        """(hash, state) of what lies in quarantine."""
        entries = self.couch.database(QUARANTINE).range("refused:", "refused:\ufff0", 10)
        return sorted((entry["sha256"], entry["state"]) for entry in entries)


@pytest.fixture
def nudges() -> Iterator[Nudges]:
    made = Nudges("redis://127.0.0.1:1/0")
    yield made
    made.close()


@pytest.fixture
def one(couch: Couch, nudges: Nudges, tmp_path: Path, people: People) -> Photographs:
    for name in (QUARANTINE, MEDIA_DB, GRID_DB, grid_db(GRID_B, "2026q4")):
        couch.delete(name)
    couch.create(QUARANTINE, replicated=False)
    return Photographs(couch, nudges, tmp_path, people)


def test_a_file_before_its_record_is_seen_by_nobody_but_its_sender(one: Photographs, people: People) -> None:
    one.send(one.true)
    assert one.doc()["unclaimed_since"]
    assert photos.open_photo(one.couch, people["worker1"], one.id, "original")
    for who in ("triage1", "police1"):
        with pytest.raises(Missing):
            photos.open_photo(one.couch, people[who], one.id, "original")
    one.record()
    one.take_in()
    assert one.doc()["unclaimed_since"] is None
    for who in ("worker1", "triage1", "police1"):
        assert photos.open_photo(one.couch, people[who], one.id, "original")


def test_a_file_after_its_record_never_waits(one: Photographs) -> None:
    one.record()
    one.send(one.true)
    assert one.doc()["unclaimed_since"] is None


def test_a_file_the_record_does_not_name_goes_to_a_clerk(one: Photographs) -> None:
    one.record()
    with pytest.raises(Refused) as caught:
        one.send(one.false)
    assert (caught.value.code, caught.value.is_kept) == ("photo_conflict", True)
    assert one.aside() == [(one.false.sha256, "waiting")]
    one.send(one.true)
    assert one.kept() == one.true.path.read_bytes()


def test_a_false_file_that_came_first_makes_way_when_the_named_one_comes(one: Photographs) -> None:
    one.send(one.false)
    one.record()
    one.send(one.true)
    assert one.kept() == one.true.path.read_bytes()
    assert one.aside() == [(one.false.sha256, "waiting")]
    one.take_in()
    assert one.kept() == one.true.path.read_bytes()


def test_the_record_decides_between_two_files_that_came_before_it(one: Photographs) -> None:
    one.send(one.false)
    with pytest.raises(Refused):
        one.send(one.true)
    store.save_problem(one.couch.database(MEDIA_DB), one.id, "too_costly")
    one.record()
    for _ in range(2):
        one.take_in()
    assert one.kept() == one.true.path.read_bytes()
    assert sorted(one.aside()) == sorted([(one.false.sha256, "waiting"), (one.true.sha256, "adopted")])
    assert store.needs_sizes(one.doc())


def test_a_false_file_alone_is_put_aside_when_the_record_comes(one: Photographs) -> None:
    one.send(one.false)
    one.record()
    one.take_in()
    assert one.couch.database(MEDIA_DB).find(one.id) is None
    assert one.aside() == [(one.false.sha256, "waiting")]
    one.send(one.true)
    assert one.kept() == one.true.path.read_bytes()


def test_a_record_that_comes_while_the_file_is_stored_still_claims_it(one: Photographs, monkeypatch: pytest.MonkeyPatch) -> None:
    save = store.save_upload

    def save_slowly(*args: Any) -> bool:
        one.record()
        one.take_in()
        return save(*args)

    monkeypatch.setattr(store, "save_upload", save_slowly)
    one.send(one.true)
    assert one.doc()["unclaimed_since"] is None


def test_a_record_adopted_elsewhere_takes_its_waiting_file_along_but_nobody_elses(one: Photographs, people: People) -> None:
    elsewhere = grid_db(GRID_B, "2026q4")
    one.send(one.true)
    one.record(elsewhere, grid=GRID_B, author="worker2")
    one.take_in(elsewhere)
    assert one.doc()["database"] == GRID_DB
    one.couch.delete(elsewhere)
    one.record(elsewhere, grid=GRID_B)
    one.take_in(elsewhere)
    assert (one.doc()["database"], one.doc()["unclaimed_since"]) == (elsewhere, None)
    assert photos.open_photo(one.couch, people["worker2"], one.id, "original")


def test_the_same_file_sent_again_for_the_right_place_is_claimed_there(one: Photographs) -> None:
    one.send(one.true)
    elsewhere = grid_db(GRID_B, "2026q4")
    one.record(elsewhere, grid=GRID_B)
    one.send(upload(one.true.path, one.id, elsewhere))
    assert (one.doc()["database"], one.doc()["unclaimed_since"]) == (elsewhere, None)


def test_pages_without_photo_records_ask_nothing(one: Photographs) -> None:
    assert photo_records.settle_page(one.couch, GRID_DB, [{"id": "x", "doc": {"type": "report", "_id": "x"}}, {"id": "y"}]) == 0
