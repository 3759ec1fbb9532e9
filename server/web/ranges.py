"""Parts of a file (RFC 9110 §14): players ask for them to jump within a sound, and some play nothing without. One a request."""

import re

from starlette.requests import Request
from starlette.responses import Response

_ONE_PART = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


def answer(request: Request, data: bytes, headers: dict[str, str], content_type: str) -> Response:
    """The whole, the part that was asked for (206), or 416 when there is none such. What is not understood is answered whole."""
    headers = headers | {"Accept-Ranges": "bytes"}
    asked = _ONE_PART.fullmatch(request.headers.get("range", "").strip())
    if asked is None or asked.groups() == ("", "") or request.headers.get("if-range", headers["ETag"]) != headers["ETag"]:
        return Response(data, headers=headers, media_type=content_type)
    first, last = asked.groups()
    start = int(first) if first else max(0, len(data) - int(last))
    end = min(int(last), len(data) - 1) if first and last else len(data) - 1
    if start > end:
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{len(data)}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{len(data)}"
    return Response(data[start : end + 1], status_code=206, headers=headers, media_type=content_type)
