"""Taking a rescue file in: first read to its end without keeping anything, then everything of it into quarantine.

Doing it again changes nothing: entries are named by what they hold. Each person's part is logged before the first of it is kept.
A file that breaks off may be taken in as far as it is whole, when the clerk says so: records come first in it, photos after them.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, BinaryIO, TypeVar

import msgspec

from media.errors import ImageError
from media.inspect import read_facts
from server import audit, quarantine
from server.domain import ids
from server.domain.errors import InvalidInput
from server.domain.permissions import Person
from server.quarantine import entries
from server.rescue import keeping, proofs, seals
from server.rescue.keeping import Origin
from server.rescue.opening import Piece, open_pieces, unreadable
from server.sealing import SealKey, Unreadable
from sync.couch import Couch

PHOTO_BYTES = 25 << 20
Shape = TypeVar("Shape")
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class Whose(msgspec.Struct):
    """Whose part of the file begins."""

    author: Name
    device: Name
    proof: Name
    made_at: Name = "-"


class Described(msgspec.Struct):
    """A photo's file, as its first piece says."""

    photo: Name
    role: Annotated[str, msgspec.Meta(pattern="^(sent|original)$")]
    database: Name
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    size_bytes: Annotated[int, msgspec.Meta(ge=1, le=PHOTO_BYTES)]
    filetype: Annotated[str, msgspec.Meta(max_length=100)] = ""


@dataclass
class Part:
    """What a person's part of the file held, and what became of it: kept, here already, without room, not to be opened.

    A photo's own document is no record to a clerk and is not counted.
    """

    user: str
    device: str
    made_at: str
    records: int = 0
    files: int = 0
    records_held: int = 0
    files_held: int = 0
    without_room: int = 0
    unreadable: int = 0


@dataclass
class Survey:
    """What a file holds, as far as it can be read."""

    parts: list[Part] = field(default_factory=list)
    whole_bytes: int = 0
    problem: str | None = None


def survey(file: BinaryIO, key: SealKey) -> Survey:
    """Reads a file to its end. Raises InvalidInput for one that is not to be taken in."""
    found, pending = Survey(), _Pending()
    try:
        for piece in open_pieces(file, key):
            _note(found.parts, piece, key, pending)
            found.whole_bytes = piece.end_bytes
            if piece.is_last and piece.letter != "E":
                raise unreadable("damaged")
    except InvalidInput as error:
        if not found.parts or error.fields != {"file": "damaged"}:
            raise
        found.problem = "damaged"
    return found


def take_in(couch: Couch, file: BinaryIO, key: SealKey, by: Person, found: Survey) -> Iterator[int]:
    """Keeps everything that is whole; says after each piece how far it is, and fills `found.parts`. Raises the store's errors."""
    digest = _digest(file)
    at, part, pending = -1, None, _Pending()
    for piece in open_pieces(file, key):
        if piece.letter == "P":
            at += 1
            part = found.parts[at]
            _log(couch, by, part, digest, at)
        elif part is not None and piece.letter == "D":
            _keep_documents(couch, key, part, piece.content)
        elif part is not None and pending.add(piece):
            _keep_file(couch, key, part, pending)
        yield piece.end_bytes
        if piece.end_bytes >= found.whole_bytes:
            return


class _Pending:
    """The file whose bytes are coming."""

    def __init__(self) -> None:
        self.described: Described | None = None
        self.data = bytearray()

    def add(self, piece: Piece) -> bool:
        """True when the file is whole now."""
        if piece.letter == "F":
            head, _, data = piece.content.partition(b"\n")
            self.described, self.data = _decode(head, Described), bytearray(data)
            if not ids.is_record_id(self.described.photo, "photo"):
                raise unreadable("damaged")
        elif piece.letter == "B" and self.described is not None:
            self.data += piece.content
        else:
            return False
        if len(self.data) > self.described.size_bytes:
            raise unreadable("damaged")
        return len(self.data) == self.described.size_bytes


def _note(parts: list[Part], piece: Piece, key: SealKey, pending: _Pending) -> None:
    if piece.letter == "P":
        whose = _decode(piece.content, Whose)
        if not proofs.is_proven(key, whose.proof, whose.device, whose.author):
            raise unreadable("unknown_device")
        parts.append(Part(whose.author, whose.device, whose.made_at))
    elif not parts:
        raise unreadable("not_a_rescue_file")
    elif piece.letter == "D":
        parts[-1].records += sum(map(_is_record, _documents(piece.content)[0]))
    elif pending.add(piece):
        parts[-1].files += 1


def _documents(content: bytes) -> tuple[list[keeping.Document], object]:
    try:
        body = json.loads(content)  # half a surrogate pair may be in it: a keyboard can make it
        return keeping.documents_of(body), body.get("data_key")
    except (ValueError, InvalidInput, RecursionError):
        raise unreadable("damaged") from None


def _is_record(one: keeping.Document) -> bool:
    doc = one["doc"]
    return not (isinstance(doc, dict) and str(doc.get("_id")).startswith("photo:"))


def _decode(content: bytes, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.DecodeError:
        raise unreadable("damaged") from None


def _keep_documents(couch: Couch, key: SealKey, part: Part, content: bytes) -> None:
    documents, sealed = _documents(content)
    data_key = seals.open_data_key(key, sealed, part.user)
    rows = keeping.keep(couch, Origin(part.device, part.user), documents, data_key, reason=keeping.FROM_FILE)
    part.records_held += sum(row["is_held"] and _is_record(one) for one, row in zip(documents, rows, strict=True))
    part.without_room += sum(row.get("reason") == "quota" for row in rows)
    part.unreadable += sum(row.get("reason") == "unreadable" for row in rows)


def _keep_file(couch: Couch, key: SealKey, part: Part, pending: _Pending) -> None:
    """A file that is no picture, or not the one its phone described, is kept all the same, and its reason says so."""
    described, data = pending.described, bytes(pending.data)
    assert described is not None
    pending.data = bytearray()
    origin, filetype = Origin(part.device, part.user), described.filetype
    if filetype == seals.FILE_TYPE:
        try:
            data, filetype = seals.open_file(key, data, part.user, f"{described.photo}|{described.role}")
        except Unreadable:
            part.unreadable += 1
            return
    sha256 = hashlib.sha256(data).hexdigest()
    file = entries.File(described.photo, described.role, filetype, sha256, data)
    if keeping.is_file_held(couch, origin, described.database, file):
        part.files_held += 1
        return
    sender = quarantine.sender_of(couch, described.database, part.device, part.user)
    is_other = filetype == described.filetype and sha256 != described.sha256
    reason = "hash_mismatch" if is_other else _problem_of(data) or keeping.FROM_FILE
    if not quarantine.keep_file(couch, sender, file, reason, allowance=entries.RESCUED_FILES):
        part.without_room += 1


def _problem_of(data: bytes) -> str | None:
    try:
        read_facts(data)
    except ImageError as error:
        return error.code
    return None


def _log(couch: Couch, by: Person, part: Part, digest: str, at: int) -> None:
    facts = {"user": part.user, "device": part.device, "records": part.records, "files": part.files}
    key = f"{by['name']} {digest} {at}"
    audit.note(
        couch, by=by["name"], action="rescue.import", subject=f"device:{part.device}", facts=facts | {"sha256": digest}, key=key
    )


def _digest(file: BinaryIO) -> str:
    found = hashlib.sha256()
    file.seek(0)
    while part := file.read(1 << 20):
        found.update(part)
    return found.hexdigest()
