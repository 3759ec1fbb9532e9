"""What a camera wrote into a picture: orientation, time, position. Hostile or nonsensical values are simply absent.

Reads only; taking these data out of what is shown is the job of `derive` and `scrub`.
"""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from PIL import Image

from media.pictures import DAMAGE

# Exif 2.32, tables 4 to 15.
_ORIENTATION = 0x0112
_CHANGED_AT = 0x0132
_EXIF_IFD = 0x8769
_GPS_IFD = 0x8825
# (time, offset, fraction of a second), the moment of exposure first.
_EXPOSED = (0x9003, 0x9011, 0x9291)
_DIGITISED = (0x9004, 0x9012, 0x9292)
_CHANGED = (_CHANGED_AT, 0x9010, 0x9290)
# A camera clock without a zone is read as China Standard Time: phones that write none are set to local time.
_LOCAL = timezone(timedelta(hours=8))
_MOMENT = re.compile(r"(\d{4}):(\d\d):(\d\d)[ T](\d\d):(\d\d):(\d\d)")
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)")

Tags = Mapping[int, Any]


def read_tags(image: Image.Image) -> tuple[Tags, Tags, Tags]:
    """(main, Exif, GPS) tags of an opened picture; an unreadable block is empty."""
    try:
        exif = image.getexif()
    except DAMAGE:
        return {}, {}, {}
    return _copy(exif), _read_ifd(exif, _EXIF_IFD), _read_ifd(exif, _GPS_IFD)


def read_orientation(main: Tags) -> int:
    """1 to 8 as in Exif; 1 (upright) when absent or impossible."""
    value = main.get(_ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def read_moment(main: Tags, exif: Tags) -> datetime | None:
    """When the picture was taken, aware UTC, or None."""
    for moment, offset, fraction in (_EXPOSED, _DIGITISED, _CHANGED):
        text = main.get(moment) if moment == _CHANGED_AT else exif.get(moment)
        found = _parse_moment(text, exif.get(offset), exif.get(fraction))
        if found:
            return found
    return None


def read_place(gps: Tags) -> dict[str, float] | None:
    """{"lat", "lon"} in degrees WGS84, or None; 0,0 is what a phone without a fix writes, so it is None too."""
    lat = _degrees(gps.get(2), gps.get(1), "NS", 90)
    lon = _degrees(gps.get(4), gps.get(3), "EW", 180)
    if lat is None or lon is None or (lat == 0 and lon == 0):
        return None
    return {"lat": lat, "lon": lon}


def _read_ifd(exif: Image.Exif, tag: int) -> Tags:
    try:
        return _copy(exif.get_ifd(tag))
    except DAMAGE:
        return {}


def _copy(tags: Any) -> Tags:
    """Values are decoded lazily, so each may raise on its own."""
    found: dict[int, Any] = {}
    for tag in list(tags):
        try:
            found[tag] = tags[tag]
        except DAMAGE:
            continue
    return found


def _parse_moment(text: object, offset: object, fraction: object) -> datetime | None:
    match = _MOMENT.match(text) if isinstance(text, str) else None
    if not match:
        return None
    millis = f"{fraction:0<3}"[:3] if isinstance(fraction, str) else "0"
    micros = int(millis) * 1000 if millis.isascii() and millis.isdigit() else 0
    try:
        year, month, day, hour, minute, second = (int(part) for part in match.groups())
        return datetime(year, month, day, hour, minute, second, micros, _zone(offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(offset: object) -> timezone:
    match = _OFFSET.match(offset) if isinstance(offset, str) else None
    if not match:
        return _LOCAL
    minutes = int(match[2]) * 60 + int(match[3])
    # Offsets in use reach from -12:00 to +14:00.
    return timezone(timedelta(minutes=-minutes if match[1] == "-" else minutes)) if minutes <= 14 * 60 else _LOCAL


def _degrees(value: object, ref: object, letters: str, limit: int) -> float | None:
    if not isinstance(value, tuple) or len(value) != 3 or not isinstance(ref, str) or ref[:1] not in set(letters):
        return None
    try:
        degrees, minutes, seconds = (float(part) for part in value)
    except DAMAGE:
        return None
    total = degrees + minutes / 60 + seconds / 3600
    if not math.isfinite(total) or not 0 <= total <= limit:
        return None
    return round(-total if ref[0] == letters[1] else total, 7)
