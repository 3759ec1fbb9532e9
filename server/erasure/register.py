"""What was erased, kept outside the store as well: an older backup of the store knows nothing of it. A file of marks and
erasures, one JSON object a line, only ever added to: `erasures.jsonl` in the data folder and in the folder of backups.

`agree` makes a file and the store say the same, both ways. What a store lacks that a file has was lost by putting the store back,
and so was the erasing: whoever finds that has it done again (`again.py`). A line that a kill tore is passed over.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from server.erasure import store
from sync.couch import Couch

NAME = "erasures.jsonl"
PREFIXES = ("mark:", "erasure:")
Document = dict[str, Any]


def path_in(folder: Path) -> Path:
    """Where a folder has it."""
    return folder / NAME


def agree(couch: Couch, path: Path) -> int:
    """Bring a file and the store to say the same; how many marks the store lacked. Raises OSError and the store's errors."""
    kept, there = _read(path), {doc["_id"]: doc for prefix in PREFIXES for doc in store.everything(couch, prefix)}
    missing = [doc for id, doc in kept.items() if id not in there]
    if missing:
        store.write(couch, [_afresh(doc) for doc in missing])
    _append(path, [doc for id, doc in there.items() if id not in kept])
    return sum(doc["type"] == "mark" for doc in missing)


def _afresh(doc: Document) -> Document:
    """An erasure that is to be carried out once more, as far as it ever was."""
    return doc | {"state": "asked", "done_at": None, "proved_at": None, "purged_at": None} if doc["type"] == "erasure" else doc


def _read(path: Path) -> dict[str, Document]:
    found: dict[str, Document] = {}
    try:
        with path.open("rb") as lines:
            for line in lines:
                doc = _doc_of(line)
                if doc:
                    found[doc["_id"]] = doc
    except FileNotFoundError:
        pass
    return found


def _doc_of(line: bytes) -> Document | None:
    try:
        doc = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    is_ours = isinstance(doc, dict) and str(doc.get("_id", "")).startswith(PREFIXES) and doc.get("type") in {"mark", "erasure"}
    return doc if is_ours else None


def _append(path: Path, docs: Iterable[Document]) -> None:
    """Durably, in one write; a line that another process wrote meanwhile is there twice, which says nothing else."""
    lines = [orjson.dumps({name: value for name, value in doc.items() if name != "_rev"}) for doc in docs]
    if not lines:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    # A line break first, too: what a kill left torn must not swallow what follows.
    text = b"\n" + b"\n".join(lines) + b"\n"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(handle, text)
        os.fsync(handle)
    finally:
        os.close(handle)
