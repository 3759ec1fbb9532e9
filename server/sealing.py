"""What phones seal so that only this server opens it: its key pair, and opening. Nothing is read or written here.

The key pair (P-256) is derived from `XUNGE_SECRET`: every server process has the same, no file holds it, and with another
secret it is another one. Sealed is `<a point made for this once, 65 bytes><nonce, 12><AES-GCM ciphertext>`, the key drawn by
HKDF-SHA256 from what the two points share (`pwa/src/crypto/seals.js`). Each is sealed *about* something, which must be said
again to open it.
"""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE = ec.SECP256R1()
# The order of P-256's group (FIPS 186-5): a private key is less.
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
POINT_BYTES, NONCE_BYTES = 65, 12
USE = b"xunge seal"


class Unreadable(Exception):
    """It was not sealed for this server, not about this, or it is damaged."""


@dataclass(frozen=True)
class SealKey:
    """One server's key pair. `id` tells it from the one of another secret; `point` is what phones seal to, in base64."""

    id: str
    point: str
    private: ec.EllipticCurvePrivateKey

    def open(self, sealed: bytes, about: str) -> bytes:
        """What was sealed. Raises Unreadable."""
        ours, rest = sealed[:POINT_BYTES], sealed[POINT_BYTES:]
        try:
            theirs = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, ours)
        except ValueError as error:
            raise Unreadable from error
        shared = self.private.exchange(ec.ECDH(), theirs)
        return open_with(HKDF(hashes.SHA256(), 32, ours, USE).derive(shared), rest, about)


def key_of(secret: str) -> SealKey:
    """The key pair of a server whose secret this is."""
    drawn = HKDF(hashes.SHA256(), 48, None, b"xunge seal key").derive(secret.encode())
    private = ec.derive_private_key(int.from_bytes(drawn) % (ORDER - 1) + 1, CURVE)
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return SealKey(hashlib.sha256(point).hexdigest()[:16], base64.b64encode(point).decode(), private)


def open_with(key: bytes, sealed: bytes, about: str) -> bytes:
    """What was sealed with a key that is known, a phone's data key (`pwa/src/crypto/seal.js`). Raises Unreadable."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], about.encode())
    except (InvalidTag, ValueError) as error:
        raise Unreadable from error
