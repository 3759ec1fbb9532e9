"""Photos of refused records: they go where their record goes, only the file that the record names, and survive a kill."""

import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image

from media import store
from media.completion import Upload, Uploader
from media.inspect import read_facts
from media.tus import Meta
from server.domain.errors import InvalidInput
from server.quarantine import aging, entries, photos
from server.refused_files import put_aside
from sync.couch import Couch
from sync.databases import cases_db, media_db
from tests.conftest import GRID_A
from tests.records import new_id
from tests.server.quarantine.conftest import GRID_DB, NEW_DB, NOW, Desk, Document, Refuse, with_photos
from tests.server.quarantine.test_adopting import Killed, MortalCouch, cases

MEDIA = media_db(GRID_A[:9])


def jpeg(color: str = "red") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 48), color).save(buffer, "JPEG")
    return buffer.getvalue()


def upload(couch: Couch, tmp_path: Any, photo: str, data: bytes, **how: str) -> str:
    """A finished file put aside; its entry's id."""
    user, reason = how.get("user", "worker1"), how.get("reason", "not_grid_holder")
    path, digest = tmp_path / "file", hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    file = Upload(Meta(photo, "sent", GRID_DB, digest, "image/jpeg"), path, len(data), digest, "image/jpeg")
    put_aside(couch, file, Uploader("d1", user), reason)
    return entries.file_id(GRID_DB, photo, "sent", digest)


def kept(couch: Couch, photo: str) -> Document | None:
    """A photo's files, as they are kept to be shown."""
    return couch.database(MEDIA).find(photo) if MEDIA in couch.all_databases() else None


@pytest.mark.parametrize("home", [GRID_DB, NEW_DB])
def test_a_records_photos_go_where_it_goes(stored: Couch, desk: Desk, refuse: Refuse, tmp_path: Any, home: str) -> None:
    data = jpeg()
    docs = with_photos({"a": data})
    file = upload(stored, tmp_path, docs[1]["_id"], data)
    adopted = desk.adopt(refuse(*docs), home)
    there = stored.database(home).get(adopted["decision"]["id"])
    [photo] = there["photos"]
    record = stored.database(home).get(photo)
    assert (record["of"], record["grid"]) == (there["_id"], there["grid"])
    assert (photo == docs[1]["_id"]) is (home == GRID_DB)
    assert stored.database(MEDIA).attachment(photo, "sent") == data
    assert (kept(stored, photo) or {})["database"] == home
    [case] = cases(stored, GRID_DB, NEW_DB)
    assert case["photos"] == [photo]
    assert [desk.find(id)["state"] for id in (file, refused_photo(desk, docs[1]))] == ["adopted", "adopted"]


def refused_photo(desk: Desk, doc: Document) -> str:
    """The entry of a photo's record."""
    from server.quarantine import listing

    return next(entry["_id"] for entry in listing.about(desk.couch, [doc["_id"]], "worker1") if not entry["is_file"])


def test_a_file_that_its_record_does_not_name_stays_for_the_clerk(
    stored: Couch, desk: Desk, refuse: Refuse, tmp_path: Any
) -> None:
    docs = with_photos({"a": jpeg("red")})
    file = upload(stored, tmp_path, docs[1]["_id"], jpeg("blue"))
    desk.adopt(refuse(*docs))
    assert desk.find(file)["state"] == "waiting"
    assert kept(stored, docs[1]["_id"]) is None
    with pytest.raises(InvalidInput) as caught:
        desk.adopt(file)
    assert caught.value.fields == {"sha256": "mismatch"}


def test_a_file_that_comes_late_is_adopted_to_its_record(stored: Couch, desk: Desk, refuse: Refuse, tmp_path: Any) -> None:
    docs = with_photos({"a": jpeg()})
    file = upload(stored, tmp_path, new_id("photo"), jpeg())
    with pytest.raises(InvalidInput) as caught:
        desk.adopt(file)
    assert caught.value.fields == {"photo": "no_record"}
    adopted = desk.adopt(refuse(*docs), NEW_DB)
    late = desk.adopt(upload(stored, tmp_path, docs[1]["_id"], jpeg()))
    [photo] = stored.database(NEW_DB).get(adopted["decision"]["id"])["photos"]
    assert (late["state"], late["decision"]["id"]) == ("adopted", photo)
    assert stored.database(MEDIA).attachment(photo, "sent") == jpeg()


def test_a_file_that_comes_after_the_decision_goes_home_by_itself(
    stored: Couch, desk: Desk, refuse: Refuse, tmp_path: Any
) -> None:
    docs = with_photos({"a": jpeg("red"), "b": jpeg("blue")})
    adopted = desk.adopt(refuse(*docs), NEW_DB)
    late = upload(stored, tmp_path, docs[1]["_id"], jpeg("red"), reason="rescued")
    other = upload(stored, tmp_path, docs[2]["_id"], jpeg("green"), reason="rescued")
    aging.Aging().run(stored, desk.nudges, NOW)
    assert (desk.find(late)["state"], desk.find(late)["decision"]["by"]) == ("adopted", "server")
    assert desk.find(other)["state"] == "waiting"
    first = stored.database(NEW_DB).get(adopted["decision"]["id"])["photos"][0]
    assert stored.database(MEDIA).attachment(first, "sent") == jpeg("red")


def test_a_file_that_comes_the_ordinary_way_after_its_record_moved_follows_it(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    data = jpeg()
    docs = with_photos({"a": data})
    adopted = desk.adopt(refuse(*docs), NEW_DB)
    facts, digest = read_facts(data), docs[1]["files"][0]["sha256"]
    arrival = store.Arrival(docs[1]["_id"], "sent", GRID_DB, "d1", "worker1", digest, "image/jpeg", facts, NOW, is_claimed=False)
    store.save_upload(stored.database(MEDIA, create=True), arrival, data)
    for _ in range(2):
        photos.follow_moved(stored, desk.nudges, GRID_DB, docs[1]["_id"], "worker1")
    [photo] = stored.database(NEW_DB).get(adopted["decision"]["id"])["photos"]
    assert stored.database(MEDIA).attachment(photo, "sent") == data


def test_what_is_no_picture_is_not_adopted(stored: Couch, desk: Desk, refuse: Refuse, tmp_path: Any) -> None:
    docs = with_photos({"a": b"no picture"})
    file = upload(stored, tmp_path, docs[1]["_id"], b"no picture", reason="not_an_image")
    desk.adopt(refuse(*docs))
    assert desk.find(file)["state"] == "waiting"
    with pytest.raises(InvalidInput) as caught:
        desk.adopt(file)
    assert caught.value.fields == {"file": "not_an_image"}


def test_nobodys_photo_is_adopted_with_anothers_record(stored: Couch, desk: Desk, refuse: Refuse, tmp_path: Any) -> None:
    docs = with_photos({"a": jpeg()})
    theirs = upload(stored, tmp_path, docs[1]["_id"], jpeg(), user="police1")
    desk.adopt(refuse(*docs))
    assert desk.of("admin").find(theirs)["state"] == "waiting"
    assert kept(stored, docs[1]["_id"]) is None


def test_files_that_came_by_the_ordinary_way_follow_a_record_that_moves(stored: Couch, desk: Desk, refuse: Refuse) -> None:
    data = jpeg()
    docs = with_photos({"a": data})
    facts, digest = read_facts(data), docs[1]["files"][0]["sha256"]
    arrival = store.Arrival(docs[1]["_id"], "sent", GRID_DB, "d1", "worker1", digest, "image/jpeg", facts, NOW, is_claimed=False)
    store.save_upload(stored.database(MEDIA, create=True), arrival, data)
    adopted = desk.adopt(refuse(*docs), NEW_DB)
    [photo] = stored.database(NEW_DB).get(adopted["decision"]["id"])["photos"]
    assert stored.database(MEDIA).attachment(photo, "sent") == data
    assert (kept(stored, photo) or {})["database"] == NEW_DB


def test_a_kill_between_any_two_writes_loses_no_photo_and_doubles_none(
    stored: Couch, own_store: str, desk: Desk, refuse: Refuse, tmp_path: Any
) -> None:
    later, is_over, writes, made = NOW + timedelta(minutes=2), False, 0, []
    while not is_over:
        data = jpeg()
        docs = with_photos({"a": data, "b": data})
        for photo in docs[1:]:
            upload(stored, tmp_path, photo["_id"], data)
        id = refuse(*docs)
        try:
            desk._replace(couch=MortalCouch(own_store, writes)).adopt(id, NEW_DB)
            is_over = True
        except Killed:
            writes += 1
        for _ in range(2):
            aging.finish(stored, desk.nudges, later)
        if desk.find(id)["state"] == "waiting":
            desk.adopt(id, NEW_DB)
        made.append(desk.find(id)["decision"]["id"])
    assert writes > 12
    found = cases(stored, NEW_DB)
    assert sorted(case["reports"][0] for case in found) == sorted(made)
    photos = [photo for case in found for photo in case["photos"]]
    assert len(photos) == len(set(photos)) == 2 * len(made)
    assert all(stored.database(MEDIA).attachment(photo, "sent") == data for photo in photos)
    assert cases_db(GRID_A[:9]) in stored.all_databases()


def test_dismissing_a_record_dismisses_its_photos_and_reopening_reopens_them(
    stored: Couch, desk: Desk, refuse: Refuse, tmp_path: Any
) -> None:
    from server.quarantine import dismissing

    docs = with_photos({"a": jpeg()})
    file, id = upload(stored, tmp_path, docs[1]["_id"], jpeg()), refuse(*docs)
    desk.dismiss(id)
    all_of_it = [id, file, refused_photo(desk, docs[1])]
    assert {desk.find(one)["state"] for one in all_of_it} == {"dismissed"}
    dismissing.reopen(stored, desk.clerk, id, NOW)
    assert {desk.find(one)["state"] for one in all_of_it} == {"waiting"}
