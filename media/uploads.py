"""The resumable upload endpoint (tus 1.0.0): what each request does. Mount it where the public interface says.

Headers are read in `tus`, bytes lie in `partials`, a full file goes through `completion`. Who may upload and where a
file is kept is decided by the caller's policy and `finish`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from media import tus
from media.body import Inbox, Interrupted, Sink, read_body
from media.completion import Completion, Finish, Uploader, answer_outcome, answer_unavailable
from media.errors import Unavailable
from media.partials import Busy, Held, Shelf, Ticket, upload_id
from media.pictures import MAX_PIXELS
from media.sweep import EXPIRES_S, read_expiry
from media.tus import Meta, Problem

_MIB = 1 << 20
# A creation that carries the file from its start again is read, its first bytes skipped, when no more than this is sent twice.
_SENT_AGAIN_BYTES = 64 * 1024
# How long a question for the offset waits for a writer that has fallen silent.
_TELL_WAIT_S = 1.0


class UploadPolicy(Protocol):
    """What the server decides: who is asking, and whether they may send this photo to this database."""

    async def identify(self, authorization: str | None) -> Uploader | None:
        """The sender behind an `Authorization` header; None answers 401."""

    async def may_upload(self, uploader: Uploader, database: str, photo: str) -> str | None:
        """None when allowed, else the machine-readable reason; it answers 403."""


class Gone(Problem):
    """The upload is no longer where it was: finished by another request, expired or terminated."""


@dataclass(frozen=True)
class Limits:
    """Bounds on what one device may leave here, and on waiting."""

    max_size_bytes: int = 25 * _MIB
    max_unfinished: int = 200
    max_unfinished_bytes: int = 512 * _MIB
    max_pixels: int = MAX_PIXELS
    idle_s: float = 30.0
    lock_wait_s: float = 3.0
    expires_s: float = EXPIRES_S


def create_uploads(folder: Path, policy: UploadPolicy, finish: Finish, limits: Limits | None = None) -> ASGIApp:
    """The endpoint as an ASGI app. `folder` must be storage that all server processes share."""
    return Uploads(folder, policy, finish, limits or Limits())


class Uploads:
    """One instance a process; state lies only in `folder`."""

    def __init__(self, folder: Path, policy: UploadPolicy, finish: Finish, limits: Limits) -> None:
        self._folder, self._policy, self._limits = folder, policy, limits
        self._completion = Completion(finish, limits.max_pixels)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; everything foreseen becomes problem+json."""
        if scope["type"] != "http":
            return
        found = Headers(scope=scope)
        inbox = Inbox(receive, has_body="transfer-encoding" in found or found.get("content-length", "0") != "0")
        try:
            response = await self._answer(scope, inbox)
        except Problem as problem:
            response = tus.answer_problem(problem)
        except Unavailable as error:
            response = tus.answer_problem(answer_unavailable(error))
        if not await inbox.ends_soon():
            response.headers["Connection"] = "close"
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        found = Headers(scope=scope)
        method = found.get("x-http-method-override", scope["method"]).upper()
        last = scope["path"].rstrip("/").rpartition("/")[2]
        upload = last if len(last) == 40 and last.isalnum() else None
        if method == "OPTIONS":
            return self._describe()
        if found.get("tus-resumable") != tus.VERSION:
            problem = Problem(412, "tus_version", f"only tus {tus.VERSION} is spoken here")
            raise problem.with_headers(Tus_Version=tus.VERSION)
        uploader = await self._policy.identify(found.get("authorization"))
        if uploader is None:
            raise Problem(401, "unauthorized", "a device token is needed").with_headers(WWW_Authenticate="Bearer")
        exchange = Exchange(scope["path"].rstrip("/"), found, receive, uploader, Shelf(self._folder, uploader.device))
        if upload is None and method == "POST":
            return await self._create(exchange)
        steps = {"HEAD": self._tell, "PATCH": self._append, "DELETE": self._drop}
        if upload is None or method not in steps:
            allowed = "OPTIONS, HEAD, PATCH, DELETE" if upload else "OPTIONS, POST"
            raise Problem(405, "method", f"allowed here: {allowed}").with_headers(Allow=allowed)
        ticket = exchange.shelf.read(upload)
        if ticket is None:
            raise Problem(404, "no_such_upload", "unknown or expired: create it again")
        return await steps[method](exchange, ticket)

    def _describe(self) -> Response:
        lines = {"Tus_Version": tus.VERSION, "Tus_Extension": tus.EXTENSIONS}
        sizes = {"Tus_Max_Size": str(self._limits.max_size_bytes), "Tus_Checksum_Algorithm": ",".join(tus.CHECKSUMS)}
        return Response(status_code=204, headers=tus.headers(**lines, **sizes))

    async def _create(self, exchange: "Exchange") -> Response:
        """POST. The same file again finds its upload again: bytes it already sent are skipped, not stored twice."""
        length, meta = tus.read_length(exchange.found, self._limits.max_size_bytes), tus.read_metadata(exchange.found)
        reason = await self._policy.may_upload(exchange.uploader, meta.database, meta.photo)
        if reason:
            raise Problem(403, reason, "this device may not send that photo there")
        wanted = _make_ticket(meta, length, exchange.uploader)
        location = f"{exchange.path}/{wanted.upload}"
        known = exchange.shelf.read(wanted.upload)
        if known is None:
            await asyncio.to_thread(self._check_quota, exchange.shelf, wanted)
        try:
            await self._begin(exchange, wanted, known)
        except Problem as problem:
            raise problem.with_headers(Location=location) from None
        ticket = exchange.shelf.read(wanted.upload)
        return self._told(201, exchange.shelf, ticket or wanted, Location=location)

    async def _begin(self, exchange: "Exchange", wanted: Ticket, known: Ticket | None) -> None:
        if known and known.outcome:
            answer_outcome(known.outcome)
            return
        async with self._holding(exchange.shelf, wanted.upload, create=True) as held:
            ticket = exchange.shelf.read(wanted.upload)
            if ticket and ticket.outcome:
                exchange.shelf.remove(wanted.upload, "part", "json")  # finished while we waited for the lock
                answer_outcome(ticket.outcome)
                return
            if ticket != wanted:
                if ticket is None or ticket.length_bytes != wanted.length_bytes:
                    held.cut(0)
                await asyncio.to_thread(exchange.shelf.write_ticket, wanted)
            # Of a file begun long ago only the offset is told: on a slow link the phone must not send all of it again.
            if exchange.found.get("content-type") == tus.CHUNK_TYPE and held.offset <= _SENT_AGAIN_BYTES:
                await self._receive(exchange, held, wanted, start=0)
            await self._complete_if_full(exchange, held, wanted)

    async def _tell(self, exchange: "Exchange", ticket: Ticket) -> Response:
        """HEAD. A full offset is told only when the file is safe, because the phone then lets go of it."""
        if not ticket.outcome and exchange.shelf.size(ticket.upload) >= ticket.length_bytes:
            with suppress(Gone):
                async with self._holding(exchange.shelf, ticket.upload) as held:
                    await self._complete_if_full(exchange, held, ticket)
        elif not ticket.outcome:
            await self._wait_for_silent(exchange.shelf, ticket.upload)
            await asyncio.to_thread(exchange.shelf.sync, ticket.upload)
        found = exchange.shelf.read(ticket.upload)
        if found is None:
            raise Gone(404, "no_such_upload", "expired or terminated: create it again")
        ticket = found
        if ticket.outcome not in {"", "stored"}:
            raise Problem(410, ticket.outcome, "finished and refused", quarantined=True)
        lines = {"Upload_Length": str(ticket.length_bytes), "Upload_Metadata": tus.write_metadata(ticket)}
        return self._told(200, exchange.shelf, ticket, **lines)

    async def _wait_for_silent(self, shelf: Shelf, upload: str) -> None:
        """A phone that asks has usually lost the link it wrote on: the writer left behind ends first, so that the offset told
        is the last one. A writer to whom bytes still come keeps the upload, and what is there by then is told."""
        with suppress(Problem):
            async with self._holding(shelf, upload, wait_s=min(_TELL_WAIT_S, self._limits.lock_wait_s)):
                return

    async def _append(self, exchange: "Exchange", ticket: Ticket) -> Response:
        """PATCH."""
        if exchange.found.get("content-type") != tus.CHUNK_TYPE:
            raise Problem(415, "content_type", f"chunks are {tus.CHUNK_TYPE}")
        start = tus.read_number(exchange.found, "upload-offset")
        if not ticket.outcome:
            async with self._holding(exchange.shelf, ticket.upload) as held:
                _check_offset(start, held.offset)
                await self._receive(exchange, held, ticket, start)
                await self._complete_if_full(exchange, held, ticket)
        else:
            answer_outcome(ticket.outcome)
            _check_offset(start, ticket.length_bytes)
        return self._told(204, exchange.shelf, exchange.shelf.read(ticket.upload) or ticket)

    async def _drop(self, exchange: "Exchange", ticket: Ticket) -> Response:
        """DELETE, as long as the file is not finished: what has been kept is no longer the phone's to remove."""
        if ticket.outcome:
            raise Problem(403, "upload_finished", "a finished upload cannot be terminated")
        async with self._holding(exchange.shelf, ticket.upload) as held:
            held.discard()
        return Response(status_code=204, headers=tus.headers())

    async def _receive(self, exchange: "Exchange", held: Held, ticket: Ticket, start: int) -> None:
        """Stream the body, which begins at `start` of the file, to disk; what we have already is skipped."""
        before = held.offset
        checksum, room = tus.read_checksum(exchange.found), ticket.length_bytes - start
        if "content-length" in exchange.found and tus.read_number(exchange.found, "content-length") > room:
            raise Problem(413, "too_large", f"only {room} bytes are missing")
        sink = Sink(held, room, skip=before - start)
        body = read_body(exchange.receive, self._limits.idle_s, lambda: exchange.shelf.is_claimed(ticket.upload))
        try:
            async for piece in body:
                await sink.take(piece)
        except Problem:
            held.cut(before)
            raise
        except Interrupted as error:
            raise Problem(408, "interrupted", f"the body did not arrive to its end: {error}") from error
        finally:
            # Also when the link broke: bytes that crossed a bad network are not asked for twice.
            await asyncio.to_thread(held.sync)
        if checksum and await asyncio.to_thread(held.digest, checksum[0], start) != checksum[1]:
            held.cut(before)
            raise Problem(460, "checksum_mismatch", "the chunk was dropped; send it again")

    async def _complete_if_full(self, exchange: "Exchange", held: Held, ticket: Ticket) -> None:
        if held.offset >= ticket.length_bytes:
            await self._completion.complete(held, ticket, exchange.uploader)

    @asynccontextmanager
    async def _holding(self, shelf: Shelf, upload: str, create: bool = False, wait_s: float | None = None) -> AsyncIterator[Held]:
        """The upload's lock; asks an idle holder to step back, and answers 423 when it does not."""
        loop = asyncio.get_running_loop()
        until = loop.time() + (self._limits.lock_wait_s if wait_s is None else wait_s)
        while True:
            try:
                held = shelf.hold(upload, create)
                break
            except Busy:
                shelf.claim(upload)
                if loop.time() >= until:
                    shelf.remove(upload, "claim")
                    problem = Problem(423, "locked", "another request is writing to this upload")
                    raise problem.with_headers(Retry_After="1") from None
                await asyncio.sleep(0.1)
        if held is None:
            raise Gone(409, "offset_mismatch", "finished, expired or terminated meanwhile: ask where it stands")
        try:
            yield held
        finally:
            held.close()

    def _check_quota(self, shelf: Shelf, wanted: Ticket) -> None:
        waiting = [ticket.length_bytes for ticket in shelf.unfinished() if ticket.upload != wanted.upload]
        full = sum(waiting) + wanted.length_bytes > self._limits.max_unfinished_bytes
        if full or len(waiting) >= self._limits.max_unfinished:
            problem = Problem(429, "quota", "finish or terminate other uploads of this device first")
            raise problem.with_headers(Retry_After="60")

    def _told(self, status: int, shelf: Shelf, ticket: Ticket, **lines: str) -> Response:
        """An answer that says how far the upload is, and until when it is kept."""
        offset = ticket.length_bytes if ticket.outcome else shelf.size(ticket.upload)
        lines["Upload_Offset"] = str(offset)
        lines["Upload_Expires"] = tus.expiry_line(read_expiry(shelf, ticket, self._limits.expires_s))
        return Response(status_code=status, headers=tus.headers(**lines))


@dataclass(frozen=True)
class Exchange:
    """One request by a known sender. `path` is the request's own, without a slash at its end."""

    path: str
    found: Headers
    receive: Receive
    uploader: Uploader
    shelf: Shelf


def _make_ticket(meta: Meta, length_bytes: int, uploader: Uploader) -> Ticket:
    name = upload_id(meta.photo, meta.role, meta.sha256, uploader.device)
    return Ticket(upload=name, device=uploader.device, user=uploader.user, length_bytes=length_bytes, **vars(meta))


def _check_offset(asked: int, actual: int) -> None:
    if asked != actual:
        problem = Problem(409, "offset_mismatch", f"the upload continues at {actual}", offset=actual)
        raise problem.with_headers(Upload_Offset=str(actual))
