"""What a file is, told from its content alone: of a picture its format, size, orientation, when and where it was taken; of a
voice note (`sounds.py`) that it is one.

Names and declared types are never believed. Changing or keeping pictures is elsewhere.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from media import bounded
from media.errors import NotAnImage
from media.exif import read_moment, read_orientation, read_place, read_tags
from media.pictures import MAX_PIXELS, decoding, open_picture, shrink_on_decode
from media.sounds import check_sound, sniff_sound

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"}
_HEIF_BRANDS = {b"mif1", b"msf1"}
# Entropy-decoding the whole file is what finds a truncation; the pixels themselves are not needed for that.
_CHECK_EDGE_PX = 64


@dataclass(frozen=True)
class Facts:
    """What the file says about itself. Width and height are as shown upright, None of sounds; `place` is {"lat", "lon"} WGS84."""

    width_px: int | None
    height_px: int | None
    content_type: str
    taken_at: datetime | None
    place: dict[str, float] | None
    orientation: int


def sniff(source: Path | bytes) -> str | None:
    """Content type by content: JPEG, PNG, WebP, HEIC or HEIF; None for everything else."""
    head = source[:64] if isinstance(source, bytes) else _read_head(source)
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return _sniff_heif(head) if head[4:8] == b"ftyp" else None


def sniff_any(source: Path | bytes) -> str | None:
    """Content type of a picture or a sound; None for everything else."""
    return sniff(source) or sniff_sound(source[:64] if isinstance(source, bytes) else _read_head(source))


def read_any(source: Path | bytes, max_pixels: int = MAX_PIXELS) -> Facts:
    """`read_facts` of a picture; of a sound that it is one, with its size bounded. Raises the ImageErrors of both."""
    head = source[:64] if isinstance(source, bytes) else _read_head(source)
    content_type = None if sniff(head) else sniff_sound(head)
    if content_type is None:
        return read_facts(source, max_pixels)
    check_sound(source, content_type)
    return Facts(None, None, content_type, None, None, 1)


def is_sound(content_type: str) -> bool:
    """Whether files of this type are heard, not seen."""
    return content_type.startswith("audio/")


def read_facts(source: Path | bytes, max_pixels: int = MAX_PIXELS) -> Facts:
    """Read and decode to the end. Raises NotAnImage, ImageTooLarge (before decoding) or ImageTruncated."""
    content_type = sniff(source)
    if content_type is None:
        raise NotAnImage("content is not JPEG, PNG, WebP or HEIC")
    with open_picture(source, max_pixels) as image:
        if bounded.is_costly(image):
            return _facts_from(bounded.decode_apart("facts", source, max_pixels)[0])
        width_px, height_px = image.size
        main, exif, gps = read_tags(image)
        orientation = read_orientation(main)
        if orientation >= 5:
            width_px, height_px = height_px, width_px
        shrink_on_decode(image, _CHECK_EDGE_PX)
        with decoding():
            image.load()
        return Facts(width_px, height_px, content_type, read_moment(main, exif), read_place(gps), orientation)


def _facts_from(told: dict[str, Any]) -> Facts:
    return Facts(**told | {"taken_at": datetime.fromisoformat(told["taken_at"]) if told["taken_at"] else None})


def _read_head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(64)


def _sniff_heif(head: bytes) -> str | None:
    """ISO 23008-12: the major brand decides, the compatible ones (from byte 16) when it is generic."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[at : at + 4] for at in range(16, end - 3, 4)} | {head[8:12]}
    if head[8:12] in _HEIC_BRANDS or (head[8:12] in _HEIF_BRANDS and brands & _HEIC_BRANDS):
        return "image/heic"
    return "image/heif" if head[8:12] in _HEIF_BRANDS and b"avif" not in brands else None
