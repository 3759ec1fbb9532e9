"""Photos on the server: who may upload where, where files end up, who may look; hostile files are kept for a clerk."""

import asyncio
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from media import derive, store
from media.completion import Upload
from media.errors import Refused, Unavailable
from media.inspect import read_any, sniff_any
from media.tus import Meta, Problem
from server import photos
from server.domain.errors import Missing
from server.nudges import Nudges
from server.photos import Gate, Keeper, KnownUploader
from sync.couch import Couch
from sync.databases import beat_db, grid_db, home_db, home_quarter_db, media_db
from sync.gateway import Holder, NotAdmitted, Rights
from sync.gateway import Unavailable as NobodyKnows
from tests import records
from tests.conftest import GRID_A, GRID_ELSEWHERE, person
from tests.media import recordings
from tests.media.photographs import as_bytes, camera_jpeg, scene
from tests.records import new_id
from worker.photos import make_sizes

GRID_DB = grid_db(GRID_A, "2026q4")
People = dict[str, dict[str, Any]]


class Policy:
    """The gateway's policy as far as uploads ask it."""

    def __init__(self, holder: Holder | Exception) -> None:
        self.holder = holder

    async def identify(self, token: str) -> Holder:
        if isinstance(self.holder, Exception):
            raise self.holder
        return self.holder


def known(who: dict[str, Any], **rights: Rights) -> KnownUploader:
    named = {name.replace("_", "-"): right for name, right in rights.items()}
    return KnownUploader("d1", who["name"], holder=Holder("d1", who["name"], named, who))


@pytest.fixture
def nudges() -> Iterator[Nudges]:
    made = Nudges("redis://127.0.0.1:1/0")
    yield made
    made.close()


@pytest.fixture
def stored(couch: Couch) -> Couch:
    couch.delete("quarantine")
    couch.delete(media_db(GRID_A[:9]))
    return couch


def upload(path: Path, photo: str, database: str = GRID_DB, problem: str | None = None, role: str = "sent") -> Upload:
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    meta = Meta(photo, role, database, sha256, "image/jpeg")
    facts = None if problem else read_any(path)
    return Upload(meta, path, path.stat().st_size, sha256, sniff_any(path), facts, problem)


def record_of(couch: Couch, photo: str, database: str = GRID_DB) -> None:
    """The photo's record, before its file."""
    couch.create(database, replicated=True)
    couch.database(database).put(records.photo({}, photo))


def keep(couch: Couch, nudges: Nudges, who: dict[str, Any], file: Upload) -> None:
    asyncio.run(Keeper(couch, nudges).finish(file, known(who)))


@pytest.mark.parametrize("header", [None, "", "Basic x", "Bearer", "Bearer  "])
def test_without_a_token_nobody_uploads(header: str | None, people: People) -> None:
    holder = Holder("d1", "worker1", {}, people["worker1"])
    assert asyncio.run(Gate(Policy(holder)).identify(header)) is None  # type: ignore[arg-type]


def test_a_revoked_token_is_told_as_such_and_a_dead_store_is_later() -> None:
    with pytest.raises(Problem) as refused:
        asyncio.run(Gate(Policy(NotAdmitted("token_revoked"))).identify("Bearer x"))  # type: ignore[arg-type]
    assert (refused.value.status, refused.value.code) == (401, "token_revoked")
    with pytest.raises(Unavailable):
        asyncio.run(Gate(Policy(NobodyKnows())).identify("Bearer x"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("who", "database", "is_stored"),
    [
        ("worker1", GRID_DB, True),
        ("worker1", grid_db(GRID_A, "2025q1"), True),
        ("worker1", home_quarter_db(GRID_A, "2026q4"), True),
        ("worker1", beat_db(GRID_A, "2026q4"), False),
        ("police1", beat_db(GRID_A, "2026q4"), True),
        ("police1", home_quarter_db(GRID_A, "2026q4"), False),
        ("worker2", GRID_DB, False),
        ("worker1", grid_db(GRID_ELSEWHERE, "2026q4"), False),
    ],
)
def test_a_photo_is_stored_where_its_record_may_be_pushed_and_else_waits_for_a_clerk(  # noqa: PLR0917
    stored: Couch, nudges: Nudges, people: People, tmp_path: Path, who: str, database: str, is_stored: bool
) -> None:
    gate, photo = Gate(Policy(NotAdmitted("unused"))), new_id("photo")  # type: ignore[arg-type]
    assert asyncio.run(gate.may_upload(known(people[who]), database, photo)) is None
    file = upload(camera_jpeg(tmp_path / "a.jpg", width=40, height=30), photo, database)
    if is_stored:
        keep(stored, nudges, people[who], file)
    else:
        with pytest.raises(Refused) as caught:
            keep(stored, nudges, people[who], file)
        assert (caught.value.code, caught.value.is_kept) == ("not_grid_holder", True)
        [entry] = stored.database("quarantine").range("refused:", "refused:\ufff0", 10)
        assert (entry["about"]["id"], entry["is_file"], entry["user"]) == (photo, True, who)
    assert (media_db(database.split("-")[1][:9]) in stored.all_databases()) is is_stored


@pytest.mark.parametrize("database", [home_db(GRID_A), "people", "../people"])
def test_where_no_photos_record_can_lie_none_is_uploaded(people: People, database: str) -> None:
    gate = Gate(Policy(NotAdmitted("unused")))  # type: ignore[arg-type]
    assert asyncio.run(gate.may_upload(known(people["worker1"]), database, new_id("photo"))) == "not_grid_holder"


def test_only_photos_are_uploaded(people: People) -> None:
    gate = Gate(Policy(NotAdmitted("unused")))  # type: ignore[arg-type]
    assert asyncio.run(gate.may_upload(known(people["worker1"]), GRID_DB, new_id("report"))) == "id_type_mismatch"


def test_a_finished_file_lies_in_its_townships_database(stored: Couch, nudges: Nudges, people: People, tmp_path: Path) -> None:
    photo, path = new_id("photo"), camera_jpeg(tmp_path / "a.jpg", width=400, height=300)
    for _ in range(2):
        keep(stored, nudges, people["worker1"], upload(path, photo))
    database = stored.database(media_db(GRID_A[:9]))
    doc = database.get(photo)
    assert (doc["database"], doc["author"], doc["derived"]) == (GRID_DB, "worker1", False)
    assert database.attachment(photo, "sent") == path.read_bytes()


def test_a_text_called_jpg_is_kept_in_quarantine_with_its_bytes(
    stored: Couch, nudges: Nudges, people: People, tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_text("no picture")
    photo = new_id("photo")
    for _ in range(2):
        keep(stored, nudges, people["worker1"], upload(path, photo, problem="not_an_image"))
    [entry] = stored.database("quarantine").range("refused:", "refused:\ufff0", 10)
    assert (entry["reason"], entry["user"], entry["device"]) == ("not_an_image", "worker1", "d1")
    assert stored.database("quarantine").attachment(entry["_id"], "file") == b"no picture"


def test_another_file_for_the_same_photo_goes_to_quarantine(
    stored: Couch, nudges: Nudges, people: People, tmp_path: Path
) -> None:
    photo = new_id("photo")
    first, second = camera_jpeg(tmp_path / "a.jpg", width=40, height=30), camera_jpeg(tmp_path / "b.jpg", width=50, height=30)
    keep(stored, nudges, people["worker1"], upload(first, photo))
    with pytest.raises(Refused) as caught:
        keep(stored, nudges, people["worker1"], upload(second, photo))
    assert caught.value.is_kept
    assert stored.database(media_db(GRID_A[:9])).attachment(photo, "sent") == first.read_bytes()


def test_with_the_store_down_the_phone_tries_again_later(nudges: Nudges, people: People, tmp_path: Path) -> None:
    path = camera_jpeg(tmp_path / "a.jpg", width=40, height=30)
    with pytest.raises(Unavailable):
        keep(Couch("http://a:b@127.0.0.1:1"), nudges, people["worker1"], upload(path, new_id("photo")))


def test_a_photo_is_shown_upright_and_bare_to_those_who_may_see_its_record(
    stored: Couch, nudges: Nudges, people: People, tmp_path: Path
) -> None:
    photo, path = new_id("photo"), camera_jpeg(tmp_path / "a.jpg", width=400, height=300, orientation=6)
    record_of(stored, photo)
    keep(stored, nudges, people["worker1"], upload(path, photo))
    with pytest.raises(Missing):
        photos.open_photo(stored, people["triage1"], photo, "thumb")
    store.save_sizes(stored.database(media_db(GRID_A[:9])), photo, derive.derive(path))
    for who in ("triage1", "worker1", "police1"):
        for size in ("original", "screen", "thumb"):
            data, content_type, _ = photos.open_photo(stored, people[who], photo, size)
            shown = Image.open(io.BytesIO(data))
            assert (content_type, shown.width < shown.height, len(shown.getexif())) == ("image/jpeg", True, 0)
    elsewhere = person("triage2", "triage", "", "", townships=[GRID_ELSEWHERE[:9]])
    for stranger in (people["worker2"], elsewhere):
        with pytest.raises(Missing):
            photos.open_photo(stored, stranger, photo, "thumb")


@pytest.mark.parametrize("kind", ["webm", "mp4", "ogg"])
def test_a_voice_note_is_kept_as_it_is_and_played_to_those_who_may_see_its_record(
    stored: Couch, nudges: Nudges, people: People, tmp_path: Path, kind: str
) -> None:
    photo, path, sound = new_id("photo"), tmp_path / "voice", getattr(recordings, kind)()
    path.write_bytes(sound)
    record_of(stored, photo)
    keep(stored, nudges, people["worker1"], upload(path, photo))
    for who in ("triage1", "worker1"):
        assert photos.open_photo(stored, people[who], photo, "voice")[:2] == (sound, f"audio/{kind}")
    for size in ("original", "screen", "thumb"):  # it is no picture
        with pytest.raises(Missing):
            photos.open_photo(stored, people["triage1"], photo, size)
    with pytest.raises(Missing):
        photos.open_photo(stored, people["worker2"], photo, "voice")
    assert not store.needs_sizes(stored.database(media_db(GRID_A[:9])).get(photo))


def test_a_picture_is_no_voice_note(stored: Couch, nudges: Nudges, people: People, tmp_path: Path) -> None:
    photo = new_id("photo")
    record_of(stored, photo)
    keep(stored, nudges, people["worker1"], upload(camera_jpeg(tmp_path / "a.jpg", width=40, height=30), photo))
    with pytest.raises(Missing):
        photos.open_photo(stored, people["triage1"], photo, "voice")


def test_an_iphones_photo_is_kept_byte_for_byte_as_evidence_and_gets_its_sizes(
    stored: Couch, nudges: Nudges, people: People, tmp_path: Path
) -> None:
    photo, path = new_id("photo"), tmp_path / "a.heic"
    path.write_bytes(as_bytes(scene(400, 300), "HEIF"))
    record_of(stored, photo)
    keep(stored, nudges, people["worker1"], upload(path, photo, role="original"))
    database = stored.database(media_db(GRID_A[:9]))
    assert database.attachment(photo, "original") == path.read_bytes()
    assert make_sizes(stored, nudges, media_db(GRID_A[:9]), photo)
    for size, width in (("screen", 400), ("thumb", 320)):
        shown = Image.open(io.BytesIO(photos.open_photo(stored, people["triage1"], photo, size)[0]))
        assert (shown.format, shown.width) == ("JPEG", width)


def test_a_beats_photo_is_not_shown_at_the_desk_nor_to_workers(
    stored: Couch, nudges: Nudges, people: People, tmp_path: Path
) -> None:
    photo, path = new_id("photo"), camera_jpeg(tmp_path / "a.jpg", width=400, height=300)
    record_of(stored, photo, beat_db(GRID_A, "2026q4"))
    keep(stored, nudges, people["police1"], upload(path, photo, beat_db(GRID_A, "2026q4")))
    assert photos.open_photo(stored, people["police1"], photo, "original")
    for who in ("triage1", "worker1"):
        with pytest.raises(Missing):
            photos.open_photo(stored, people[who], photo, "original")


def test_a_file_whose_photo_was_erased_while_it_came_is_kept_nowhere(
    stored: Couch, nudges: Nudges, people: People, tmp_path: Path
) -> None:
    photo, path = new_id("photo"), camera_jpeg(tmp_path / "a.jpg", width=400, height=300)
    keeper = Keeper(stored, nudges, lambda id: id == photo)
    with pytest.raises(Refused) as caught:
        asyncio.run(keeper.finish(upload(path, photo), known(people["worker1"])))
    assert (caught.value.code, caught.value.is_kept) == ("erased_id", True), "dealt with: nobody sends it again"
    assert stored.info([media_db(GRID_A[:9]), "quarantine"]) == {media_db(GRID_A[:9]): None, "quarantine": None}
