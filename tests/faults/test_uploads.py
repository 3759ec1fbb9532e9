"""Photos through the real server over real sockets while links, server, store and disk fail: nothing is lost or doubled."""

import base64
import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from media.sweep import sweep_expired
from sync.couch import Couch
from sync.databases import QUARANTINE, grid_db, media_db, quarter_at
from tests.conftest import GRID_B, wait_until
from tests.faults.upload_server import UploadServer, can_mount, paused
from tests.media.photographs import camera_jpeg
from tests.media.test_uploads import assert_problem
from tests.media.upload_site import TUS, Phone
from tests.records import new_id, photo, with_rev
from tests.server.web.site import make_people

pytestmark = pytest.mark.faults
# worker1 and worker2 share this grid.
DATABASE, MEDIA = grid_db(GRID_B, quarter_at(datetime.now(UTC))), media_db(GRID_B[:9])
CHUNK_BYTES = 64 * 1024
Sent = Callable[..., Any]


@pytest.fixture(scope="module")
def server(own_store: str, broker_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[UploadServer]:
    """One server for all; a test that kills it starts it again."""
    make_people(Couch(own_store))
    running = UploadServer(own_store, broker_url, tmp_path_factory.mktemp("uploads") / "data")
    running.start()
    yield running
    running.kill()


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A camera's JPEG of a few hundred kilobytes."""
    return camera_jpeg(tmp_path_factory.mktemp("photo") / "a.jpg", width=1600, height=1200).read_bytes()


@pytest.fixture(scope="module")
def other_file(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Another picture."""
    return camera_jpeg(tmp_path_factory.mktemp("photo") / "b.jpg", width=400, height=300).read_bytes()


@pytest.fixture(scope="module")
def one(server: UploadServer) -> Iterator[Phone]:
    """worker1's."""
    found = server.phone("worker1")
    yield found
    found.http.close()


@pytest.fixture(scope="module")
def two(server: UploadServer) -> Iterator[Phone]:
    """worker2's."""
    found = server.phone("worker2")
    yield found
    found.http.close()


def begin(phone: Phone, file: bytes, id: str, body: bytes | None = None) -> str:
    """Create the upload of a photo in the shared grid; where it is."""
    answer = phone.create(file, body=body, photo=id, database=DATABASE)
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def send_all(phone: Phone, file: bytes, id: str) -> int:
    """The whole photo in one request; the status it is answered with."""
    return phone.create(file, body=file, photo=id, database=DATABASE).status_code


def goes_on(phone: Phone, location: str, file: bytes) -> int:
    """Ask where the upload stands and send the rest; where it stood."""
    offset = phone.offset(location)
    if offset < len(file):
        answer = phone.send(location, offset, file[offset:])
        assert answer.status_code == 204, answer.text
    return offset


def is_stored(couch: Couch, id: str, file: bytes) -> bool:
    """Is this very file kept for the photo?"""
    return couch.database(MEDIA).attachment(id, "sent") == file


def aside(couch: Couch) -> list[tuple[str, str, str]]:
    """(photo, hash, reason) of the files in quarantine."""
    found = couch.database(QUARANTINE).range("refused:", "refused:\ufff0", 99) if QUARANTINE in couch.all_databases() else []
    return [(entry["document"]["_id"], entry["sha256"], entry["reason"]) for entry in found]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("how", ["cut", "silent"])
@pytest.mark.parametrize("place", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1234, -1])
def test_a_link_lost_anywhere_costs_nothing_that_had_arrived(
    server: UploadServer, one: Phone, couch: Couch, file: bytes, *, place: int, how: str
) -> None:
    sent, is_silent = place % len(file), how == "silent"
    id, before = new_id("photo"), server.received()
    location = begin(one, file, id)
    with one.half_open(location, 0, file[:sent], announced=len(file)):
        wait_until(lambda: server.received() - before == sent, what="all that was sent to be on disk")
        if is_silent:
            assert goes_on(one, location, file) == sent
    if not is_silent:
        assert goes_on(one, location, file) == sent
    assert is_stored(couch, id, file)


def test_an_answer_lost_after_the_last_byte_is_told_again(one: Phone, couch: Couch, file: bytes) -> None:
    id = new_id("photo")
    location = begin(one, file, id)
    with one.half_open(location, 0, file, announced=len(file)):
        wait_until(lambda: MEDIA in couch.all_databases() and couch.database(MEDIA).find(id), what="the file")
    assert one.offset(location) == len(file)
    assert send_all(one, file, id) == 201
    assert is_stored(couch, id, file)


def test_a_server_killed_within_a_chunk_has_every_byte_it_had_received(
    server: UploadServer, one: Phone, couch: Couch, file: bytes
) -> None:
    id, before = new_id("photo"), server.received()
    location = begin(one, file, id, body=file[:5000])
    with one.half_open(location, 5000, file[5000:90_001], announced=len(file) - 5000):
        wait_until(lambda: server.received() - before == 90_001, what="bytes on disk")
        server.restart()
    assert goes_on(one, location, file) == 90_001
    assert is_stored(couch, id, file)


def test_a_server_killed_between_the_last_byte_and_the_store_hands_the_file_over_after(
    server: UploadServer, one: Phone, couch: Couch, own_store: str, file: bytes
) -> None:
    id, before = new_id("photo"), server.received()
    location = begin(one, file, id)
    with one.half_open(location, 0, file[:-1], announced=len(file)) as link:
        # The store is asked whose token this is, unless that was known seconds ago: it stops only when bytes are taken.
        wait_until(lambda: server.received() - before == len(file) - 1, what="all bytes but the last on disk")
        with paused(pid_of_store(own_store)):
            link.sendall(file[-1:])
            wait_until(lambda: server.received() - before == len(file), what="the last byte on disk")
            server.kill()
    server.start()
    assert one.offset(location) == len(file)
    assert is_stored(couch, id, file)


def pid_of_store(url: str) -> int:
    """The process that listens where the store answers."""
    if os.environ.get("XUNGE_TEST_COUCHDB_URL"):
        pytest.skip("the store is not this test's to stop")
    port = int(url.rpartition(":")[2])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inode = next(row[9] for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "0A")
    for folder in Path("/proc").glob("[0-9]*/fd"):
        try:
            if any(str(link.readlink()) == f"socket:[{inode}]" for link in folder.iterdir()):
                return int(folder.parent.name)
        except OSError:
            continue
    raise AssertionError(f"nobody listens on {port}")


def test_two_devices_sending_the_same_file_make_one_photo(
    server: UploadServer, one: Phone, two: Phone, couch: Couch, file: bytes
) -> None:
    id, answers = new_id("photo"), []
    before = aside(couch)
    threads = [threading.Thread(target=lambda p=phone: answers.append(send_all(p, file, id))) for phone in (one, two)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [201, 201]
    assert is_stored(couch, id, file)
    assert list(couch.database(MEDIA).get(id)["files"]) == ["sent"]
    assert aside(couch) == before


def test_two_devices_sending_different_files_at_once_keep_both_one_of_them_for_a_clerk(
    one: Phone, two: Phone, couch: Couch, file: bytes, other_file: bytes
) -> None:
    id = new_id("photo")
    answers: dict[bytes, int] = {}
    pairs = [(one, file), (two, other_file)]
    threads = [threading.Thread(target=lambda p=p, f=f: answers.update({f: send_all(p, f, id)})) for p, f in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers.values()) == [201, 422]
    for data, status in answers.items():
        if status == 201:
            assert is_stored(couch, id, data)
        else:
            assert (id, sha256(data), "photo_conflict") in aside(couch)


def test_the_file_its_record_names_is_kept_though_a_false_one_came_first(
    one: Phone, two: Phone, couch: Couch, file: bytes, other_file: bytes
) -> None:
    id = new_id("photo")
    assert send_all(two, other_file, id) == 201
    couch.create(DATABASE, replicated=True)
    couch.database(DATABASE).bulk([with_rev(photo({"sent": sha256(file)}, id, grid=GRID_B))], new_edits=False)
    assert send_all(one, file, id) == 201
    assert is_stored(couch, id, file)
    assert (id, sha256(other_file), "photo_conflict") in aside(couch)
    assert send_all(two, other_file, new_id("photo")) == 201


def test_of_two_connections_writing_at_once_the_newer_goes_on_when_the_older_stalls(
    server: UploadServer, one: Phone, couch: Couch, file: bytes
) -> None:
    id, before = new_id("photo"), server.received()
    location = begin(one, file, id)
    with one.half_open(location, 0, file[:7000], announced=len(file)) as older:
        wait_until(lambda: server.received() - before == 7000, what="the older to write")
        assert one.send(location, 7000, file[7000:]).status_code == 204
        older.sendall(file[7000:8000])
    assert is_stored(couch, id, file)


def test_what_was_swept_is_begun_anew_and_arrives(server: UploadServer, one: Phone, couch: Couch, file: bytes) -> None:
    id = new_id("photo")
    location = begin(one, file, id, body=file[:1000])
    assert sweep_expired(server.data / "uploads", datetime.now(UTC) + timedelta(days=8)) >= 1
    assert one.http.head(location, headers=TUS).status_code == 404
    assert begin(one, file, id) == location
    assert goes_on(one, location, file) == 0
    assert is_stored(couch, id, file)


def test_a_damaged_chunk_is_dropped_and_a_damaged_file_is_never_kept(one: Phone, couch: Couch, file: bytes) -> None:
    id = new_id("photo")
    damaged = file[:9000] + bytes([file[9000] ^ 1]) + file[9001:]
    location = begin(one, file, id)
    checksum = "sha1 " + base64.b64encode(hashlib.sha1(file[:20_000]).digest()).decode()
    assert_problem(one.send(location, 0, damaged[:20_000], **{"Upload-Checksum": checksum}), 460, "checksum_mismatch")
    assert one.offset(location) == 0
    assert assert_problem(one.send(location, 0, damaged), 422, "hash_mismatch")["quarantined"] is False
    assert couch.database(MEDIA).find(id) is None
    assert begin(one, file, id) == location
    assert goes_on(one, location, file) == 0
    assert is_stored(couch, id, file)


@pytest.mark.skipif(not can_mount(), reason="this user may not make a small disk")
def test_a_full_disk_keeps_what_is_there_and_goes_on_when_there_is_room(
    own_store: str, broker_url: str, couch: Couch, file: bytes, server: UploadServer, *, tmp_path: Path
) -> None:
    small = UploadServer(own_store, broker_url, tmp_path / "data", disk_bytes=len(file) + 200_000)
    small.start()
    try:
        phone, id = small.phone("worker1"), new_id("photo")
        (small.disk / "ballast").write_bytes(bytes(300_000))
        location = begin(phone, file, id)
        answer = phone.send(location, 0, file)
        assert_problem(answer, 503, "storage_full")
        assert answer.headers["retry-after"]
        kept = phone.offset(location)
        assert 0 < kept < len(file)
        assert phone.offset(location) == kept
        assert_problem(phone.create(file, photo=new_id("photo"), database=DATABASE), 503, "storage_full")
        small.disk.joinpath("ballast").unlink()
        assert goes_on(phone, location, file) == kept
        assert is_stored(couch, id, file)
        phone.http.close()
    finally:
        small.kill()
