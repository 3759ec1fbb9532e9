"""The bodies of questions (`_changes`, `_all_docs`, `_bulk_get`, `_revs_diff`): read as what they must be, and written anew.

A body may name documents that no path may: other devices' checkpoints (`_local/…`) and design documents. Nothing whose id begins
with `_` is asked of the store, and no member that is not listed here reaches it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from sync.gateway.answers import Stop


class DocIds(msgspec.Struct, omit_defaults=True):
    """The body of `_changes` with `filter=_doc_ids`."""

    doc_ids: list[str] | None = None


class Keys(msgspec.Struct, omit_defaults=True):
    """The body of `_all_docs`."""

    keys: list[str] | None = None


class Wanted(msgspec.Struct, omit_defaults=True):
    """One document of `_bulk_get`."""

    id: str
    rev: str | None = None


class BulkGet(msgspec.Struct):
    """The body of `_bulk_get`."""

    docs: list[Wanted]


Revisions = dict[str, list[str]]
SHAPES: Mapping[str, Any] = {"_changes": DocIds, "_all_docs": Keys, "_bulk_get": BulkGet, "_revs_diff": Revisions}
READERS = {name: msgspec.json.Decoder(shape) for name, shape in SHAPES.items()}
KEYS_PARAM = msgspec.json.Decoder(list[str] | str)


def rewrite_body(endpoint: str, body: bytes) -> bytes:
    """The body as the store is asked. Raises Stop for one that is not what this endpoint takes."""
    try:
        found = READERS[endpoint].decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Stop(400, "bad_request", "invalid_json") from None
    _refuse_reserved(_ids_in(found))
    return msgspec.json.encode(found)


def check_params(params: Mapping[str, str]) -> None:
    """Raises Stop when `key` or `keys` name what may not be asked for. What is no JSON is the store's to refuse."""
    for name in ("key", "keys"):
        if name in params:
            try:
                found = KEYS_PARAM.decode(params[name])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise Stop(400, "bad_request", "invalid_json") from None
            _refuse_reserved([found] if isinstance(found, str) else found)


def _ids_in(found: Any) -> Sequence[str]:
    if isinstance(found, DocIds):
        return found.doc_ids or []
    if isinstance(found, Keys):
        return found.keys or []
    if isinstance(found, BulkGet):
        return [one.id for one in found.docs]
    return list(found)


def _refuse_reserved(ids: Sequence[str]) -> None:
    if any(id.startswith("_") for id in ids):
        raise Stop(403, "forbidden", "reserved_id")
