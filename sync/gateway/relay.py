"""Handing an answer of the store on to a client as it comes, and watching over it while it lasts.

An open stream ends when the client goes, when its token is revoked (asked again every `RECHECK_S`), or when the store breaks
off; a broken stream is left visibly incomplete, never rounded off to look whole.
"""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from sync.gateway.wire import Receive, Send

RECHECK_S = 2.0
KEPT_HEADERS = ("etag", "content-length")


async def relay_answer(answer: aiohttp.ClientResponse, send: Send) -> None:
    """Send the store's status, the few headers that matter and the body, chunk by chunk."""
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    headers += [(name.encode(), answer.headers[name].encode("latin-1")) for name in KEPT_HEADERS if name in answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if answer.status >= 400:
        # Small, and perhaps read already on the way here.
        await send({"type": "http.response.body", "body": await answer.read()})
        return
    try:
        async for chunk in answer.content.iter_any():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
    except (aiohttp.ClientError, TimeoutError, OSError):
        return
    await send({"type": "http.response.body", "body": b""})


async def watch_over(work: Awaitable[None], receive: Receive, is_still_welcome: Callable[[], Awaitable[bool]]) -> bool:
    """Run a long answer until it is done. False when it was cut off because the token is no longer good."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_wait_for_disconnect(receive))
    try:
        while not task.done():
            await asyncio.wait({task, gone}, timeout=RECHECK_S, return_when=asyncio.FIRST_COMPLETED)
            if gone.done():
                return True
            if not task.done() and not await is_still_welcome():
                return False
        task.result()
        return True
    finally:
        for one in (task, gone):
            one.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _wait_for_disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
