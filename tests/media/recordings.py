"""Voice notes as phones record them, WebM, MP4 and Ogg, with a few bytes for the sound; and the same with a film in."""

import struct


def webm(tracks: tuple[int, ...] = (2,), sound: bytes = b"opus" * 200) -> bytes:
    """As Chromium's MediaRecorder streams it: a segment and clusters of unknown size. A track of type 1 is a film's."""
    entries = b"".join(
        _element(0xAE, _element(0xD7, bytes([n])) + _element(0x83, bytes([kind]))) for n, kind in enumerate(tracks, 1)
    )
    head = _element(0x1A45DFA3, _element(0x4286, b"\x01") + _element(0x4282, b"webm"))
    cluster = bytes.fromhex("1f43b675 01ffffffffffffff") + _element(0xE7, b"\0") + _element(0xA3, sound)
    return head + bytes.fromhex("18538067 01ffffffffffffff") + _element(0x1549A966, b"") + _element(0x1654AE6B, entries) + cluster


def mp4(handlers: tuple[bytes, ...] = (b"soun",), sound: bytes = b"aac!" * 200) -> bytes:
    """As Safari writes it: tracks first, the sound behind them."""
    tracks = b"".join(_box(b"trak", _box(b"mdia", _box(b"hdlr", bytes(8) + kind + bytes(13)))) for kind in handlers)
    return _box(b"ftyp", b"iso5\0\0\0\1iso5mp41") + _box(b"moov", _box(b"mvhd", bytes(100)) + tracks) + _box(b"mdat", sound)


def ogg(heads: tuple[bytes, ...] = (b"OpusHead\1\1",), sound: bytes = b"opus" * 50) -> bytes:
    """As Firefox writes it: a first page for each stream, then the sound."""
    return b"".join([*(_page(2, head, n) for n, head in enumerate(heads)), _page(0, b"OpusTags", 0), _page(4, sound, 0)])


def _element(id_: int, body: bytes) -> bytes:
    return id_.to_bytes((id_.bit_length() + 7) // 8, "big") + (0x10000000 | len(body)).to_bytes(4, "big") + body


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def _page(flags: int, body: bytes, stream: int) -> bytes:
    lengths = bytes([255] * (len(body) // 255) + [len(body) % 255])
    return b"OggS\0" + bytes([flags]) + bytes(8) + struct.pack("<III", stream, 0, 0) + bytes([len(lengths)]) + lengths + body
