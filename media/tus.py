"""The words of the tus 1.0.0 protocol: headers in, answers out (https://tus.io/protocols/resumable-upload).

No state and no disk here: `uploads` decides what to do, `partials` keeps the bytes.
"""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination"
CHECKSUMS = ("sha1", "sha256")
CHUNK_TYPE = "application/offset+octet-stream"
ROLES = ("sent", "original")

_MAX_METADATA_CHARS = 4096
_NUMBER = re.compile(r"\d{1,15}")
_SHAPES = {
    "photo": re.compile(r"photo:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "role": re.compile("|".join(ROLES)),
    "database": re.compile(r"[a-z][a-z0-9_-]{1,99}"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
    "filetype": re.compile(r"[\x20-\x7e]{0,100}"),
}
_TITLES = {
    "storage_full": "The server's disk is full",
    "unavailable": "The server cannot keep the file right now",
    "hash_mismatch": "The file arrived damaged",
    "checksum_mismatch": "The chunk arrived damaged",
    "not_an_image": "The file is not a picture",
    "image_truncated": "The picture is incomplete",
    "image_too_large": "The picture has too many pixels",
    "locked": "Another request is writing to this upload",
    "offset_mismatch": "The upload continues elsewhere",
    "too_large": "The file is too large",
    "quota": "Too many unfinished uploads",
}


@dataclass(frozen=True)
class Meta:
    """What the phone says about a file. `sha256` is lower-case hex of the whole file; `filetype` is only a claim."""

    photo: str
    role: str
    database: str
    sha256: str
    filetype: str = ""


class Problem(Exception):
    """An answer other than success; `extra` members and `headers` go out with it."""

    def __init__(self, status: int, code: str, detail: str = "", **extra: object) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status, self.code, self.detail, self.extra = status, code, detail, extra
        self.headers: dict[str, str] = {}

    def with_headers(self, **headers: str) -> "Problem":
        """The same problem with header lines; underscores in names stand for hyphens."""
        self.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return self


def answer_problem(problem: Problem) -> Response:
    """RFC 9457; `code` is what the phone translates."""
    body = {
        "type": f"urn:xunge:problem:{problem.code}",
        "title": _TITLES.get(problem.code, "The upload was refused"),
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        **problem.extra,
    }
    return JSONResponse(body, problem.status, headers(**problem.headers), "application/problem+json")


def headers(**more: str) -> dict[str, str]:
    """The lines every answer carries, and more; underscores in names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in more.items()}
    return {"Tus-Resumable": VERSION, "Cache-Control": "no-store", **named}


def expiry_line(expires_at: datetime) -> str:
    """Value of `Upload-Expires`."""
    return format_datetime(expires_at, usegmt=True)


def read_number(found: Headers, name: str) -> int:
    """A required header holding a count of bytes."""
    text = found.get(name, "")
    if not _NUMBER.fullmatch(text):
        raise Problem(400, "bad_header", f"{name} must be a number of bytes")
    return int(text)


def read_length(found: Headers, max_size_bytes: int) -> int:
    """`Upload-Length`, within bounds; a deferred length is not supported."""
    length = read_number(found, "upload-length")
    if length > max_size_bytes:
        raise Problem(413, "too_large", f"a file may have at most {max_size_bytes} bytes", max_size_bytes=max_size_bytes)
    if length == 0:
        raise Problem(400, "empty", "an empty file is not a picture")
    return length


def read_metadata(found: Headers) -> Meta:
    """`Upload-Metadata` as our five names; others are ignored, a wrong or missing one is named in `fields`."""
    text = found.get("upload-metadata", "")
    if len(text) > _MAX_METADATA_CHARS:
        raise Problem(400, "invalid_metadata", f"metadata may have at most {_MAX_METADATA_CHARS} characters")
    values = {"filetype": "", **dict(_read_pair(pair) for pair in text.split(",") if pair.strip())}
    wrong = [name for name, shape in _SHAPES.items() if not shape.fullmatch(values.get(name, "\0"))]
    if wrong:
        raise Problem(400, "invalid_metadata", f"missing or malformed: {', '.join(wrong)}", fields=wrong)
    return Meta(**{name: values[name] for name in _SHAPES})


def write_metadata(meta: object) -> str:
    """`Upload-Metadata` again, from anything that has the five names."""
    values = {name: str(getattr(meta, name)) for name in _SHAPES}
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def _read_pair(pair: str) -> tuple[str, str]:
    name, _, encoded = pair.strip().partition(" ")
    try:
        return name, base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError):
        raise Problem(400, "invalid_metadata", f"{name[:40]} is not base64 of UTF-8", fields=[name[:40]]) from None


def read_checksum(found: Headers) -> tuple[str, bytes] | None:
    """`Upload-Checksum` as (algorithm, digest), or None when the chunk carries none."""
    text = found.get("upload-checksum")
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    if algorithm not in CHECKSUMS:
        raise Problem(400, "bad_header", f"checksums are {' or '.join(CHECKSUMS)}")
    try:
        return algorithm, base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise Problem(400, "bad_header", "Upload-Checksum is not base64") from None
