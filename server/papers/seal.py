"""The seal of a paper: SHA-256 over the canonical JSON of what it states, the hash of each photo's sent file among it. Pure.

Same content, same seal; whoever has the paper can find what was sealed by the seal alone (`paper:<seal>` in `cases-<9>`,
`making.py`). It proves what was stated, not who signed: stamp and signature are put on by hand.
"""

import hashlib
import re
from typing import Any

import orjson

Statement = dict[str, Any]
SEAL = re.compile(r"[0-9a-f]{64}")


def seal_of(statement: Statement) -> str:
    """64 hex digits. Keys in order, no spaces, UTF-8, instants as text: the same on every machine."""
    return hashlib.sha256(orjson.dumps(statement, option=orjson.OPT_SORT_KEYS)).hexdigest()


def is_seal(text: str) -> bool:
    """True for what could be a seal."""
    return SEAL.fullmatch(text) is not None


def paper_id(seal: str) -> str:
    """Where a made paper is kept."""
    return f"paper:{seal}"


def groups_of(seal: str) -> list[str]:
    """The seal in groups of eight, as people compare it."""
    return [seal[start : start + 8] for start in range(0, len(seal), 8)]
