"""Keeping photos in a real store: once, whole, and findable again."""

import hashlib
import threading
from datetime import UTC, datetime

import pytest

from media import store
from media.derive import derive
from media.errors import PhotoConflict
from media.inspect import read_facts
from media.store import Arrival, needs_sizes, save_problem, save_sizes, save_upload
from sync.couch import Couch
from sync.database import Database
from tests.media.photographs import TAKEN_AT, as_bytes, camera_exif, scene, sensed

PHOTO = "photo:01936b00-0000-7000-8000-000000000001"
RECEIVED_AT = datetime(2026, 11, 23, 8, 5, tzinfo=UTC)


@pytest.fixture
def db(couch: Couch) -> Database:
    """An empty media database."""
    couch.delete("media-640105002")
    couch.create("media-640105002", replicated=False)
    return couch.database("media-640105002")


def arrive(data: bytes, role: str = "sent") -> Arrival:
    """A proven upload of worker1's."""
    facts, sha256 = read_facts(data), hashlib.sha256(data).hexdigest()
    grid = "grid-640105002001001-2026q4"
    return Arrival(PHOTO, role, grid, "d1", "worker1", sha256, facts.content_type, facts, RECEIVED_AT)


def keep(db: Database, data: bytes, role: str = "sent") -> bool:
    """Save one file as the server does."""
    return save_upload(db, arrive(data, role), data)


def read(db: Database, size: str) -> tuple[bytes, str, str]:
    """What is kept under a size, which must be there."""
    found = store.open(db, PHOTO, size)
    assert found is not None, f"no {size}"
    return found


def camera_bytes() -> bytes:
    """A turned photo with time and place."""
    return as_bytes(sensed(400, 300, 6), "JPEG", exif=camera_exif(6, 38.5, 106.1, TAKEN_AT))


def test_a_photo_is_kept_with_what_is_known_of_it(db: Database) -> None:
    data = camera_bytes()
    assert keep(db, data)
    doc = db.get(PHOTO)
    facts = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "content_type": "image/jpeg",
        "width_px": 300,
        "height_px": 400,
    }
    assert doc["files"] == {"sent": facts}
    assert (doc["type"], doc["author"], doc["device"]) == ("media", "worker1", "d1")
    assert doc["taken_at"] == "2026-11-23T08:00:05.000Z"
    assert doc["received_at"] == "2026-11-23T08:05:00.000Z"
    assert doc["place"] == {"lat": 38.5, "lon": 106.1, "datum": "WGS84"}
    assert needs_sizes(doc)
    assert read(db, "sent")[0] == data


def test_the_same_file_again_changes_nothing(db: Database) -> None:
    data = camera_bytes()
    keep(db, data)
    before = db.get(PHOTO)
    assert not keep(db, data)
    assert db.get(PHOTO) == before


def test_another_file_for_the_same_photo_is_refused_and_the_first_stays(db: Database) -> None:
    data = camera_bytes()
    keep(db, data)
    with pytest.raises(PhotoConflict):
        keep(db, as_bytes(scene(64, 48), "PNG"))
    assert read(db, "sent")[0] == data


def test_an_original_joins_what_was_sent_and_brings_time_and_place(db: Database) -> None:
    keep(db, as_bytes(scene(64, 48), "JPEG"))
    assert db.get(PHOTO)["place"] is None
    original = camera_bytes()
    assert keep(db, original, role="original")
    doc = db.get(PHOTO)
    assert set(doc["files"]) == {"sent", "original"}
    assert doc["place"]["lat"] == 38.5
    assert read(db, "original")[:2] == (original, "image/jpeg")


def test_sizes_are_kept_once_beside_the_file(db: Database) -> None:
    data = camera_bytes()
    keep(db, data)
    assert store.open(db, PHOTO, "thumb") is None
    sizes = derive(data)
    assert save_sizes(db, PHOTO, sizes)
    assert not save_sizes(db, PHOTO, sizes)
    doc = db.get(PHOTO)
    assert not needs_sizes(doc)
    assert doc["sizes"] == {"screen": {"width_px": 300, "height_px": 400}, "thumb": {"width_px": 240, "height_px": 320}}
    data_and_type = read(db, "thumb")
    assert data_and_type[:2] == (sizes.thumb, "image/jpeg")
    assert read(db, "screen")[0] == sizes.screen
    assert read(db, "sent")[0] == data


def test_a_digest_changes_with_the_bytes_only(db: Database) -> None:
    data = camera_bytes()
    keep(db, data)
    first = read(db, "sent")[2]
    save_sizes(db, PHOTO, derive(data))
    assert read(db, "sent")[2] == first
    assert read(db, "thumb")[2] != first


def test_original_falls_back_to_what_was_sent_and_back(db: Database) -> None:
    data = camera_bytes()
    keep(db, data)
    assert read(db, "original")[0] == data
    keep(db, data, role="original")
    assert store.open(db, "photo:unknown", "original") is None


def test_what_cannot_be_derived_is_not_tried_for_ever(db: Database) -> None:
    keep(db, camera_bytes())
    assert save_problem(db, PHOTO, "image_truncated")
    assert not save_problem(db, PHOTO, "image_truncated")
    assert not needs_sizes(db.get(PHOTO))


def test_sizes_of_a_photo_gone_are_not_an_error(db: Database) -> None:
    assert not save_sizes(db, PHOTO, derive(camera_bytes()))


def test_saving_from_many_sides_at_once_keeps_everything(db: Database, own_store: str) -> None:
    data = camera_bytes()
    kept: list[bool] = []

    def save(role: str) -> None:
        kept.append(save_upload(Couch(own_store).database(db.name), arrive(data, role), data))

    threads = [threading.Thread(target=save, args=(role,)) for role in ("sent", "original") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(kept) == [False] * 6 + [True] * 2
    assert set(db.get(PHOTO)["files"]) == {"sent", "original"}


def test_the_largest_original_is_kept_in_one_write(db: Database) -> None:
    arrival = arrive(camera_bytes(), role="original")
    data = bytes(25 * 2**20)
    assert save_upload(db, arrival, data)
    assert db.get(PHOTO)["_rev"].startswith("1-")
    assert read(db, "original")[0] == data


def test_a_file_taken_out_leaves_the_other_whose_sizes_are_made_anew(db: Database) -> None:
    sent, original = as_bytes(scene(64, 48), "JPEG"), camera_bytes()
    keep(db, sent)
    keep(db, original, "original")
    save_sizes(db, PHOTO, derive(sent))
    sha256 = hashlib.sha256(sent).hexdigest()
    assert not store.take_out(db, PHOTO, "sent", "0" * 64), "another file than was meant"
    assert store.take_out(db, PHOTO, "sent", sha256)
    assert needs_sizes(db.get(PHOTO))
    assert store.open(db, PHOTO, "thumb") is None
    assert read(db, "original")[0] == original
    assert not store.take_out(db, PHOTO, "sent", sha256)


def test_taking_the_only_file_out_removes_the_photo_and_it_may_come_again(db: Database) -> None:
    data = camera_bytes()
    keep(db, data)
    assert store.take_out(db, PHOTO, "sent", hashlib.sha256(data).hexdigest())
    assert db.find(PHOTO) is None
    assert keep(db, data)
    assert read(db, "sent")[0] == data
