"""Server-sent events: how one event and one stream look. What is sent is decided by the handlers."""

import json
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

HEARTBEAT = b": still here\n\n"
HEARTBEAT_S = 15.0


def event(data: Any, name: str | None = None) -> bytes:
    """One event of JSON data, with a name when there is one."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


def stream(events: AsyncIterator[bytes]) -> StreamingResponse:
    """The answer that carries events; proxies are told not to hold them back."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)
