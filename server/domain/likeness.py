"""What two cases have in common, measured: metres, hours, words, numbers of houses, bits of a picture. Pure.

Only measuring lives here. What a figure is worth, and whether two cases are proposed as one, is `matching.py`'s to say.
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from server.domain import times

EARTH_RADIUS_M = 6_371_008.8
_NUMERALS = {sign: value for value, sign in enumerate("零一二三四五六七八九十")}
_NUMERAL = re.compile(r"[一二三四五六七八九]?十[一二三四五六七八九]?|[零一二三四五六七八九]")
# 3号楼, 3#楼, 3栋, 3幢 → a building; 2单元; 301室 → a room; 5层 → a floor; 12号 (not 号楼) → a number on the street.
_HOUSE_NUMBERS = (
    ("building", re.compile(r"(\d+)(?:号楼|#楼|#|号栋|栋|幢|楼)")),
    ("entrance", re.compile(r"(\d+)单元")),
    ("floor", re.compile(r"(\d+)层")),
    ("room", re.compile(r"(\d+)(?:室|户)")),
    ("number", re.compile(r"(\d+)号(?!楼|栋)")),
)
# Of a Chinese name only the end can be seen without a dictionary ("在同心苑", "同心苑"). Of a landmark its kind is enough: who
# stands before the one chemist's of the street writes "药店", "同仁药店" or "街边的药店".
_NAMES = (
    ("street", re.compile(r"[\u4e00-\u9fff]{2}(?:路|街|巷|大道)")),
    ("compound", re.compile(r"[\u4e00-\u9fff]{2}(?:小区|家园|嘉园|花园|公寓|新村|新城|苑|院)")),
    (
        "landmark",
        re.compile(
            r"幼儿园|小学|中学|学校|医院|诊所|银行|超市|商场|市场|广场|公园|驿站|公交站|车站|饭店|饭馆|面馆|拉面|宾馆|网吧|公厕"
            r"|药店|理发店|水果店|便利店|彩票店|烟酒店|五金店|服装店|花店|小卖部"
        ),
    ),
)
# What reporters write before the matter itself; it says nothing about which matter.
_STOCK = re.compile(r"居民反映|群众反映|市民反映|群众来电|巡查发现|巡查中发现|网格员发现|请尽快处理|请及时处理|请处理")
_NO_LETTER = re.compile(r"[^\w]+")


class Side(NamedTuple):
    """One case as it is compared, made once by `side`. `at` is when its problem was seen, `point` latitude and longitude in
    radians or None, `names` named places by kind, `hashes` the perceptual hashes of its photos as numbers."""

    at: datetime
    point: tuple[float, float] | None
    grid: str
    category: str
    author: str
    pairs: frozenset[str]
    numbers: dict[str, frozenset[str]]
    names: dict[str, frozenset[str]]
    hashes: tuple[int, ...]


def side(case: Mapping[str, Any], hashes: Iterable[str] = ()) -> Side:
    """A case's document and the perceptual hashes (16 hex digits) of its photos, made ready for comparing."""
    place = case.get("place") or {}
    lat, lon = place.get("lat"), place.get("lon")
    said = [str(case.get("text") or ""), str(place.get("address") or "")]
    return Side(
        at=seen_at(case),
        point=None if lat is None or lon is None else (math.radians(lat), math.radians(lon)),
        grid=str(case["grid"]),
        category=str(case["category"]),
        author=str(case["author"]),
        pairs=bigrams(normal_text("".join(said))),
        numbers=house_numbers(*said),
        names=place_names(*said),
        hashes=tuple(int(one, 16) for one in hashes),
    )


def metres_between(one: Side, other: Side) -> float | None:
    """Great-circle distance (haversine); None when either place is not known."""
    if one.point is None or other.point is None:
        return None
    (lat1, lon1), (lat2, lon2) = one.point, other.point
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(half)))


def seen_at(case: Mapping[str, Any]) -> datetime:
    """When a case's problem was seen, by our clock: the phone's time corrected, else when the server received it.

    A phone's own clock is never believed, and nothing is seen after it was received.
    """
    received_at = times.from_text(str(case["received_at"]))
    corrected_at = case.get("corrected_at")
    return min(times.from_text(str(corrected_at)), received_at) if corrected_at else received_at


def normal_text(text: str) -> str:
    """Text for comparing: one width, numerals as digits, no punctuation, no stock phrases."""
    return _NO_LETTER.sub("", _STOCK.sub("", _with_digits(text)))


def bigrams(text: str) -> frozenset[str]:
    """Pairs of neighbouring characters of a normal text: Chinese needs no words cut for this."""
    return frozenset(text[at : at + 2] for at in range(len(text) - 1))


def text_likeness(one: Side, other: Side) -> float | None:
    """Dice's coefficient of what both say, 0 to 1; None when either says too little to compare (fewer than 3 bigrams)."""
    if min(len(one.pairs), len(other.pairs)) < 3:
        return None
    return 2 * len(one.pairs & other.pairs) / (len(one.pairs) + len(other.pairs))


def house_numbers(*texts: str) -> dict[str, frozenset[str]]:
    """Numbers of buildings, entrances, floors and rooms that texts name, by kind."""
    whole = " ".join(_with_digits(text) for text in texts)
    found = {kind: frozenset(number.lstrip("0") for number in pattern.findall(whole)) for kind, pattern in _HOUSE_NUMBERS}
    return {kind: numbers for kind, numbers in found.items() if numbers}


def place_names(*texts: str) -> dict[str, frozenset[str]]:
    """Streets and compounds (the last of their characters) and landmarks (their kind) that texts name, by kind."""
    whole = " ".join(texts)
    found = {kind: frozenset(pattern.findall(whole)) for kind, pattern in _NAMES}
    return {kind: names for kind, names in found.items() if names}


def bits_between(one: Side, other: Side) -> int | None:
    """The least Hamming distance of the photos' 64-bit hashes; None when either case has none."""
    return min(((ours ^ theirs).bit_count() for ours in one.hashes for theirs in other.hashes), default=None)


def _with_digits(text: str) -> str:
    return _NUMERAL.sub(lambda found: str(_value(found[0])), unicodedata.normalize("NFKC", text).lower())


def _value(numeral: str) -> int:
    """二十三 → 23; up to 99, which is how far houses are written in numerals."""
    tens, sign, ones = numeral.partition("十")
    if not sign:
        return _NUMERALS[numeral]
    return 10 * _NUMERALS.get(tens, 1) + _NUMERALS.get(ones, 0)
