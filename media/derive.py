"""Making the two sizes people look at: `screen` for the case page and `thumb` for lists.

Both are upright sRGB JPEGs that carry nothing but pixels: no Exif, XMP, profile or comment. Full-size viewing is in
`scrub`; where sizes are kept is in `store`. On the way the hash of what the picture shows is taken (`perceptual`).
"""

import io
import math
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageCms

from media import bounded, perceptual
from media.exif import read_orientation, read_tags
from media.pictures import DAMAGE, MAX_PIXELS, decoding, open_picture, shrink_on_decode

SCREEN_EDGE_PX = 1600
THUMB_EDGE_PX = 320
_QUALITY = 80
# Rows of the result made at a time when a huge picture is reduced.
_BAND_ROWS = 64
_SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Derived:
    """Two finished JPEGs, their sizes in pixels, and the hash of what they show (`perceptual`)."""

    screen: bytes
    screen_width_px: int
    screen_height_px: int
    thumb: bytes
    thumb_width_px: int
    thumb_height_px: int
    perceptual: str | None


def derive(source: bytes | Path, max_pixels: int = MAX_PIXELS) -> Derived:
    """Make both sizes; a picture smaller than a size is not enlarged. Raises the ImageErrors of `pictures`."""
    with open_picture(source, max_pixels) as image:
        if bounded.is_costly(image):
            (width_px, height_px, *thumb), (screen_jpeg, thumb_jpeg) = bounded.decode_apart("derive", source, max_pixels)
            return Derived(screen_jpeg, width_px, height_px, thumb_jpeg, *thumb)
        orientation = read_orientation(read_tags(image)[0])
        shrink_on_decode(image, SCREEN_EDGE_PX)
        with decoding():
            image.load()
            # Shrunk first: turning and colour work then touch a tenth of the pixels.
            screen = turn_upright(to_srgb(_fit(_flatten_small(image), SCREEN_EDGE_PX)), orientation)
            thumb = _fit(screen, THUMB_EDGE_PX)
            return Derived(_encode(screen), *screen.size, _encode(thumb), *thumb.size, perceptual.hash_of(thumb))


def _flatten_small(image: Image.Image) -> Image.Image:
    """`flatten`, for a huge picture band by band and reduced at once, so that it is in memory only once.

    The whole factor leaves at least twice the size that is wanted, so that the final resize still decides how it looks.
    """
    factor = max(image.size) // (2 * SCREEN_EDGE_PX)
    if factor < 2:
        return flatten(image)
    small, at_px, profile = None, 0, image.info.get("icc_profile")
    for top in range(0, image.height, factor * _BAND_ROWS):
        band = flatten(image.crop((0, top, image.width, min(top + factor * _BAND_ROWS, image.height)))).reduce(factor)
        small = small or Image.new(band.mode, (band.width, -(-image.height // factor)))
        small.paste(band, (0, at_px))
        at_px += band.height
    assert small is not None  # a picture has at least one row
    if profile:
        small.info["icc_profile"] = profile
    return small


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Apply an Exif orientation (1 to 8) to the pixels."""
    method = _UPRIGHT.get(orientation)
    return image.transpose(method) if method is not None else image


def flatten(image: Image.Image) -> Image.Image:
    """8 bits a channel, no palette, transparency laid on white; the colour profile stays in `info`."""
    profile = image.info.get("icc_profile")
    if image.mode.startswith("I"):
        # 16-bit grey: scaled, because a plain conversion clips everything above 255 to white.
        image = image.convert("I").point(lambda value: value * (1 / 256) + 0).convert("L")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode not in {"L", "RGB", "CMYK"} or "transparency" in image.info:
        image = _lay_on_white(image.convert("RGBA"))
    if profile and "icc_profile" not in image.info:
        image.info["icc_profile"] = profile
    return image


def to_srgb(image: Image.Image) -> Image.Image:
    """Colours as meant: through the embedded profile when there is a usable one. Result is RGB or L, without profile."""
    profile = image.info.pop("icc_profile", None)
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if image.mode == "RGB" and _is_srgb(source):
                return image
            converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
        except (ImageCms.PyCMSError, *DAMAGE):
            converted = None  # a broken profile is no reason to show nothing
        if converted is not None:
            converted.info.pop("icc_profile", None)
            return converted
    return image if image.mode in {"L", "RGB"} else image.convert("RGB")


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Most Android phones embed plain sRGB: converting it to itself would cost a third of the whole work."""
    theirs, ours = profile.profile, _SRGB.profile
    if "sRGB" not in (theirs.profile_description or ""):
        return False
    pairs = ((theirs.red_colorant, ours.red_colorant), (theirs.green_colorant, ours.green_colorant))
    return all(their and math.dist(their[0], our[0]) < 0.002 for their, our in pairs if our)


def _lay_on_white(image: Image.Image) -> Image.Image:
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _fit(image: Image.Image, max_edge_px: int) -> Image.Image:
    longest = max(image.size)
    if longest <= max_edge_px:
        return image
    size = (max(1, round(image.width * max_edge_px / longest)), max(1, round(image.height * max_edge_px / longest)))
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if profile := image.info.get("icc_profile"):
        small.info["icc_profile"] = profile
    return small


def _encode(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.info.clear()  # Pillow would copy comments and profiles from there
    image.save(out, "JPEG", quality=_QUALITY, progressive=True)
    return out.getvalue()
