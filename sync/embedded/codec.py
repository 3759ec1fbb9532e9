"""JSON in and out, exactly: orjson where it is exact, the standard library where it is not.

orjson reads integers beyond 64 bits as floats and cannot write them; CouchDB keeps them, so text with such numbers takes
the slow road. Here is no knowledge of documents.
"""

import json
from typing import Any

import orjson

from sync.embedded.refusals import Refusal, bad_request

# Numbers that need care: 19 digits may be more than 64 bits, and e-3xx may be a denormal, which CouchDB flushes to zero.
# To find them fast, every byte is mapped to its kind (a digit, a separator, e, -, other), so that plain searches do.
_KINDS = bytes(
    ord("0") if chr(byte).isdigit() and byte < 128 else ord(",") if chr(byte) in ",:[]{} \t\r\n" else byte | 0x20
    for byte in range(256)
)
_NEEDING_CARE = (b"," + b"0" * 19, b",-" + b"0" * 19, b"e-000,")
_LEAST_NORMAL = 2.2250738585072014e-308

Fragment = orjson.Fragment


def parse(raw: bytes) -> Any:
    """The value of JSON text; raises a 400 refusal when it is not UTF-8 JSON."""
    try:
        return _parse_exactly(raw) if _needs_care(raw) else orjson.loads(raw)
    except (ValueError, RecursionError):
        raise malformed() from None


def malformed() -> Refusal:
    """CouchDB's answer to text that is not JSON."""
    return bad_request("invalid UTF-8 JSON")


def dump(value: Any) -> bytes:
    """Compact JSON text of a parsed value (no `Fragment` beside integers beyond 64 bits)."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def dump_sorted(value: Any) -> bytes:
    """The same with object keys in order, for hashing."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _needs_care(raw: bytes) -> bool:
    kinds = raw.translate(_KINDS)
    return any(pattern in kinds for pattern in _NEEDING_CARE)


def _parse_exactly(raw: bytes) -> Any:
    value = json.loads(raw.decode(), parse_float=_read_float, parse_constant=_refuse_constant)
    json.dumps(value, ensure_ascii=False).encode()  # a lone surrogate has no UTF-8: UnicodeEncodeError is a ValueError
    return value


def _read_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(text)
    return value if abs(value) >= _LEAST_NORMAL else 0.0


def _refuse_constant(word: str) -> float:
    raise ValueError(word)
