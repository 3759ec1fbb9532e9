"""A push service on loopback as phones' browsers have one, and a phone that opens what it is sent with keys of its own."""

import base64
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import http_ece
import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.sources.addresses import Address


def b64(data: bytes) -> str:
    """Base64url without padding, as browsers write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Subscriber:
    """One phone's subscription, with the private half that only its browser has."""

    def __init__(self, endpoint: str = "https://push.example/send/1", salt: bytes = b"a") -> None:
        self.endpoint, self.auth = endpoint, (salt * 16)[:16]
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def kept(self) -> dict[str, str]:
        """As the server keeps it."""
        return {"endpoint": self.endpoint, "p256dh": b64(self.point), "auth": b64(self.auth)}

    @property
    def body(self) -> dict[str, Any]:
        """As the phone sends it."""
        return {"endpoint": self.endpoint, "keys": {"p256dh": b64(self.point), "auth": b64(self.auth)}}

    def opened(self, sealed: bytes) -> dict[str, Any]:
        """What a message says."""
        plain = http_ece.decrypt(sealed, private_key=self.private, auth_secret=self.auth, version="aes128gcm")
        said: dict[str, Any] = orjson.loads(plain)
        return said


class PushService:
    """Keeps what it is sent, and answers `status`."""

    def __init__(self) -> None:
        self.status = 201
        self.heard: list[tuple[str, Mapping[str, str], bytes]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                service.heard.append((self.path, dict(self.headers), body))
                self.send_response(service.status)
                self.send_header("Content-Length", "0")
                self.send_header("Location", "https://elsewhere.example/")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def check(self, url: str) -> Address:
        """Leads every message here, whatever its address: what is allowed in earnest is tested apart."""
        path = "/" + url.partition("://")[2].partition("/")[2]
        return Address("http", "127.0.0.1", self.server.server_port, "push.example", path)


@contextmanager
def push_service() -> Iterator[PushService]:
    """A service until the end of the block."""
    found = PushService()
    try:
        yield found
    finally:
        found.server.shutdown()
        found.server.server_close()
