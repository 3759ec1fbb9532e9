"""A phone's vault as the server meets it: a data key, what is sealed with it, and the key itself sealed for the server.

Written against the format, not against `server/sealing.py`, whose other half it is.
"""

import base64
import json
import os
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class LockedPhone:
    """Seals as `pwa/src/crypto/` does."""

    def __init__(self, point: str, user: str) -> None:
        self._key = os.urandom(32)
        self._sealed = seal_for(point, self._key, user)
        self.data_key = base64.b64encode(self._sealed).decode()
        self.key = base64.b64encode(self._key).decode()

    def seal_document(self, database: str, doc: dict[str, Any]) -> dict[str, Any]:
        """What lies in the outbox: head in the clear, body sealed."""
        head = {name: value for name, value in doc.items() if name.startswith("_")}
        body = {name: value for name, value in doc.items() if not name.startswith("_")}
        sealed = seal(self._key, json.dumps(body).encode(), f"{database}|{doc['_id']}|{doc['_rev']}")
        return {**head, "sealed": base64.b64encode(sealed).decode()}

    def seal_file(self, about: str, data: bytes) -> bytes:
        """What goes up instead of a photo."""
        return self._sealed + seal(self._key, data, about)


def seal(key: bytes, data: bytes, about: str) -> bytes:
    nonce = os.urandom(12)
    return nonce + AESGCM(key).encrypt(nonce, data, about.encode())


def seal_for(point: str, data: bytes, about: str) -> bytes:
    private = ec.generate_private_key(ec.SECP256R1())
    ours = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    theirs = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), base64.b64decode(point))
    key = HKDF(hashes.SHA256(), 32, ours, b"xunge seal").derive(private.exchange(ec.ECDH(), theirs))
    return ours + seal(key, data, about)
