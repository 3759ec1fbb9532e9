"""Taking private data out of picture files without touching a pixel: JPEG segments, PNG chunks, WebP chunks.

Each function keeps what is needed to show the picture in its right colours and drops everything else, trailing data
behind the picture (a second image, a motion clip) included. Decoding is never needed here; `scrub` decides when it is.
"""

import re
import struct

from media.errors import ImageTruncated

_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
# Chunks that hold pixels or colour; text, time and Exif chunks do not belong to these.
_PNG_KEPT = {b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD"}
_WEBP_KEPT = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP", b"ANIM", b"ANMF"}
# VP8X flag bits for Exif and XMP.
_WEBP_PRIVATE = 0x0C
# A marker inside entropy-coded data: neither a stuffed zero, a restart marker nor a fill byte.
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def strip_jpeg(data: bytes) -> bytes:
    """Drop every application segment but JFIF, the colour profile and Adobe's colour transform; drop comments."""
    kept = [b"\xff\xd8"]
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":
            at += 1  # fill bytes before a marker
        if len(data) < at + 4 or data[at] != 0xFF:
            raise ImageTruncated("JPEG ends in its header")
        marker = data[at + 1]
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if _is_shown(marker, data[at + 4 : at + 16]):
            kept.append(data[at:end])
        at = end
        if marker == 0xDA:
            found = _MARKER.search(data, at)
            if found is None:
                raise ImageTruncated("JPEG has no end")
            kept.append(data[at : found.start()])
            at = found.start()
            if data[at + 1] == 0xD9:
                return b"".join([*kept, b"\xff\xd9"])


def _is_shown(marker: int, start: bytes) -> bool:
    if marker == 0xE0:
        return start.startswith(b"JFIF\0")
    if marker == 0xE2:
        return start.startswith(b"ICC_PROFILE\0")
    if marker == 0xEE:
        return start.startswith(b"Adobe")
    return marker != 0xFE and not 0xE0 <= marker <= 0xEF


def strip_png(data: bytes) -> bytes:
    """Keep the chunks that make the picture and its colours."""
    kept = [_PNG_HEAD]
    at = len(_PNG_HEAD)
    while at + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, at)
        end = at + 12 + length
        if end > len(data):
            break
        if kind in _PNG_KEPT:
            kept.append(data[at:end])
        if kind == b"IEND":
            return b"".join(kept)
        at = end
    raise ImageTruncated("PNG has no end")


def strip_webp(data: bytes) -> bytes:
    """Keep the chunks that make the picture and clear the flags of those dropped."""
    kept: list[bytes] = []
    at, end = 12, min(len(data), 8 + int.from_bytes(data[4:8], "little"))
    while at + 8 <= end:
        kind = data[at : at + 4]
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        chunk = data[at : at + 8 + length + length % 2]
        if kind == b"VP8X" and length:
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_PRIVATE]) + chunk[9:]
        if kind in _WEBP_KEPT:
            kept.append(chunk)
        at += 8 + length + length % 2
    body = b"WEBP" + b"".join(kept)
    return b"RIFF" + struct.pack("<I", len(body)) + body
