"""`/api/rescue`: what a revoked or expired phone still holds, records and photos, into quarantine and nowhere else (DESIGN §6.3).

A record that the server holds already is answered as kept and makes no entry: the phone only never heard of it. Who may still
hand in is `devices.find_for_rescue`; how much, `server/quarantine/allowances.py`.
What a locked phone hands in is opened first (`rescue_seals.py`).
"""

import asyncio
import dataclasses
import hashlib
import json
import tempfile
from pathlib import Path
from typing import Any

import orjson
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
from server import quarantine
from server.domain import ids
from server.domain.errors import InvalidInput, NotSignedIn
from server.people import devices
from server.people.devices import Holder
from server.quarantine import Refused, entries, homes
from server.refused_files import put_aside
from server.sealing import SealKey, Unreadable
from server.web import rescue_seals
from server.web.bodies import read_body
from server.web.devices_api import answer_json
from server.web.services import services_of
from server.web.sessions import bearer_of
from sync import errors
from sync.couch import Couch
from sync.databases import parse

BODY_BYTES = 8 * 1024 * 1024
DOCUMENTS_MOST = 1000
DATABASE_LENGTH = 100
REASON = "rescued"

Document = dict[str, Any]


async def rescue(request: Request) -> Response:
    """`POST /api/rescue` `{documents: [{database, doc}], data_key?}`: 200 `{kept: [{database, id, rev, ok, reason?}]}`, in order.

    `data_key` opens documents whose body is `sealed`; of one that it does not open the reason is `unreadable`.
    """
    holder, services = await run_in_threadpool(_holder_of, request), services_of(request)
    documents, sealed = _read(await read_body(request, BODY_BYTES))
    data_key = rescue_seals.open_data_key(services.seal_key, sealed, holder.person["name"])
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
        if upload.meta.filetype != rescue_seals.FILE_TYPE:
            return put_aside(self._couch, upload, uploader, upload.problem or REASON, allowance=entries.RESCUED_FILES)
        try:
            about = f"{upload.meta.photo}|{upload.meta.role}"
            plain, content_type = rescue_seals.open_file(self._seal_key, upload.path, uploader.user, about)
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
    documents = body.get("documents") if isinstance(body, dict) else None
    if not isinstance(documents, list) or len(documents) > DOCUMENTS_MOST:
        raise InvalidInput({"documents": "invalid"} if not isinstance(documents, list) else {"documents": "too_many"})
    if not all(isinstance(one, dict) and "doc" in one and _is_name(one.get("database")) for one in documents):
        raise InvalidInput({"documents": "invalid"})
    return documents, body.get("data_key")


def _is_name(database: Any) -> bool:
    return isinstance(database, str) and 0 < len(database) <= DATABASE_LENGTH and database.isprintable()


def _keep(couch: Couch, holder: Holder, documents: list[Document], data_key: bytes | None) -> list[Document]:
    by_database: dict[str, list[int]] = {}
    rows = [_row(one) for one in documents]
    for place, one in enumerate(documents):
        if rescue_seals.is_sealed(one["doc"]):
            one["doc"] = rescue_seals.open_document(data_key, one["database"], one["doc"])
            if one["doc"] is None:
                rows[place] |= {"ok": False, "reason": "unreadable"}
                continue
        by_database.setdefault(one["database"], []).append(place)
    for database, places in by_database.items():
        held = _held(couch, holder, database, [documents[place]["doc"] for place in places])
        missing = [place for place, is_held in zip(places, held, strict=True) if not is_held]
        refused = [Refused(doc, _text(doc), REASON, {}) for doc in (documents[place]["doc"] for place in missing)]
        sender = (database, holder.device_id, holder.person["name"])
        kept = quarantine.keep_all(couch, *sender, refused, allowance=entries.RESCUED)
        for place, is_kept in zip(missing, kept, strict=True):
            if not is_kept:
                rows[place] |= {"ok": False, "reason": "quota"}
    return rows


def _held(couch: Couch, holder: Holder, database: str, docs: list[Any]) -> list[bool]:
    """For each whether the server holds this very record of this person's already."""
    name = parse(database)
    wanted = [str(doc["_id"]) for doc in docs if isinstance(doc, dict) and ids.is_record_id(doc.get("_id"))]
    if name is None or name.grid is None or not homes.is_for_photos(database) or not wanted:
        return [False] * len(docs)
    try:
        present = couch.database(database).many(wanted)
    except errors.NotFound:
        return [False] * len(docs)
    stored = {id: doc for id, doc in present.items() if doc and doc.get("author") == holder.person["name"]}
    return [isinstance(doc, dict) and stored.get(str(doc.get("_id")), {}).get("_rev", "") == doc.get("_rev") for doc in docs]


def _row(one: Document) -> Document:
    doc = one["doc"] if isinstance(one["doc"], dict) else {}
    named = {part: doc.get(f"_{part}") for part in ("id", "rev")}
    plain = {part: value if isinstance(value, str) and value.isprintable() else None for part, value in named.items()}
    return {"database": one["database"], **plain, "ok": True}


def _text(doc: Any) -> bytes:
    try:
        return orjson.dumps(doc)
    except (orjson.JSONEncodeError, RecursionError):
        return json.dumps(doc).encode()
