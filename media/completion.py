"""The last byte has arrived: prove the file whole, look at it, hand it over, and only then let go of it.

Whatever fails here leaves the received bytes where they are, unless sending them again is the remedy.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from media.errors import ImageError, MediaError, Refused, StorageFull, Unavailable
from media.inspect import Facts, read_any, sniff_any
from media.partials import Held, Ticket
from media.tus import Meta, Problem

# Seconds the phone should wait before it asks again.
_RETRY_AFTER_S = "10"
_RETRY_AFTER_FULL_S = "60"


@dataclass(frozen=True)
class Uploader:
    """Who is sending: the device's id and the user name it is enrolled for."""

    device: str
    user: str


@dataclass(frozen=True)
class Upload:
    """A whole file, its hash proven. `problem` is the code of what makes it neither picture nor sound: then `facts` is None
    and the bytes belong in quarantine. `path` is valid only until the receiver returns."""

    meta: Meta
    path: Path
    size_bytes: int
    sha256: str
    content_type: str | None
    facts: Facts | None = None
    problem: str | None = None


Finish = Callable[[Upload, Uploader], Awaitable[None]]


class Completion:
    """Turns a full upload into a kept file by way of `finish`; decodes one picture at a time to bound memory."""

    def __init__(self, finish: Finish, max_pixels: int) -> None:
        self._finish = finish
        self._max_pixels = max_pixels
        self._one_decode = asyncio.Semaphore(1)

    async def complete(self, held: Held, ticket: Ticket, uploader: Uploader) -> None:
        """Returns once the file is durable elsewhere. Raises Problem: 422 with `quarantined`, or 503 to try again."""
        sha256 = (await asyncio.to_thread(held.digest, "sha256")).hex()
        if sha256 != ticket.sha256:
            held.discard()
            raise Problem(422, "hash_mismatch", "the file's SHA-256 is another; send it again", quarantined=False)
        upload = await self._inspect(held, ticket, sha256)
        outcome = await self._hand_over(upload, uploader) or upload.problem or "stored"
        await asyncio.to_thread(held.finish, ticket, outcome)
        answer_outcome(outcome)

    async def _inspect(self, held: Held, ticket: Ticket, sha256: str) -> Upload:
        path = held.shelf.part(held.upload)
        meta = Meta(ticket.photo, ticket.role, ticket.database, ticket.sha256, ticket.filetype)
        facts, problem = None, None
        async with self._one_decode:
            try:
                facts = await asyncio.to_thread(read_any, path, self._max_pixels)
            except ImageError as error:
                problem = error.code
        return Upload(meta, path, ticket.length_bytes, sha256, sniff_any(path), facts, problem)

    async def _hand_over(self, upload: Upload, uploader: Uploader) -> str | None:
        """The code it was refused with while its bytes are kept, or None. A refusal without keeping stays retryable."""
        try:
            await self._finish(upload, uploader)
        except Refused as error:
            if error.is_kept:
                return error.code
            raise Problem(422, error.code, str(error), quarantined=False) from error
        except (StorageFull, Unavailable) as error:
            raise answer_unavailable(error) from error
        except MediaError as error:
            raise Problem(422, error.code, str(error), quarantined=False) from error
        return None


def answer_outcome(outcome: str) -> None:
    """Raise what a finished but refused upload is answered with, the first time and every time after."""
    if outcome != "stored":
        raise Problem(422, outcome, "kept in quarantine for a clerk to look at", quarantined=True)


def answer_unavailable(error: Unavailable) -> Problem:
    """503: nothing is lost, the offset stays, come back later."""
    wait_s = _RETRY_AFTER_FULL_S if isinstance(error, StorageFull) else _RETRY_AFTER_S
    return Problem(503, error.code, "what was received is kept; try again later").with_headers(Retry_After=wait_s)
