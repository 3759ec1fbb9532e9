"""The sealed file of a phone: how it is built, and reading it piece by piece with bounded memory. Pure but for the file read.

    "XUNGRSQ1" | key id (8) | one-time public point (65) | pieces

The key of a file is HKDF-SHA256 (salt: the 81 bytes of the head) of ECDH between the one-time pair and the server's. A piece is
its length (4 bytes, big-endian) and AES-256-GCM of at most 1 MiB and a bit; its nonce is 7 zero bytes, the piece's number (4) and
1 for the last piece, else 0; the head is its additional data. So nothing can be changed, swapped, left out or cut off unnoticed.

A piece is a letter and what belongs to it, all text JSON in UTF-8:

| letter | content |
| --- | --- |
| `P` | `{author, device, proof, made_at}`: what follows is this person's |
| `D` | `{documents: [{database, doc}…], data_key?}`, the body of `POST /api/rescue`: of a locked phone bodies may be sealed |
| `F` | `{photo, role, database, sha256, filetype, size_bytes}`, a line feed, the file's first bytes (of a file sealed, too) |
| `B` | the next bytes of that file |
| `E` | `{documents, files}`: how many there were; the last piece |
"""

import contextlib
import itertools
import os
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from server.domain.errors import InvalidInput
from server.sealing import CURVE, POINT_BYTES, SealKey

MAGIC = b"XUNGRSQ1"
KEY_ID_BYTES = 8
HEAD_BYTES = len(MAGIC) + KEY_ID_BYTES + POINT_BYTES
PIECE_BYTES = (1 << 20) + 4096
INFO = b"xunge rescue 1"
_LENGTH_BYTES, _TAG_BYTES = 4, 16


class Piece(NamedTuple):
    """One opened piece; `end_bytes` is where the next one begins in the file."""

    letter: str
    content: bytes
    end_bytes: int
    is_last: bool


def unreadable(code: str) -> InvalidInput:
    """Why a file cannot be taken in: `not_a_rescue_file`, `foreign_key`, `damaged`, `unknown_device`."""
    return InvalidInput({"file": code})


def open_pieces(file: BinaryIO, key: SealKey) -> Iterator[Piece]:
    """The pieces from the beginning, each proven whole. Raises InvalidInput (`unreadable`), `damaged` where it breaks off."""
    file.seek(0)
    head = file.read(HEAD_BYTES)
    cipher, size_bytes = _cipher_of(head, key), os.fstat(file.fileno()).st_size
    for number in itertools.count():
        sealed = _read_piece(file)
        opened, is_last = _open(cipher, head, number, sealed)
        yield Piece(chr(opened[0]) if opened else "", opened[1:], file.tell(), is_last)
        if is_last and file.tell() < size_bytes:
            raise unreadable("damaged")
        if is_last:
            return


def _open(cipher: AESGCM, head: bytes, number: int, sealed: bytes) -> tuple[bytes, bool]:
    for is_last in (False, True):
        with contextlib.suppress(InvalidTag):
            nonce = bytes(7) + number.to_bytes(4, "big") + bytes([is_last])
            return cipher.decrypt(nonce, sealed, head), is_last
    raise unreadable("damaged")


def _cipher_of(head: bytes, key: SealKey) -> AESGCM:
    if len(head) < HEAD_BYTES or not head.startswith(MAGIC):
        raise unreadable("not_a_rescue_file")
    named, point = head[len(MAGIC) : -POINT_BYTES], head[-POINT_BYTES:]
    if named.hex() != key.id:
        raise unreadable("foreign_key")
    try:
        once = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, point)
    except ValueError:
        raise unreadable("damaged") from None
    shared = key.private.exchange(ec.ECDH(), once)
    return AESGCM(HKDF(hashes.SHA256(), 32, salt=head, info=INFO).derive(shared))


def _read_piece(file: BinaryIO) -> bytes:
    length_bytes = int.from_bytes(file.read(_LENGTH_BYTES), "big")
    if not _TAG_BYTES < length_bytes <= PIECE_BYTES + _TAG_BYTES:
        raise unreadable("damaged")
    sealed = file.read(length_bytes)
    if len(sealed) < length_bytes:
        raise unreadable("damaged")
    return sealed
