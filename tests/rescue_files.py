"""Rescue files as a phone builds them, written from the format's description in `server/rescue/opening.py` alone."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PIECE_BYTES = 1 << 20


def pieces_of(
    whose: dict[str, Any],
    documents: list[dict[str, Any]],
    files: Iterable[tuple[dict[str, Any], bytes]] = (),
    data_key: str | None = None,
) -> list[bytes]:
    """The pieces of one person's part: `documents` are `{database, doc}`, `files` a description and the bytes."""
    pieces = [b"P" + json.dumps({"made_at": "2026-11-23T08:00:00.000Z"} | whose).encode()]
    if documents:
        pieces.append(b"D" + json.dumps({"documents": documents, "data_key": data_key}).encode())
    for described, data in files:
        told = {"sha256": hashlib.sha256(data).hexdigest(), "size_bytes": len(data), "role": "sent", "filetype": "image/jpeg"}
        head = json.dumps(told | described).encode() + b"\n"
        pieces.append(b"F" + head + data[:PIECE_BYTES])
        pieces += [b"B" + data[at : at + PIECE_BYTES] for at in range(PIECE_BYTES, len(data), PIECE_BYTES)]
    return pieces


def seal(server_point: bytes, pieces: list[bytes], *, is_ended: bool = True) -> bytes:
    """A file of these pieces, sealed to the server's public key."""
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), server_point)
    once = ec.generate_private_key(ec.SECP256R1())
    form = (serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    point = once.public_key().public_bytes(*form)
    head = b"XUNGRSQ1" + hashlib.sha256(server_point).digest()[:8] + point
    key = HKDF(hashes.SHA256(), 32, salt=head, info=b"xunge rescue 1").derive(once.exchange(ec.ECDH(), public))
    sealed, whole = head, [*pieces, b"E{}"] if is_ended else pieces
    for number, piece in enumerate(whole):
        nonce = bytes(7) + number.to_bytes(4, "big") + bytes([number == len(whole) - 1])
        opened = AESGCM(key).encrypt(nonce, piece, head)
        sealed += len(opened).to_bytes(4, "big") + opened
    return sealed
