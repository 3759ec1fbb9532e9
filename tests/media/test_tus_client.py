"""The phone's own upload client against the endpoint, also over a link that breaks again and again."""

import json
import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.media.test_uploads import kept, sha256
from tests.media.upload_site import BASE, DATABASE, PHOTO, Phone


def send(url: str, path: Path, with_creation: bool = True, chunk_bytes: int = 64 * 1024) -> dict[str, Any]:
    """Send one file as the phone does; how it ended."""
    meta = {"photo": PHOTO, "role": "sent", "database": DATABASE, "sha256": sha256(path.read_bytes()), "filetype": "image/jpeg"}
    asked = {"endpoint": url + BASE, "token": "d1.worker1", "path": str(path), "metadata": meta}
    more = {"chunk_bytes": chunk_bytes, "with_creation": with_creation}
    command = ["node", str(ROOT / "tests/media/tus_client.mjs"), json.dumps(asked | more)]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, timeout=240, check=True).stdout))


class BreakingLink:
    """A TCP relay that carries up to `most_bytes` towards the server and then cuts, for its first `breaks` connections."""

    def __init__(self, url: str, breaks: int, most_bytes: int) -> None:
        self._server = ("127.0.0.1", int(url.rpartition(":")[2]))
        self._breaks, self._most_bytes, self._dice = breaks, most_bytes, random.Random(3)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.broken = 0

    def serve(self) -> None:
        """Relay until closed."""
        with suppress(OSError):
            while True:
                phone, _ = self._listener.accept()
                server = socket.create_connection(self._server)
                threading.Thread(target=relay, args=(server, phone, None), daemon=True).start()
                threading.Thread(target=self._carry, args=(phone, server), daemon=True).start()

    def _carry(self, phone: socket.socket, server: socket.socket) -> None:
        allowed = self._dice.randrange(1000, self._most_bytes) if self.broken < self._breaks else None
        if relay(phone, server, allowed):
            self.broken += 1

    def close(self) -> None:
        """Accept no more."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def relay(source: socket.socket, target: socket.socket, allowed: int | None) -> bool:
    """Carry bytes one way; True when it ended because no more were allowed."""
    carried = 0
    with suppress(OSError), source, target:
        while data := source.recv(4096):
            carried += len(data)
            if allowed is not None and carried > allowed:
                source.shutdown(socket.SHUT_RDWR)
                target.shutdown(socket.SHUT_RDWR)
                return True
            target.sendall(data)
    return False


@contextmanager
def breaking(url: str, breaks: int, most_bytes: int) -> Iterator[BreakingLink]:
    """A breaking link to the site."""
    link = BreakingLink(url, breaks, most_bytes)
    thread = threading.Thread(target=link.serve)
    thread.start()
    yield link
    link.close()
    thread.join()


@pytest.fixture
def path(photo_bytes: bytes, tmp_path: Path) -> Path:
    """The photo as a file."""
    one = tmp_path / "photo.jpg"
    one.write_bytes(photo_bytes)
    return one


@pytest.mark.parametrize("with_creation", [True, False])
@pytest.mark.parametrize("chunk_bytes", [64 * 1024, 2**30])
def test_a_photo_arrives(phone: Phone, path: Path, folder: Path, with_creation: bool, chunk_bytes: int) -> None:
    assert send(phone.url, path, with_creation, chunk_bytes)["is_done"]
    assert kept(folder) == {sha256(path.read_bytes())}


@pytest.mark.parametrize("with_creation", [True, False])
def test_a_phone_that_forgot_where_it_was_goes_on(phone: Phone, path: Path, folder: Path, with_creation: bool) -> None:
    data = path.read_bytes()
    phone.create(data, body=data[:70_000], filetype="image/jpeg")
    assert send(phone.url, path, with_creation)["is_done"]
    assert send(phone.url, path, with_creation)["is_done"]
    assert kept(folder) == {sha256(data)}
    assert len((folder / "finished.log").read_text().splitlines()) == 1


def test_what_is_no_picture_is_told_every_time(phone: Phone, tmp_path: Path, folder: Path) -> None:
    text = tmp_path / "photo.jpg"
    text.write_text("今天的巡查记录" * 50)
    for _ in range(2):
        assert send(phone.url, text) == {"is_done": False, "status": 422, "code": "not_an_image"}
    assert (folder / "quarantine" / sha256(text.read_bytes())).exists()


@pytest.mark.parametrize("with_creation", [True, False])
def test_a_link_that_breaks_again_and_again_still_gets_the_photo_through(
    phone: Phone, path: Path, folder: Path, with_creation: bool
) -> None:
    with breaking(phone.url, breaks=6, most_bytes=120_000) as link:
        assert send(link.url, path, with_creation)["is_done"]
    assert link.broken >= 3
    assert kept(folder) == {sha256(path.read_bytes())}
    assert len((folder / "finished.log").read_text().splitlines()) == 1
