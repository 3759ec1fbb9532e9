"""The node as a process: one uvicorn on loopback. Supervision is somebody else's."""

import resource
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import uvicorn

from sync.embedded.app import create_app
from sync.embedded.catalogue import FolderInUse
from sync.embedded.schema import FileTooNew

_GRACE_S = 5
_WANTED_FILES = 16_384


class _Server(uvicorn.Server):
    """Says when it answers, and ends waiting feeds when it is told to stop."""

    def __init__(self, config: uvicorn.Config, stop_waiting: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop_waiting = stop_waiting

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets and self.started:
            print(f"ready http://127.0.0.1:{sockets[0].getsockname()[1]}", flush=True)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stop_waiting()
        await super().shutdown(sockets)


def run(data: Path, port: int, admin: str) -> None:
    """Serves the databases in `data` on 127.0.0.1 until SIGTERM or SIGINT; prints `ready <url>` when it answers.

    `admin` is `user:password`. Port 0 takes a free one. Ends the process when another one serves the folder.
    """
    allow_many_files()
    try:
        application = create_app(data, admin)
    except (FolderInUse, FileTooNew) as reason:
        sys.exit(str(reason))
    config = uvicorn.Config(
        application,
        http="httptools",
        loop="uvloop",
        lifespan="on",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
        timeout_keep_alive=75,
    )
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    _Server(config, application.node.stop_waiting).run(sockets=[listener])


def allow_many_files() -> None:
    """Raises the limit on open files as far as the system lets this process: waiting phones hold a socket each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_FILES if hard == resource.RLIM_INFINITY else min(_WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
