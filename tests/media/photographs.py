"""Making camera-like photographs: big JPEGs with Exif as a phone writes it, and an unmistakable scene.

Upright, the top half is sky (blue), the bottom half is ground (brown) and a white arrow points up, so a test can tell
from a few pixels whether somebody turned the picture as its Exif asks.
"""

import io
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from pathlib import Path

from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

SKY = (70, 130, 210)
GROUND = (120, 80, 40)
BEIJING = timezone(timedelta(hours=8))
TAKEN_AT = datetime(2026, 11, 23, 16, 0, 5, tzinfo=BEIJING)

# How the sensor saw an upright scene, for each Exif orientation: the inverse of what a viewer must do.
_AS_SENSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def camera_jpeg(
    path: Path,
    *,
    width: int = 4000,
    height: int = 3000,
    orientation: int = 6,
    lat: float | None = 38.5,
    lon: float | None = 106.1,
    taken_at: datetime | None = TAKEN_AT,
    text: str = "",
    quality: int = 90,
) -> Path:
    """Write a JPEG as a phone's camera does: `width` x `height` as stored, turned as `orientation` says."""
    image = sensed(width, height, orientation, text)
    image.save(path, "JPEG", quality=quality, exif=camera_exif(orientation, lat, lon, taken_at))
    return path


def sensed(width: int, height: int, orientation: int = 1, text: str = "") -> Image.Image:
    """The scene as the sensor stores it, `width` x `height`, so that applying `orientation` makes it upright."""
    upright = scene(height, width, text) if orientation >= 5 else scene(width, height, text)
    method = _AS_SENSED.get(orientation)
    return upright.transpose(method) if method is not None else upright


def scene(width: int, height: int, text: str = "") -> Image.Image:
    """Sky above, ground below, an arrow up, and enough grain to compress like a photograph."""
    image = Image.new("RGB", (width, height), SKY)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height // 2, width, height), fill=GROUND)
    grain = Image.effect_noise((max(1, width // 2), max(1, height // 2)), 40).resize((width, height))
    image = Image.blend(image, Image.merge("RGB", (grain, grain, grain)), 0.15)
    draw = ImageDraw.Draw(image)
    middle, unit = width // 2, min(width, height) // 10
    draw.polygon([(middle, 2 * unit), (middle - unit, 4 * unit), (middle + unit, 4 * unit)], fill="white")
    draw.rectangle((middle - unit // 3, 4 * unit, middle + unit // 3, 8 * unit), fill="white")
    draw.text((unit // 2, height - unit), text, fill="white", font_size=max(10, unit // 2))
    return image


def camera_exif(
    orientation: int = 1, lat: float | None = None, lon: float | None = None, taken_at: datetime | None = None
) -> bytes:
    """An Exif block as phones write it."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0110], exif[0x0112] = "Xunge", "Test Phone", orientation
    details = exif.get_ifd(0x8769)
    if taken_at:
        details[0x9003] = taken_at.strftime("%Y:%m:%d %H:%M:%S")
        if taken_at.tzinfo:
            offset = taken_at.strftime("%z")
            details[0x9011] = f"{offset[:3]}:{offset[3:]}"
    if lat is not None and lon is not None:
        gps = exif.get_ifd(0x8825)
        gps[1], gps[2] = ("S" if lat < 0 else "N"), _sexagesimal(abs(lat))
        gps[3], gps[4] = ("W" if lon < 0 else "E"), _sexagesimal(abs(lon))
    return exif.tobytes()


def is_upright(image: Image.Image) -> bool:
    """Sky in the top corners, ground in the bottom ones."""
    shown, right, bottom = image.convert("RGB"), image.width * 7 // 8, image.height * 7 // 8
    left, top = image.width // 8, image.height // 8

    def is_blue(at: tuple[int, int]) -> bool:
        red, _, blue = shown.getpixel(at)
        return blue > red + 20

    return all(is_blue(at) for at in ((left, top), (right, top))) and not any(
        is_blue(at) for at in ((left, bottom), (right, bottom))
    )


def as_bytes(image: Image.Image, form: str, **options: object) -> bytes:
    """The picture encoded in memory."""
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def _sexagesimal(degrees: float) -> tuple[IFDRational, IFDRational, IFDRational]:
    exact = Fraction(degrees).limit_denominator(10**7)
    whole = int(exact)
    minutes = int((exact - whole) * 60)
    seconds = round(float((exact - whole) * 60 - minutes) * 60 * 10_000)
    return IFDRational(whole, 1), IFDRational(minutes, 1), IFDRational(seconds, 10_000)
