"""A relay before the store that counts what a process writes, and holds back the answer to the n-th write for ever.

So a test can kill a process at exactly one point of its work: behind a write, before it knows of it. It reads requests only as
far as counting needs. Networks that break in other ways are `link.py`.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from urllib.parse import urlsplit

import httptools

# POSTs that only ask; everything else that is neither GET nor HEAD writes.
ASKING = ("/_bulk_get", "/_all_docs", "/_revs_diff", "/_find", "/_dbs_info", "/_changes", "/_session")


def is_write(method: str, path: str) -> bool:
    """True for a request after which the store is not what it was."""
    plain = path.partition("?")[0]
    return method not in {"GET", "HEAD"} and not plain.endswith(ASKING) and "/_view/" not in plain


class Stalling:
    """The relay. `writes` are those that passed; at the `stop_at`-th (0: before the first) nothing comes back any more.

    `is_stalled` is set when that write is in the store (before the first: when it is about to be).
    """

    def __init__(self, store_url: str) -> None:
        parts = urlsplit(store_url)
        self._store = (str(parts.hostname), parts.port or 5984)
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        self.url = store_url.replace(f"{parts.hostname}:{parts.port}", f"127.0.0.1:{port}")
        self.writes: list[str] = []
        self.stop_at: int | None = None
        self.is_stalled = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def begin(self, stop_at: int | None = None) -> None:
        """Count from now on; let everything pass with None."""
        self.writes, self.stop_at = [], stop_at
        self.is_stalled.clear()

    def close(self) -> None:
        """Takes no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        """One connection, a request at a time: a client waits for its answer before it asks again."""
        with contextlib.suppress(OSError), client, socket.create_connection(self._store) as store:
            while request := _Message(httptools.HttpRequestParser).read(client):
                if not self._pass(request, client, store):
                    return

    def _pass(self, request: "_Message", client: socket.socket, store: socket.socket) -> bool:
        is_counted = is_write(request.method, request.url)
        if is_counted and self.stop_at == 0:
            return self._hold(client)
        store.sendall(request.raw)
        answer = _Message(httptools.HttpResponseParser, is_of_head=request.method == "HEAD").read(store)
        if answer is None:
            return False
        if is_counted:
            self.writes.append(f"{request.method} {request.url}")
            if self.stop_at is not None and len(self.writes) >= self.stop_at:
                return self._hold(client)
        client.sendall(answer.raw)
        return True

    def _hold(self, client: socket.socket) -> bool:
        """Says nothing until the other side is gone."""
        self.is_stalled.set()
        while client.recv(65536):
            pass
        return False


class _Message:
    """One HTTP message with its bytes as they came."""

    def __init__(self, make: Callable[["_Message"], object], *, is_of_head: bool = False) -> None:
        self._parser, self._is_of_head = make(self), is_of_head
        self.raw, self.method, self.url, self._is_whole = b"", "", "", False

    def read(self, source: socket.socket) -> "_Message | None":
        """The whole message, or None when there is none any more."""
        while not self._is_whole:
            data = source.recv(65536)
            if not data:
                return None
            self.raw += data
            self._parser.feed_data(data)  # type: ignore[attr-defined]
        return self

    def on_url(self, url: bytes) -> None:
        """Part of httptools' protocol."""
        self.url += url.decode()

    def on_headers_complete(self) -> None:
        """Part of httptools' protocol."""
        if hasattr(self._parser, "get_method"):
            self.method = self._parser.get_method().decode()
        self._is_whole = self._is_of_head

    def on_message_complete(self) -> None:
        """Part of httptools' protocol."""
        self._is_whole = True
