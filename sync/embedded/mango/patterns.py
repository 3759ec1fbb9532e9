"""Regular expressions of `$regex`: from PCRE, as CouchDB has it, to Python's engine.

CouchDB matches bytes, not letters: a dot is one byte of UTF-8, and `(?i)` folds ASCII only. So are they here. What
Python's engine does not know (`\\p{Han}`, recursion, `\\K`) is refused like a pattern that does not compile.
A pattern may take for ever to fail: only a mapper process matches them, see `containment`.
"""

import re
import warnings

MOST_PATTERN_BYTES = 4096

_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": r"\s",
    "blank": r" \t",
    "punct": r"!-/:-@\[-`{-~",
    "xdigit": "0-9A-Fa-f",
    "word": r"\w",
    "cntrl": r"\x00-\x1f\x7f",
    "print": r"\x20-\x7e",
    "graph": r"\x21-\x7e",
}
_PIECE = re.compile(r"\\.|\[:\^?[a-z]+:\]|\(\?<(?![=!])|\[|\]|.", re.DOTALL)
_ENDS = {r"\z": r"\Z", r"\Z": r"(?=\n?\Z)", r"\h": r"[ \t]"}


def compile_pattern(text: str) -> re.Pattern[bytes]:
    """The compiled pattern. Raises ValueError when it is none, is too long, or needs what is not here."""
    raw = _translate(text).encode()
    if len(raw) > MOST_PATTERN_BYTES:
        raise ValueError("too long")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # what Python finds doubtful, it reads otherwise than PCRE
            return re.compile(raw)
    except (re.error, RecursionError, OverflowError, MemoryError, Warning) as error:
        raise ValueError(str(error)) from None


def _translate(text: str) -> str:
    """What PCRE writes otherwise: named groups, classes of characters, ends of the text."""
    parts: list[str] = []
    is_in_set = False
    for piece in _PIECE.findall(text):
        if is_in_set:
            parts.append(_read_class(piece) if piece.startswith("[:") else r"\[" if piece == "[" else piece)
            is_in_set = piece != "]" or parts[-2:] in (["[", "]"], ["^", "]"])
        else:
            parts.append("(?P<" if piece == "(?<" else _ENDS.get(piece, piece))
            is_in_set = piece == "["
    return "".join(parts)


def _read_class(piece: str) -> str:
    name = piece[2:-2]
    if name not in _CLASSES:
        raise ValueError(f"unknown class {piece}")
    return _CLASSES[name]
