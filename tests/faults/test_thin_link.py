"""A batch of photos over a thin link that breaks: all arrive whole, and hardly a byte is sent twice. The phone's own code sends.

The link and the phone's patience run faster alike, so that as many bytes are under way when it breaks as on a real one; what is
measured, and how, is `tests/bench/uploads.py`.
"""

import hashlib
import time
from pathlib import Path

import pytest

from sync.couch import Couch
from sync.databases import media_db
from tests.bench.uploads import BAR, DELAY_S, make_photos, report, send
from tests.faults.audit import TOWNSHIP
from tests.media.thin_link import Weather, thin_link
from tests.phones import SimulatedPhone
from tests.running import RunningSystem

pytestmark = pytest.mark.faults
RATE_BYTES = 20_000
DROP_SHARE = 0.2


def send_batch(system: RunningSystem, folder: Path, count: int, size_bytes: int, faster: int) -> None:
    """So many photos from one phone; then the store is asked for every file."""
    folder.mkdir()
    payload_bytes = make_photos(folder, count, size_bytes)
    phone = SimulatedPhone(system.url, "worker1").enrol()
    with thin_link(system.url, Weather(RATE_BYTES * faster, DELAY_S / faster, DROP_SHARE)) as link:
        began = time.perf_counter()
        said = send(link, phone, folder, faster)
        took_s = time.perf_counter() - began
    print()
    share = report(link.counted, payload_bytes, took_s, said, faster)
    sent = {hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    kept = kept_files(Couch(system.store_url()))
    lost, doubled = len(sent - set(kept)), len(kept) - len(set(kept))
    print(f"{len(sent)} photos over a thin link: {lost} lost, {doubled} doubled; {share:.2%} of the bytes sent again", flush=True)
    assert (said["refused"], lost, doubled) == ([], 0, 0)
    assert link.counted.drops, "the link never broke; nothing is shown"
    assert share < BAR


def kept_files(couch: Couch) -> list[str]:
    """The hashes of all photo files of the township."""
    database = couch.database(media_db(TOWNSHIP))
    photos = [doc["_id"] for doc in database.range("photo:", "photo:\uffff", 10_000)]
    return [hashlib.sha256(database.attachment(photo, "sent")).hexdigest() for photo in photos]


def test_photos_over_a_thin_link_are_hardly_sent_twice(system: RunningSystem, tmp_path: Path) -> None:
    send_batch(system, tmp_path / "photos", 12, 200_000, 20)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_hundred_photos_over_a_thin_link_are_hardly_sent_twice(system: RunningSystem, tmp_path: Path) -> None:
    send_batch(system, tmp_path / "photos", 100, 300_000, 20)
