"""`/api/rescue`: what a revoked or expired phone still holds, records and photos, into quarantine and nowhere else (DESIGN §6.3).

Who may still hand in is `devices.find_for_rescue`; what becomes of it, `server/rescue/`.
"""

import asyncio
import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from media.completion import Upload, Uploader
from media.errors import Refused as FileRefused
from media.errors import StorageFull, Unavailable
from media.tus import Problem
from media.uploads import create_uploads
from server.domain import ids
from server.domain.errors import NotSignedIn
from server.people import devices
from server.people.devices import Holder
from server.quarantine import entries
from server.refused_files import put_aside
from server.rescue import keeping, seals
from server.rescue.keeping import REASON, Origin
from server.sealing import SealKey, Unreadable
from server.web.bodies import read_body
from server.web.devices_api import answer_json
from server.web.services import services_of
from server.web.sessions import bearer_of
from sync import errors
from sync.couch import Couch

BODY_BYTES = 8 * 1024 * 1024

Document = dict[str, Any]


async def rescue(request: Request) -> Response:
    """`POST /api/rescue` `{documents: [{database, doc}], data_key?}`: 200 `{kept: [{database, id, rev, ok, reason?}]}`, in order.

    `data_key` opens documents whose body is `sealed`; of one that it does not open the reason is `unreadable`.
    """
    holder, services = await run_in_threadpool(_holder_of, request), services_of(request)
    documents, sealed = _read(await read_body(request, BODY_BYTES))
    data_key = seals.open_data_key(services.seal_key, sealed, holder.person["name"])
    return answer_json({"kept": await run_in_threadpool(_keep, services.couch, holder, documents, data_key)})


def create_rescue_uploads(folder: Path, couch: Couch, seal_key: SealKey) -> ASGIApp:
    """The endpoint for `/api/rescue/uploads`: tus like `/api/uploads`, and an upload begun there goes on here."""
    return create_uploads(folder, _Gate(couch), _Keeper(couch, seal_key).finish)


class _Gate:
    """Anybody who holds a device's token, or held it until lately, may hand in any photo."""

    def __init__(self, couch: Couch) -> None:
        self._couch = couch

    async def identify(self, authorization: str | None) -> Uploader | None:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        try:
            holder = await asyncio.to_thread(devices.find_for_rescue, self._couch, token.strip())
        except NotSignedIn as error:
            raise Problem(401, error.code).with_headers(WWW_Authenticate="Bearer") from None
        except errors.StoreError as error:
            raise Unavailable(str(error)) from error
        return Uploader(holder.device_id, holder.person["name"])

    async def may_upload(self, uploader: Uploader, database: str, photo: str) -> str | None:  # noqa: ARG002 - as asked
        return None if ids.is_record_id(photo, "photo") else "id_type_mismatch"


class _Keeper:
    """Takes finished files in, every one of them into quarantine."""

    def __init__(self, couch: Couch, seal_key: SealKey) -> None:
        self._couch, self._seal_key = couch, seal_key

    async def finish(self, upload: Upload, uploader: Uploader) -> None:
        try:
            await asyncio.to_thread(self._put_aside, upload, uploader)
        except errors.StorageFull as error:
            raise StorageFull(str(error)) from error
        except errors.StoreError as error:
            raise Unavailable(str(error)) from error

    def _put_aside(self, upload: Upload, uploader: Uploader) -> None:
        if upload.meta.filetype != seals.FILE_TYPE:
            return put_aside(self._couch, upload, uploader, upload.problem or REASON, allowance=entries.RESCUED_FILES)
        try:
            about = f"{upload.meta.photo}|{upload.meta.role}"
            plain, content_type = seals.open_file(self._seal_key, upload.path.read_bytes(), uploader.user, about)
        except Unreadable:
            raise FileRefused("unreadable", is_kept=False) from None
        with tempfile.NamedTemporaryFile() as opened:
            opened.write(plain)
            opened.flush()
            meta = dataclasses.replace(upload.meta, filetype=content_type)
            sha256 = hashlib.sha256(plain).hexdigest()
            file = dataclasses.replace(upload, meta=meta, path=Path(opened.name), sha256=sha256)
            put_aside(self._couch, file, uploader, REASON, allowance=entries.RESCUED_FILES)
        # Whoever looked at what arrived took it for no picture: what was said about that is not true of what is kept.
        raise FileRefused(REASON, is_kept=True)


def _holder_of(request: Request) -> Holder:
    token = bearer_of(request)
    if not token:
        raise NotSignedIn("token_unknown")
    return devices.find_for_rescue(services_of(request).couch, token)


def _read(raw: bytes) -> tuple[list[Document], Any]:
    """The documents of a body, each with its database's name, and what it says is the data key.

    Half a surrogate pair may be in them: a keyboard can make it.
    """
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise HTTPException(400, "malformed_json") from None
    return keeping.documents_of(body), body.get("data_key")


def _keep(couch: Couch, holder: Holder, documents: list[Document], data_key: bytes | None) -> list[Document]:
    rows = keeping.keep(couch, Origin(holder.device_id, holder.person["name"]), documents, data_key)
    return [{name: value for name, value in row.items() if name != "is_held"} for row in rows]
