"""Photos between the phones and `media-*`: who may upload, where a finished file goes, and who may look at it (DESIGN §6, §7).

The resumable protocol, what a picture is and how it is kept are `media/`; sizes are made by `worker/`.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp

from media import scrub, store
from media.completion import Upload, Uploader
from media.errors import ImageError, PhotoConflict, Refused, StorageFull, Unavailable
from media.tus import Problem
from media.uploads import create_uploads
from server import photo_records, photo_rights
from server.cases import reach
from server.domain import ids, permissions
from server.domain.errors import Missing
from server.domain.grids import township_of
from server.nudges import Nudges
from server.people.policy import DevicePolicy
from server.quarantine.photos import follow_moved
from server.refused_files import put_aside
from sync import errors
from sync.couch import Couch
from sync.database import Database
from sync.databases import media_db, parse
from sync.gateway import Holder, NotAdmitted, Policy
from sync.gateway import Unavailable as NobodyKnows

KINDS = frozenset({"grid", "home-quarter", "beat"})
NOT_HOLDER, ERASED = "not_grid_holder", "erased_id"
# Photos of a morning come all at once: more of them in the store's hands at a time would only hold up records and their cases.
KEPT_AT_ONCE = 2


@dataclass(frozen=True)
class KnownUploader(Uploader):
    """An uploader with what its token opens."""

    holder: Holder = field(kw_only=True)


class Gate:
    """Who may upload what: any device its photos, record or no record yet; where they are kept is the `Keeper`'s to say."""

    def __init__(self, policy: Policy, is_erased: Callable[[str], bool] = lambda _: False) -> None:
        self._policy = policy
        self._is_erased = is_erased

    async def identify(self, authorization: str | None) -> Uploader | None:
        """The device behind `Authorization: Bearer <token>`, or None when there is none.

        Raises Problem (401) that says what is wrong with a token (`token_revoked`, `token_expired`, `token_unknown`), and
        Unavailable when the store cannot say.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        try:
            holder = await self._policy.identify(token.strip())
        except NotAdmitted as error:
            raise Problem(401, error.reason).with_headers(WWW_Authenticate="Bearer") from None
        except NobodyKnows as error:
            raise Unavailable(str(error)) from error
        return KnownUploader(device=holder.device, user=holder.user, holder=holder)

    async def may_upload(self, uploader: Uploader, database: str, photo: str) -> str | None:
        """None, or why not: `id_type_mismatch`, `erased_id`, `not_grid_holder` for a database that no photo's record can lie in.

        A grid that is not the sender's is no hindrance: the record is refused and waits for a clerk, and so does its file.
        """
        name = parse(database)
        if not ids.is_record_id(photo, "photo"):
            return "id_type_mismatch"
        if self._is_erased(photo):
            return ERASED
        is_place = name is not None and name.kind in KINDS and isinstance(uploader, KnownUploader)
        return None if is_place else "not_grid_holder"


def may_store(uploader: Uploader, database: str) -> bool:
    """True when the sender may push the photo's record there, too. An older quarter of a grid one holds is fine."""
    name = parse(database)
    if name is None or not isinstance(uploader, KnownUploader):
        return False
    rights = uploader.holder.databases.get(database)
    if rights is not None:
        return rights.push
    person = uploader.holder.person
    return name.kind in permissions.database_kinds(person) and name.grid in person.get("grids", ())


class Keeper:
    """Takes finished files in; awaited before the phone hears that its last byte arrived."""

    def __init__(self, couch: Couch, nudges: Nudges, is_erased: Callable[[str], bool] = lambda _: False) -> None:
        self._couch, self._nudges, self._is_erased = couch, nudges, is_erased
        self._turns = asyncio.Semaphore(KEPT_AT_ONCE)

    async def finish(self, upload: Upload, uploader: Uploader) -> None:
        """Keep a file durably. Raises media's Unavailable and StorageFull (try again), Refused when it went to quarantine."""
        if self._is_erased(upload.meta.photo):
            # Erased while it came. Said to be dealt with, so that the bytes go at once and nobody sends them again.
            raise Refused(ERASED, is_kept=True)
        async with self._turns:
            database = await asyncio.to_thread(self._keep, upload, uploader)
        if database is not None:
            await self._nudges.nudge_photo_soon(database, upload.meta.photo)

    def _keep(self, upload: Upload, uploader: Uploader) -> str | None:
        """The media database that holds the file now; None when it is no picture and lies in quarantine."""
        try:
            if upload.problem or upload.facts is None:
                put_aside(self._couch, upload, uploader, upload.problem or "not_an_image")
                return None
            if not may_store(uploader, upload.meta.database):
                put_aside(self._couch, upload, uploader, NOT_HOLDER)
                raise Refused(NOT_HOLDER, is_kept=True)
            return self._store(upload, uploader)
        except PhotoConflict:
            put_aside(self._couch, upload, uploader, PhotoConflict.code)
            raise Refused(PhotoConflict.code, is_kept=True) from None
        except errors.StorageFull as error:
            raise StorageFull(str(error)) from error
        except errors.StoreError as error:
            raise Unavailable(str(error)) from error

    def _store(self, upload: Upload, uploader: Uploader) -> str:
        """Keep a picture where its record says, or for the record to come. PhotoConflict when it is another's place."""
        assert upload.facts is not None
        meta = upload.meta
        record = photo_records.find(self._couch, meta.database, meta.photo)
        named = photo_records.named_sha256(record, meta.role)
        if named not in {None, upload.sha256}:
            raise PhotoConflict(f"the record of {meta.photo} names another {meta.role} file")
        name = media_db(str(getattr(parse(meta.database), "grid", ""))[:9])
        arrival = store.Arrival(
            photo=meta.photo,
            role=meta.role,
            database=meta.database,
            device=uploader.device,
            author=uploader.user,
            sha256=upload.sha256,
            content_type=upload.content_type or upload.facts.content_type,
            facts=upload.facts,
            received_at=datetime.now(UTC),
            is_claimed=record is not None,
        )
        try:
            is_new = self._save(name, arrival, upload.path, is_named=named is not None)
        except errors.NotFound:
            self._couch.create(name, replicated=False)
            is_new = self._save(name, arrival, upload.path, is_named=named is not None)
        if record is None or not is_new:
            self._look_again(name, meta.database, meta.photo, upload)
        if record is None:
            follow_moved(self._couch, self._nudges, meta.database, meta.photo, uploader.user)
        return name

    def _save(self, name: str, arrival: store.Arrival, path: Path, is_named: bool) -> bool:
        """False when it was there. `is_named`: the photo's record names this very file, so one that came first has to go."""
        media = self._couch.database(name)
        try:
            return store.save_upload(media, arrival, path)
        except PhotoConflict:
            first = media.find(arrival.photo)
            if not is_named or first is None:
                raise
            photo_records.displace(self._couch, media, first, arrival.role)
            return store.save_upload(media, arrival, path)

    def _look_again(self, name: str, database: str, photo: str, upload: Upload) -> None:
        """The record may have come while the file was stored, and intake may have looked for the file before that."""
        record, media = photo_records.find(self._couch, database, photo), self._couch.database(name)
        doc = media.find(photo) if record else None
        if record and doc:
            photo_records.settle(self._couch, media, database, record, doc)
            if photo_records.named_sha256(record, upload.meta.role) not in {None, upload.sha256}:
                raise Refused(PhotoConflict.code, is_kept=True)


def create_photo_uploads(folder: Path, couch: Couch, policy: DevicePolicy, nudges: Nudges) -> ASGIApp:
    """The endpoint for `/api/uploads`. `folder` is shared by all server processes; `policy` is the gateway's own."""
    return create_uploads(folder, Gate(policy, policy.erased.has), Keeper(couch, nudges, policy.erased.has).finish)


def open_photo(couch: Couch, person: permissions.Person, photo: str, size: str) -> tuple[bytes, str, str]:
    """`(bytes, content type, digest)` of `original`, `screen`, `thumb` or `voice`, for whoever may see its record; else Missing.

    `voice` is a voice note as it was recorded; pictures have none. Every size of a picture is upright and free of what the camera
    wrote into it; the file as it came stays in the database. A size that is not made yet is Missing too.
    """
    own = {township_of(grid) for grid in person.get("grids", ())} | permissions.townships_seen(person)
    for township in sorted(own | set(reach.townships_of(couch, person))):
        database = couch.database(media_db(township))
        doc = _found(database, photo)
        if doc is not None:
            if not photo_rights.may_see(couch, person, doc):
                break
            return _opened(database, doc, size)
    raise Missing(photo=photo)


def _found(database: Database, photo: str) -> dict[str, Any] | None:
    try:
        return database.find(photo)
    except errors.NotFound:
        return None


def _opened(database: Database, doc: dict[str, Any], size: str) -> tuple[bytes, str, str]:
    found = store.open_sound(database, doc["_id"]) if size == "voice" else store.open(database, doc["_id"], size)
    if found is None:
        raise Missing(photo=doc["_id"])
    data, content_type, digest = found
    if size != "original":
        return data, content_type, digest
    try:
        return scrub.scrub(data, content_type), scrub.shown_type(content_type), f"{digest}-shown"
    except ImageError:
        raise Missing(photo=doc["_id"]) from None
