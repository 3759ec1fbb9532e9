"""A small real site around the upload endpoint: tokens are `<device>.<user>`, finished files are kept in a folder.

Runs inside a test by `serving`, or as a process of its own: `python -m tests.media.upload_site FOLDER [LOOK_EVERY_S]`, which
prints its port. A silent connection makes way for another long before it is given up. What the keeper should do next can be told
through the file `FOLDER/trouble`: it names the error to raise.
"""

import asyncio
import base64
import hashlib
import shutil
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn

from media import body
from media.completion import Upload, Uploader
from media.errors import Refused, StorageFull, Unavailable
from media.uploads import Limits, create_uploads

TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = {**TUS, "Content-Type": "application/offset+octet-stream"}
PHOTO = "photo:01936b00-0000-7000-8000-000000000001"
DATABASE = "grid-640105002001001-2026q4"
BASE = "/api/uploads"


class TokenPolicy:
    """Any well-formed token is known; nothing may go to a grid that ends in 9."""

    async def identify(self, authorization: str | None) -> Uploader | None:
        device, dot, user = (authorization or "").removeprefix("Bearer ").partition(".")
        return Uploader(device, user) if dot else None

    async def may_upload(self, uploader: Uploader, database: str, photo: str) -> str | None:
        return "not_grid_holder" if "9-" in database else None


class Keeper:
    """Keeps finished files under their hash, or raises the trouble of the day."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def __call__(self, upload: Upload, uploader: Uploader) -> None:
        trouble = self.folder / "trouble"
        name = trouble.read_text() if trouble.exists() else ""
        if name == "slow":
            await asyncio.sleep(0.4)
        if name == "unavailable":
            raise Unavailable("the database is away")
        if name == "storage_full":
            raise StorageFull("no room")
        kept = self.folder / ("quarantine" if upload.problem or name == "refused" else "kept")
        kept.mkdir(exist_ok=True)
        shutil.copy(upload.path, kept / upload.sha256)
        with (self.folder / "finished.log").open("a") as log:
            log.write(f"{upload.sha256} {upload.meta.photo} {uploader.device} {upload.content_type}\n")
        if name == "refused":
            raise Refused("archived_database", is_kept=True)


def make_server(folder: Path, limits: Limits | None = None) -> uvicorn.Server:
    """The site on a free port of loopback, not yet running."""
    app = create_uploads(folder / "partial", TokenPolicy(), Keeper(folder), limits or Limits(idle_s=60, lock_wait_s=4))
    return uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="error", lifespan="off", ws="none"))


class Phone:
    """One device's side of the protocol, each request spelled out."""

    def __init__(self, url: str, device: str = "d1") -> None:
        self.url = url
        token = {"Authorization": f"Bearer {device}.worker1"}
        # No certificates to load: loopback only, and a client a test costs nothing then.
        self.http = httpx.Client(base_url=url, headers=token, timeout=20, verify=False, trust_env=False)

    def create(self, data: bytes, body: bytes | None = None, length: int | None = None, **meta: str) -> httpx.Response:
        """POST; with `body`, the first bytes go along."""
        lines = TUS if body is None else CHUNK
        size = str(len(data) if length is None else length)
        more = {"Upload-Length": size, "Upload-Metadata": metadata(data, **meta)}
        return self.http.post(BASE, headers={**lines, **more}, content=body)

    def send(self, location: str, offset: int, body: bytes, **headers: str) -> httpx.Response:
        """PATCH."""
        return self.http.patch(location, headers={**CHUNK, "Upload-Offset": str(offset), **headers}, content=body)

    def offset(self, location: str) -> int:
        """HEAD."""
        answer = self.http.head(location, headers=TUS)
        assert answer.status_code == 200, answer
        return int(answer.headers["Upload-Offset"])

    def break_off(self, location: str, offset: int, body: bytes, announced: int) -> None:
        """A PATCH that announces more than it sends and then loses its link."""
        with self.half_open(location, offset, body, announced):
            pass

    @contextmanager
    def half_open(self, location: str, offset: int, body: bytes, announced: int) -> Iterator[socket.socket]:
        """A PATCH that has sent `body` of the `announced` bytes and then falls silent."""
        host, port = self.url.removeprefix("http://").split(":")
        lines = {**CHUNK, "Upload-Offset": str(offset), "Content-Length": str(announced), "Host": host}
        lines["Authorization"] = self.http.headers["Authorization"]
        head = f"PATCH {location} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        with socket.create_connection((host, int(port))) as link:
            link.sendall(head.encode() + b"\r\n" + body)
            yield link


def metadata(data: bytes, **more: str) -> str:
    """`Upload-Metadata` for a file; names given as None are left out."""
    values = {"photo": PHOTO, "role": "sent", "database": DATABASE, "sha256": hashlib.sha256(data).hexdigest(), **more}
    pairs = (f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items() if value is not None)
    return ",".join(pairs)


@contextmanager
def serving(folder: Path, limits: Limits | None = None) -> Iterator[str]:
    """The site in a thread of this process; its URL."""
    server = make_server(folder, limits)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the site did not start"
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def main() -> None:
    """Bind a free port, print it, serve."""
    server = make_server(Path(sys.argv[1]))
    if len(sys.argv) > 2:
        body._LOOK_EVERY_S = float(sys.argv[2])
    socket_ = server.config.bind_socket()
    print(f"ready http://127.0.0.1:{socket_.getsockname()[1]}", flush=True)
    server.run([socket_])


if __name__ == "__main__":
    main()
