"""Cursors of lists: where the next page begins, as text that callers only hand back."""

import base64
import binascii
from typing import Any

import orjson

from server.domain.errors import InvalidInput


def write(after: list[Any] | None) -> str | None:
    """The cursor behind a row's key, or None when there is nothing behind it."""
    return base64.urlsafe_b64encode(orjson.dumps(after)).decode().rstrip("=") if after else None


def read(text: str | None) -> list[str] | None:
    """The key a cursor stands for: two texts; None without one. Raises InvalidInput for what `write` did not make."""
    if not text:
        return None
    try:
        after = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        after = None
    if not isinstance(after, list) or len(after) != 2 or not all(isinstance(part, str) for part in after):
        raise InvalidInput({"cursor": "invalid"})
    return after
