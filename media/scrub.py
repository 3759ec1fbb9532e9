"""A picture at full size for people to look at: upright, and free of everything but the picture.

The stored original is never changed by this; the result is made when it is shown.
"""

import io
from collections.abc import Callable

from media import bounded
from media.containers import strip_jpeg, strip_png, strip_webp
from media.derive import flatten, to_srgb, turn_upright
from media.exif import read_orientation, read_tags
from media.pictures import MAX_PIXELS, decoding, open_picture

_STRIP: dict[str, Callable[[bytes], bytes]] = {
    "image/jpeg": strip_jpeg,
    "image/png": strip_png,
    "image/webp": strip_webp,
}
# High enough that a full-size look shows no loss, about 40% of the bytes of 100.
_QUALITY = 92


def scrub(data: bytes, content_type: str, max_pixels: int = MAX_PIXELS) -> bytes:
    """Full size, upright, no Exif; the type of the result is `shown_type(content_type)`.

    Pixels are untouched when the picture is upright already; otherwise (and for HEIC, which browsers cannot show) it
    is decoded and encoded once. Raises the ImageErrors of `pictures`.
    """
    strip = _STRIP.get(content_type)
    with open_picture(data, max_pixels) as image:
        orientation = read_orientation(read_tags(image)[0])
        if strip and orientation == 1:
            return strip(data)
        if bounded.is_costly(image, is_whole=True):
            return bounded.decode_apart("scrub", data, content_type, max_pixels)[1][0]
        with decoding():
            image.load()
            upright = turn_upright(to_srgb(flatten(image)), orientation)
            out = io.BytesIO()
            upright.info.clear()  # Pillow would copy comments and profiles from there
            upright.save(out, shown_type(content_type).removeprefix("image/"), quality=_QUALITY)
            return out.getvalue()


def shown_type(content_type: str) -> str:
    """Content type of what `scrub` returns for a file of this type."""
    return content_type if content_type in _STRIP else "image/jpeg"
