"""Pictures that need much memory are decoded in a process of their own, which may have only so much of it and of time.

A bomb then ends that process, not the server or the worker. Ordinary camera pictures are decoded where they are: starting a
process costs a fifth of a second. What is decoded is said by `inspect`, `derive` and `scrub`; the other process is `decoder`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from media import errors

MIB = 1 << 20
# What may be decoded inside the server or a worker: 24 megapixels of PNG, 16 of progressive JPEG, 12 of HEIC.
HERE_BYTES = 96 * MIB
# What the other process may take on top of itself: every picture of 100 megapixels but WebP (40) and HEIC (80).
BUDGET_BYTES = 640 * MIB
CPU_S, WAIT_S = 30, 90
# Bytes a pixel costs while it is decoded, measured at 100 megapixels; a baseline JPEG can be reduced while it is read.
_COSTS = {"PNG": 5, "WEBP": 16, "HEIF": 8}
_JPEG_WHOLE, _JPEG_PROGRESSIVE = 6, 6
_ERRORS = {error.code: error for error in (errors.NotAnImage, errors.ImageTruncated, errors.ImageTooLarge)}
_ROOT = str(Path(__file__).resolve().parent.parent)

_own_process = False


def enter_own_process() -> None:
    """Said by `decoder`: from now on everything is decoded here."""
    global _own_process  # noqa: PLW0603 - true for a whole process, once
    _own_process = True


def is_costly(image: Image.Image, is_whole: bool = False) -> bool:
    """True when an opened picture is for another process. `is_whole`: nothing may be left out while decoding.

    Raises ImageTooLarge when it would not fit there either.
    """
    cost_bytes = image.width * image.height * _pixel_bytes(image, is_whole)
    if cost_bytes > BUDGET_BYTES:
        raise errors.ImageTooLarge(f"decoding would take {cost_bytes // MIB} MiB")
    return cost_bytes > HERE_BYTES and not _own_process


def decode_apart(task: str, source: bytes | Path, *arguments: object) -> tuple[Any, list[bytes]]:
    """Have `decoder` do a task: its value and its files. Raises the ImageErrors; ImageTooLarge when it was ended."""
    command = [sys.executable, "-m", "media.decoder", task, str(BUDGET_BYTES), *(str(one) for one in arguments)]
    data = source if isinstance(source, bytes) else source.read_bytes()
    env = {**os.environ, "PYTHONPATH": _ROOT}
    try:
        done = subprocess.run(command, input=data, stdout=subprocess.PIPE, env=env, timeout=WAIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise errors.ImageTooLarge("takes too long to decode") from None
    if done.returncode != 0:
        raise errors.ImageTooLarge(f"the decoder was ended ({done.returncode})")
    return _read(done.stdout)


def write_result(value: object, files: list[bytes]) -> bytes:
    """What `decoder` says at its end."""
    return json.dumps({"value": value, "files": [len(file) for file in files]}).encode() + b"\n" + b"".join(files)


def write_failure(error: errors.ImageError) -> bytes:
    """What it says of a picture that is none."""
    return json.dumps({"error": error.code, "detail": str(error)}).encode() + b"\n"


def _read(said: bytes) -> tuple[Any, list[bytes]]:
    head, _, rest = said.partition(b"\n")
    told = json.loads(head)
    if "error" in told:
        raise _ERRORS[told["error"]](told["detail"])
    files = []
    for length in told["files"]:
        files.append(rest[:length])
        rest = rest[length:]
    return told["value"], files


def _pixel_bytes(image: Image.Image, is_whole: bool) -> int:
    if image.format in _COSTS:
        return _COSTS[image.format]
    return (_JPEG_PROGRESSIVE if image.info.get("progressive") else 0) + (_JPEG_WHOLE if is_whole else 0)
