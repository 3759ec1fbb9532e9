"""Turns any JSON value into bytes whose plain byte order is the order of CouchDB views.

SQLite compares BLOBs with memcmp, so a view's rows are one clustered table and every range is one index scan. Order of
types: null, false, true, numbers, strings, arrays, objects. Strings follow the root collation of Unicode at three
levels (letter, accent, case): exact for ASCII, close for Latin-1, and right between scripts. Within the other scripts
letters sort by code point, which is also what the root collation does for Chinese. What is not here: tailorings of a
language (Pinyin order) and contractions.
"""

import struct
import unicodedata
from functools import lru_cache
from typing import Any

NULL, FALSE, TRUE, NUMBER, STRING, ARRAY, OBJECT = (bytes([tag]) for tag in (0x10, 0x11, 0x12, 0x20, 0x30, 0x40, 0x50))
END = b"\x00"  # closes an array or object: below every tag, so that the shorter one comes first
LEVEL_END = b"\x01"  # closes a level of a string: below every weight
COMMON = b"\x02"  # a letter without accent, in lower case; trailing ones are cut off
HIGHEST = b"\xff"  # above every tag and every weight

# The root collation's order of what is neither letter nor digit, as recorded from CouchDB for ASCII.
SPACES = "\t\n\v\f\r\x85\u2028\u2029 "
PUNCTUATION = "_-,;:!¡?¿.·'\"«»()[]{}§¶@*/\\&#%"
SYMBOLS = "`´¨^¯¸°©®+±÷×<=>|¦~¬"
CURRENCIES = "¤¢$£¥"
FIRST_LETTER = 0x52  # letters take every second weight: the one between is for the likes of ð, which follows d
OTHER_NUMERAL, OTHER_LETTER, HAN, RARE_HAN, UNASSIGNED, LAST = 0x50, 0x90, 0xA0, 0xA1, 0xB0, 0xFD
ACCENTS = "\u0301\u0300\u0306\u0302\u030c\u030a\u0308\u030b\u0303\u0307\u0338\u0327\u0328\u0304"
EXPANSIONS = {"ß": "ss", "æ": "ae", "Æ": "AE", "ø": "o\u0338", "Ø": "O\u0338"}
AFTER_LETTER = {"ð": "d", "đ": "d", "þ": "z"}
WIDE, COMPATIBLE, UPPER, FOREIGN_DIGIT = 1, 2, 6, b"\x20"

Weights = tuple[bytes, bytes, bytes]


def _plain_weights() -> dict[str, int]:
    """One-byte primary weights; the byte after each group is left for the group's characters beyond Latin-1."""
    weights, at = {}, 0x02
    for group in (SPACES, PUNCTUATION, SYMBOLS, CURRENCIES):
        for char in group:
            weights[char] = at
            at += 1
        at += 1
    for digit in "0123456789":
        weights[digit] = at
        at += 1
    for index, letter in enumerate("abcdefghijklmnopqrstuvwxyz"):
        weights[letter] = FIRST_LETTER + 2 * index
    return weights


PLAIN = _plain_weights()
OTHER_OF_CATEGORY = {
    "Z": PLAIN[" "] + 1,
    "P": PLAIN["%"] + 1,
    "S": PLAIN["¬"] + 1,
    "Sc": PLAIN["¥"] + 1,
    "N": OTHER_NUMERAL,
    "Cn": UNASSIGNED,
    "Co": UNASSIGNED,
    "Cs": UNASSIGNED,
}
ASCII_PRIMARY = bytes(PLAIN.get(chr(code).lower(), 0) for code in range(128)) + bytes(128)
ASCII_TERTIARY = bytes(COMMON[0] + UPPER if chr(code).isupper() else COMMON[0] for code in range(128)) + bytes(128)
ASCII_IGNORED = bytes(code for code in range(128) if not ASCII_PRIMARY[code])


def encode(value: Any) -> bytes:
    """Return the sort key of a JSON value. RecursionError on absurd depth, TypeError on what is not JSON."""
    if value is None:
        return NULL
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, str):
        return _encode_string(value)
    if isinstance(value, int | float):
        return _encode_number(value)
    if isinstance(value, list | tuple):
        return ARRAY + b"".join(map(encode, value)) + END
    if isinstance(value, dict):
        return OBJECT + b"".join(_encode_string(name) + encode(item) for name, item in value.items()) + END
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def encode_prefix(elements: list[Any]) -> bytes:
    """Return what the sort keys of all arrays that begin with these elements begin with."""
    return ARRAY + b"".join(map(encode, elements))


def _encode_number(number: float) -> bytes:
    try:
        as_float = float(number) + 0.0  # makes -0.0 equal to 0.0
    except OverflowError:
        as_float = float("inf") if number > 0 else float("-inf")
    bits: int = struct.unpack(">Q", struct.pack(">d", as_float))[0]
    bits = bits ^ 0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else bits | 1 << 63
    return NUMBER + bits.to_bytes(8, "big")


def _encode_string(text: str) -> bytes:
    if text.isascii():
        raw = text.encode()
        case = raw.translate(ASCII_TERTIARY, ASCII_IGNORED).rstrip(COMMON)
        return STRING + raw.translate(ASCII_PRIMARY, ASCII_IGNORED) + LEVEL_END + LEVEL_END + case + LEVEL_END
    primary, secondary, tertiary = _joined([_weigh(char) for char in text])
    return b"".join((STRING, primary, LEVEL_END, secondary.rstrip(COMMON), LEVEL_END, tertiary.rstrip(COMMON), LEVEL_END))


def _joined(parts: list[Weights]) -> Weights:
    return b"".join(p[0] for p in parts), b"".join(p[1] for p in parts), b"".join(p[2] for p in parts)


def _unit(lead: int, char: str) -> bytes:
    """A weight by code point: three bytes of seven bits, none of them below 0x80."""
    code = ord(char)
    return bytes((lead, 0x80 | code >> 14, 0x80 | code >> 7 & 0x7F, 0x80 | code & 0x7F))


@lru_cache(maxsize=8192)
def _weigh(char: str) -> Weights:
    if char in PLAIN:
        return bytes((PLAIN[char],)), COMMON, COMMON
    if char in EXPANSIONS:
        return _shift(_joined([_weigh(part) for part in EXPANSIONS[char]]), COMPATIBLE)
    lower = char.lower()
    if lower != char and len(lower) == 1 and char not in EXPANSIONS:
        return _shift(_weigh(lower), UPPER)
    decomposition = unicodedata.decomposition(char).split()
    if decomposition:
        return _weigh_decomposed(decomposition)
    return _weigh_by_category(char)


def _weigh_decomposed(decomposition: list[str]) -> Weights:
    tag = decomposition.pop(0) if decomposition[0].startswith("<") else ""
    parts = _joined([_weigh(chr(int(code, 16))) for code in decomposition])
    shift = 0 if not tag else WIDE if tag == "<wide>" else COMPATIBLE
    return _shift(parts, shift)


def _weigh_by_category(char: str) -> Weights:
    category = unicodedata.category(char)
    if category in ("Mn", "Me"):
        at = ACCENTS.find(char)
        return b"", bytes((3 + at,)) if at >= 0 else _unit(0x12, char), COMMON
    if category in ("Cc", "Cf"):
        return b"", b"", b""
    if category == "Nd":
        digit = str(unicodedata.decimal(char))
        return bytes((PLAIN[digit],)), COMMON, _unit(FOREIGN_DIGIT[0], char)
    return _unit(_lead_of(char, category), char), COMMON, COMMON


def _lead_of(char: str, category: str) -> int:
    if char == "\uffff":
        return LAST
    if char in AFTER_LETTER:
        return PLAIN[AFTER_LETTER[char]] + 1
    if "\u4e00" <= char <= "\u9fff":
        return HAN
    if unicodedata.name(char, "").startswith("CJK UNIFIED IDEOGRAPH"):
        return RARE_HAN
    return OTHER_OF_CATEGORY.get(category) or OTHER_OF_CATEGORY.get(category[0], OTHER_LETTER)


def _shift(weights: Weights, by: int) -> Weights:
    """The same letters with another third level: wide, compatible or upper case."""
    primary, secondary, tertiary = weights
    return primary, secondary, bytes(min(weight + by, 0x1F) if weight < 0x20 else weight for weight in tertiary)
