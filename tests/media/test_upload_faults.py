"""Uploads when links break, servers die, disks fill and two requests want the same file: real processes, real sockets."""

import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from media.uploads import Limits
from tests.conftest import ROOT, wait_for_line, wait_until
from tests.media.test_uploads import assert_problem, kept, sha256
from tests.media.upload_site import BASE, TUS, Phone, metadata, serving

CHUNK_BYTES = 256 * 1024


class Site:
    """The upload site as a process; `restart` kills it without warning first."""

    def __init__(self, folder: Path, *more: str) -> None:
        self.folder, self._more = folder, more
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "tests.media.upload_site", str(self.folder), *self._more]
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        self.url = wait_for_line(self.process, "ready ").split()[1]
        wait_until(lambda: is_serving(self.url), what="the site")

    def kill(self) -> None:
        if self.process and self.process.stdout:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()

    def restart(self) -> None:
        self.kill()
        self.start()

    def limit_file_size(self, size_bytes: int) -> None:
        """From now on no file of the site may grow beyond this: a disk that is full just there."""
        assert self.process
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))


def is_serving(url: str) -> bool:
    """Does it answer?"""
    phone = Phone(url)
    try:
        return phone.http.options("/api/uploads").status_code == 204
    except httpx.TransportError:
        return False
    finally:
        phone.http.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Site]]:
    """Starts sites that share one folder; all are gone after the test."""
    sites: list[Site] = []

    def start_one(*more: str) -> Site:
        sites.append(Site(tmp_path, *more))
        sites[-1].start()
        return sites[-1]

    yield start_one
    for site in sites:
        site.kill()


@contextmanager
def phones(*urls: str) -> Iterator[list[Phone]]:
    """The same device talking to several servers."""
    with ExitStack() as stack:
        yield [stack.enter_context(closing_phone(url)) for url in urls]


@contextmanager
def closing_phone(url: str) -> Iterator[Phone]:
    """A phone whose connections end."""
    phone = Phone(url)
    yield phone
    phone.http.close()


def on_disk(folder: Path) -> int:
    """Bytes of unfinished uploads."""
    return sum(part.stat().st_size for part in folder.rglob("*.part"))


BOUNDARIES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, -1]


@pytest.mark.parametrize("sent", BOUNDARIES)
def test_a_link_that_falls_silent_anywhere_costs_no_byte(phone: Phone, photo_bytes: bytes, folder: Path, sent: int) -> None:
    assert len(photo_bytes) > CHUNK_BYTES + 1000
    sent = len(photo_bytes) - 1 if sent == -1 else sent
    location = phone.create(photo_bytes).headers["location"]
    with phone.half_open(location, 0, photo_bytes[:sent], announced=len(photo_bytes)):
        wait_until(lambda: on_disk(folder) == sent, what="all that was sent to be on disk")
        told = phone.send(location, sent, photo_bytes[sent:])
    assert told.status_code == 204, told.text
    assert kept(folder) == {sha256(photo_bytes)}


@pytest.mark.parametrize("sent", BOUNDARIES)
def test_a_link_cut_anywhere_leaves_a_true_offset(phone: Phone, photo_bytes: bytes, folder: Path, sent: int) -> None:
    sent = len(photo_bytes) - 1 if sent == -1 else sent
    location = phone.create(photo_bytes).headers["location"]
    phone.break_off(location, 0, photo_bytes[:sent], announced=len(photo_bytes))
    offset = settle(phone, location)
    # What the web server had read from the socket but not yet handed over is lost with the connection.
    assert offset <= sent
    assert phone.send(location, offset, photo_bytes[offset:]).status_code == 204
    assert kept(folder) == {sha256(photo_bytes)}


def test_a_lost_answer_to_the_last_byte_is_asked_for_again(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    location = phone.create(photo_bytes).headers["location"]
    with phone.half_open(location, 0, photo_bytes, announced=len(photo_bytes)):
        wait_until(lambda: kept(folder), what="the file")
    assert phone.offset(location) == len(photo_bytes)
    assert phone.create(photo_bytes).headers["upload-offset"] == str(len(photo_bytes))
    assert len((folder / "finished.log").read_text().splitlines()) == 1


def test_asking_while_the_file_is_being_handed_over_waits_for_that(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    (folder / "trouble").write_text("slow")
    location = phone.create(photo_bytes).headers["location"]
    with phone.half_open(location, 0, photo_bytes, announced=len(photo_bytes)):
        parts = folder / "partial"
        wait_until(lambda: any(p.stat().st_size == len(photo_bytes) for p in parts.rglob("*.part")), what="the last byte")
        assert phone.offset(location) == len(photo_bytes)
    assert len((folder / "finished.log").read_text().splitlines()) == 1


def test_a_file_begun_long_ago_is_not_read_from_its_start_again(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    data = photo_bytes * 3
    begun = len(data) - 200_000
    phone.create(data, body=data[:begun])
    link = socket.create_connection(("127.0.0.1", int(phone.url.rpartition(":")[2])))
    with link:
        lines = {**TUS, "Content-Type": "application/offset+octet-stream", "Upload-Length": str(len(data)), "Host": "x"}
        lines |= {"Authorization": phone.http.headers["Authorization"], "Upload-Metadata": metadata(data)}
        head = "".join(f"{name}: {value}\r\n" for name, value in {**lines, "Content-Length": str(len(data))}.items())
        link.sendall(f"POST {BASE} HTTP/1.1\r\n{head}\r\n".encode() + data[:30_000])
        answer = link.recv(65536).decode().lower()
    assert "http/1.1 201" in answer
    assert f"upload-offset: {begun}" in answer
    assert "connection: close" in answer


def test_a_refusal_of_a_body_still_to_come_ends_the_connection(phone: Phone, photo_bytes: bytes) -> None:
    location = phone.create(photo_bytes).headers["location"]
    with phone.half_open(location, 5, photo_bytes[:30_000], announced=len(photo_bytes) - 5) as link:
        answer = link.recv(65536).decode().lower()
    assert "http/1.1 409" in answer
    assert "connection: close" in answer
    assert phone.send(location, 5, photo_bytes[:100]).headers.get("connection") != "close", "a short rest is read away instead"


def test_a_server_killed_mid_chunk_goes_on_where_it_was(start: Callable[..., Site], photo_bytes: bytes, tmp_path: Path) -> None:
    site = start()
    with phones(site.url) as [phone]:
        location = phone.create(photo_bytes, body=photo_bytes[:5000]).headers["location"]
        part = tmp_path / "partial"
        with phone.half_open(location, 5000, photo_bytes[5000:-100], announced=len(photo_bytes) - 5000):
            wait_until(lambda: sum(path.stat().st_size for path in part.rglob("*.part")) > 5000, what="bytes on disk")
            site.restart()
    with phones(site.url) as [phone]:
        offset = phone.offset(location)
        assert 5000 < offset <= len(photo_bytes) - 100
        assert phone.send(location, offset, photo_bytes[offset:]).status_code == 204
    assert kept(tmp_path) == {sha256(photo_bytes)}


def test_a_server_killed_before_it_handed_the_file_over_hands_it_over_after(
    start: Callable[..., Site], photo_bytes: bytes, tmp_path: Path
) -> None:
    site = start()
    (tmp_path / "trouble").write_text("unavailable")
    with phones(site.url) as [phone]:
        location = phone.create(photo_bytes, body=photo_bytes).headers["location"]
    (tmp_path / "trouble").unlink()
    site.restart()
    with phones(site.url) as [phone]:
        assert phone.offset(location) == len(photo_bytes)
    assert kept(tmp_path) == {sha256(photo_bytes)}


def test_two_servers_never_write_to_one_upload_at_once(start: Callable[..., Site], photo_bytes: bytes, tmp_path: Path) -> None:
    # A busy machine keeps a sender from sending, now and then, for longer than a silent one is usually waited for.
    with phones(start("2").url, start("2").url) as [one, two]:
        location = one.create(photo_bytes).headers["location"]
        rest = len(photo_bytes)
        with one.half_open(location, 0, photo_bytes[:1000], announced=rest) as link, dripping(link, photo_bytes[1000:-1000]):
            answer = two.send(location, 0, photo_bytes)
            assert_problem(answer, 423, "locked")
            assert answer.headers["retry-after"]
        wait_until(lambda: two.offset(location) >= 1000, what="the first bytes")
        offset = settle(two, location)
        assert two.send(location, offset, photo_bytes[offset:]).status_code == 204
        assert one.offset(location) == rest
    assert kept(tmp_path) == {sha256(photo_bytes)}


def settle(phone: Phone, location: str) -> int:
    """The offset once the broken request has ended: zero bytes there are taken."""
    while True:
        offset = phone.offset(location)
        if phone.send(location, offset, b"").status_code == 204:
            return offset


@contextmanager
def dripping(link: object, data: bytes) -> Iterator[None]:
    """A slow sender: a few bytes every few hundredths of a second, until left."""
    done = threading.Event()

    def drip() -> None:
        for at in range(0, len(data), 40):
            if done.wait(0.02):
                return
            link.sendall(data[at : at + 40])

    thread = threading.Thread(target=drip)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def test_a_connection_gone_silent_makes_way_for_the_same_phones_next(
    start: Callable[..., Site], photo_bytes: bytes, tmp_path: Path
) -> None:
    with phones(start().url, start().url) as [one, two]:
        location = one.create(photo_bytes).headers["location"]
        with one.half_open(location, 0, photo_bytes[:1000], announced=len(photo_bytes)):
            wait_until(lambda: on_disk(tmp_path) == 1000, what="the silent request's bytes")
            answer = two.send(location, 0, photo_bytes)
            assert_problem(answer, 409, "offset_mismatch")
            assert two.send(location, 1000, photo_bytes[1000:]).status_code == 204
    assert kept(tmp_path) == {sha256(photo_bytes)}


def test_a_silent_connection_is_given_up_and_its_bytes_are_kept(photo_bytes: bytes, tmp_path: Path) -> None:
    with serving(tmp_path, Limits(idle_s=1.0)) as url, phones(url) as [phone]:
        location = phone.create(photo_bytes).headers["location"]
        with phone.half_open(location, 0, photo_bytes[:1000], announced=len(photo_bytes)) as link:
            assert link.recv(12) == b"HTTP/1.1 408"
            assert phone.offset(location) == 1000


def test_many_requests_at_once_end_in_one_whole_file(phone: Phone, photo_bytes: bytes, folder: Path) -> None:
    answers: list[int] = []

    def send() -> None:
        with closing_phone(phone.url) as other:
            answers.append(other.create(photo_bytes, body=photo_bytes).status_code)

    threads = [threading.Thread(target=send) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) <= {201, 423}
    assert 201 in answers
    assert kept(folder) == {sha256(photo_bytes)}
    assert len((folder / "finished.log").read_text().splitlines()) == 1
    assert not list(folder.glob("partial/*/*.part"))


def test_a_full_disk_is_told_and_the_offset_stays_true(start: Callable[..., Site], photo_bytes: bytes, tmp_path: Path) -> None:
    site = start()
    with phones(site.url) as [phone]:
        location = phone.create(photo_bytes, body=photo_bytes[:1000]).headers["location"]
        site.limit_file_size(100_000)
        answer = phone.send(location, 1000, photo_bytes[1000:])
        problem = assert_problem(answer, 503, "storage_full")
        assert problem["type"] == "urn:xunge:problem:storage_full"
        assert answer.headers["retry-after"]
        assert phone.offset(location) == 100_000
        site.limit_file_size(resource.RLIM_INFINITY)
        assert phone.send(location, 100_000, photo_bytes[100_000:]).status_code == 204
    assert kept(tmp_path) == {sha256(photo_bytes)}


def test_no_room_even_for_a_beginning_is_told(start: Callable[..., Site], photo_bytes: bytes) -> None:
    site = start()
    with phones(site.url) as [phone]:
        site.limit_file_size(10)
        assert_problem(phone.create(photo_bytes), 503, "storage_full")
        site.limit_file_size(resource.RLIM_INFINITY)
        location = phone.create(photo_bytes).headers["location"]
        assert phone.http.head(location, headers=TUS).headers["upload-offset"] == "0"
