"""The key pair by which push services know this server (VAPID, RFC 8292), from `XUNGE_SECRET` like that of `server/sealing.py`.

So every server and worker process has the same one, no file holds it, and with another secret phones have to ask anew.
"""

import base64
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from server.sealing import CURVE, ORDER


@cache
def private_key(secret: str) -> ec.EllipticCurvePrivateKey:
    """The server's own key."""
    drawn = HKDF(hashes.SHA256(), 48, None, b"xunge web push").derive(secret.encode())
    return ec.derive_private_key(int.from_bytes(drawn) % (ORDER - 1) + 1, CURVE)


def public_key(secret: str) -> str:
    """What phones subscribe with: the public point in base64url, without padding."""
    point = private_key(secret).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).rstrip(b"=").decode()
