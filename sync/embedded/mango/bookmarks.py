"""Where an answer ended, as text for the client to go on from: the id and, in a JSON index, the sort key of the last row."""

import base64
import binascii

import orjson

from sync.embedded.refusals import Refusal

NONE = "nil"


def write_bookmark(id_: str, key: bytes | None) -> str:
    """Text without spaces; `key` is the row's sort key, None in the primary index."""
    packed = orjson.dumps([id_, None if key is None else base64.b64encode(key).decode()])
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_bookmark(text: str) -> tuple[str, bytes | None]:
    """What `write_bookmark` was given. Raises 400."""
    try:
        id_, key = orjson.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if isinstance(id_, str) and isinstance(key, str | None):
            return id_, None if key is None else base64.b64decode(key, validate=True)
    except (ValueError, TypeError, binascii.Error):
        pass
    raise Refusal(400, "invalid_bookmark", f"Invalid bookmark value: {orjson.dumps(text).decode()}")
