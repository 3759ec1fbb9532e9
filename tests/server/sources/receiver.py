"""Another system's end of a call-back: a real HTTP server on loopback that notes what it was sent, and answers as it is told."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Receiver:
    """What came, in order: `heard` are bodies, `headers` theirs. `answers` are the statuses to give, then 200 for ever."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []
        self.raw: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        self.url = ""

    def statuses(self) -> list[str]:
        return [one["status"] for one in self.heard]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver on a free port until the block ends."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.raw.append((dict(self.headers.items()), body))
            status = receiver.answers.pop(0) if receiver.answers else 200
            if status < 300:
                receiver.heard.append(json.loads(body))
            self.send_response(status)
            if status in (301, 302):
                self.send_header("Location", f"{receiver.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
