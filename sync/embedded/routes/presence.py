"""Answers that take long end when the client does."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from sync.embedded.exchange import Request


async def talk_while_there(request: Request, talking: Coroutine[Any, Any, None]) -> None:
    """Runs it to its end or until the client has gone; the request's body must have been read."""
    gone = asyncio.create_task(request.wait_until_gone())
    talk = asyncio.create_task(talking)
    try:
        await asyncio.wait({gone, talk}, return_when=asyncio.FIRST_COMPLETED)
        if talk.done():
            talk.result()
    finally:
        gone.cancel()
        talk.cancel()
        await asyncio.gather(gone, talk, return_exceptions=True)
