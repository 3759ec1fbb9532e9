"""Opening a picture safely: the only place in the project that hands bytes to Pillow.

Formats are a closed list, the pixel count is checked before a single pixel is decoded, and every way in which Pillow
reports damage becomes one of our errors. What a picture says about itself is in `inspect`, making sizes in `derive`.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pillow_heif
from PIL import Image

from media.errors import ImageError, ImageTooLarge, ImageTruncated, NotAnImage

# 100 megapixels: twice the largest still a phone's "full resolution" mode commonly writes, and 300 MB when decoded.
MAX_PIXELS = 100_000_000

# Pillow's own limit warns or raises depending on the factor; ours, below, is one clear rule.
Image.MAX_IMAGE_PIXELS = None
pillow_heif.register_heif_opener(thumbnails=False)

_FORMATS = ("JPEG", "PNG", "WEBP", "HEIF")
# What Pillow's and libheif's parsers let escape on damaged input, found by feeding them damaged files.
DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    EOFError,
    OverflowError,
    ZeroDivisionError,
    RuntimeError,
    struct.error,
    zlib.error,
)


@contextmanager
def open_picture(source: bytes | Path, max_pixels: int = MAX_PIXELS) -> Iterator[Image.Image]:
    """Open, not yet decoded. Raises NotAnImage or ImageTooLarge; a missing file stays an OSError."""
    stream = io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")
    with stream:
        _refuse_huge_canvas(stream.read(30), max_pixels)
        stream.seek(0)
        try:
            image = Image.open(stream, formats=_FORMATS)
        except MemoryError as error:
            raise ImageTooLarge("does not fit in memory") from error
        except DAMAGE as error:
            raise NotAnImage(str(error)) from error
        with image:
            if image.width * image.height > max_pixels:
                raise ImageTooLarge(f"{image.width} x {image.height} is more than {max_pixels} pixels")
            yield image


@contextmanager
def decoding() -> Iterator[None]:
    """Around anything that decodes pixels: damage met on the way is ImageTruncated."""
    try:
        yield
    except ImageError:
        raise
    except MemoryError as error:
        raise ImageTooLarge("does not fit in memory") from error
    except DAMAGE as error:
        raise ImageTruncated(str(error)) from error


def shrink_on_decode(image: Image.Image, max_edge_px: int) -> None:
    """Let the JPEG decoder skip detail that `max_edge_px` cannot show; other formats are left alone."""
    longest = max(image.size)
    if image.format in {"JPEG", "MPO"} and longest > max_edge_px:
        scale = max_edge_px / longest
        # Rounded up: the decoder picks the smallest step that is not below what is asked for.
        image.draft(None, (-int(-image.width * scale // 1), -int(-image.height * scale // 1)))


def _refuse_huge_canvas(head: bytes, max_pixels: int) -> None:
    """WebP alone: its decoder reserves the whole canvas when opened, so its header is read first."""
    if head[:4] == b"RIFF" and head[8:16] == b"WEBPVP8X" and len(head) >= 30:
        width = int.from_bytes(head[24:27], "little") + 1
        height = int.from_bytes(head[27:30], "little") + 1
        if width * height > max_pixels:
            raise ImageTooLarge(f"{width} x {height} is more than {max_pixels} pixels")
