"""The shape of every replicated document (DESIGN §5), as msgspec structs. JSON Schema for phone and docs comes from these.

What a document means, who may write it and where is `admission.py` and `permissions.py`; this module knows shapes only.
A document has `_id` and `_rev` besides; they are checked by `admission.py`.
"""

from typing import Annotated, Any, Literal

import msgspec

from server.domain.ids import UUID_V7

DOCUMENT_BYTES = 256 * 1024
TEXT_LENGTH = 4000
SHORT_LENGTH = 200
PHOTOS = 30
MATERIALS = 50
SUPERSEDED = 200
SETTLED = 64
# A pattern is read by Python here and by ECMAScript on the phone. Python's `$` alone lets one line break follow, and its `\d`
# takes the digits of every script; with these both read the same.
END = r"(?!\n)$"
DAY, TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}", r"[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}"

Short = Annotated[str, msgspec.Meta(max_length=SHORT_LENGTH)]
Text = Annotated[str, msgspec.Meta(max_length=TEXT_LENGTH)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=rf"^[A-Za-z0-9_.:@-]+{END}")]
GridCode = Annotated[str, msgspec.Meta(pattern=rf"^[0-9]{{15}}{END}")]
Instant = Annotated[str, msgspec.Meta(pattern=rf"^{DAY}T{TIME}Z{END}")]
RecordId = Annotated[str, msgspec.Meta(pattern=rf"^[a-z]+:{UUID_V7}{END}")]
PhotoIds = Annotated[list[RecordId], msgspec.Meta(max_length=PHOTOS)]
Ids = Annotated[list[RecordId], msgspec.Meta(max_length=500)]
Sha256 = Annotated[str, msgspec.Meta(pattern=rf"^[0-9a-f]{{64}}{END}")]
Count = Annotated[int, msgspec.Meta(ge=0)]
OffsetMs = Annotated[int, msgspec.Meta(ge=-(10**13), le=10**13)]


class Shape(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of all: an unknown field is an error, not a stowaway."""


class Place(Shape, kw_only=True):
    """A point by the phone's receiver, or an address typed or picked; WGS-84 always (only map tiles are shifted)."""

    lat: Annotated[float, msgspec.Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    accuracy_m: Annotated[float, msgspec.Meta(ge=0)] | None = None
    datum: Literal["WGS84"] = "WGS84"
    address: Short | None = None
    compound: Short | None = None


class Solved(Shape, kw_only=True):
    """自处置: put right on the spot, with the picture that shows it."""

    text: Text
    photos: PhotoIds = []


class PhotoFile(Shape, kw_only=True):
    """One file of a photo: `sent` is what the phone shrank, `original` the camera's own bytes kept as evidence."""

    role: Literal["sent", "original"]
    sha256: Sha256
    size_bytes: Annotated[int, msgspec.Meta(ge=1)]
    content_type: Short
    width_px: Count | None = None
    height_px: Count | None = None


class Basis(Shape, kw_only=True):
    """Why these facts may be kept (个人信息保护法 Art. 13): the purpose, and since when by which consent or duty."""

    purpose: Annotated[str, msgspec.Meta(min_length=1, max_length=SHORT_LENGTH)]
    given_at: Instant
    how: Literal["consent_spoken", "consent_signed", "statutory_duty"]


class Envelope(Shape, kw_only=True):
    """What every replicated document says of itself."""

    type: str
    v: Literal[1]
    grid: GridCode
    author: Name
    device: Name
    captured_at: Instant
    clock_offset_ms: OffsetMs | None = None


class Report(Envelope, kw_only=True):
    """One problem found, immutable once captured. `voice` names a photo record whose file is what the reporter said about it."""

    category: Name
    text: Text
    urgency: Literal["normal", "urgent", "emergency"]
    place: Place | None
    photos: PhotoIds
    source: Literal["patrol", "visit", "resident", "police"]
    patrol: RecordId | None = None
    solved: Solved | None = None
    voice: RecordId | None = None


class Note(Envelope, kw_only=True):
    """A later fact about a report, case or errand. `intent` asks for a move of the reporter's own besides what it says."""

    of: RecordId
    text: Text
    photos: PhotoIds = []
    intent: Literal["withdraw", "resubmit"] | None = None


class Photo(Envelope, kw_only=True):
    """What a photo shows and which files it has. Its bytes travel apart and never enter a replicated database."""

    of: RecordId
    files: Annotated[list[PhotoFile], msgspec.Meta(min_length=1, max_length=2)]
    taken_at: Instant | None = None
    place: Place | None = None


# A coarse cell that a patrol touched, some 250 m square: `coverage.py` says which.
Cell = Annotated[str, msgspec.Meta(max_length=16, pattern=rf"^-?[0-9]{{1,6}},-?[0-9]{{1,6}}{END}")]


class Patrol(Envelope, kw_only=True):
    """A round: when, which coarse cells, which gaps. The track itself is elsewhere, its author's own."""

    started_at: Instant
    ended_at: Instant
    cells: Annotated[list[Cell], msgspec.Meta(max_length=2000)] = []
    gaps: Annotated[list[Annotated[list[Instant], msgspec.Meta(min_length=2, max_length=2)]], msgspec.Meta(max_length=500)] = []


Point = tuple[
    Annotated[float, msgspec.Meta(ge=0, le=7 * 86_400)],
    Annotated[float, msgspec.Meta(ge=-90, le=90)],
    Annotated[float, msgspec.Meta(ge=-180, le=180)],
    Annotated[float, msgspec.Meta(ge=0, le=1_000_000)],
]


class Track(Envelope, kw_only=True):
    """Where a patrol went: [[seconds since its start, lat, lon, accuracy in metres]…]."""

    patrol: RecordId
    points: Annotated[list[Point], msgspec.Meta(max_length=5000)]


class Visit(Envelope, kw_only=True):
    """One call on a household (workers) or on premises (police: `household` is always null, `compound` is where they lie).

    `form` is the version of the kind's questions that `answers` are to (`visit_forms.py`), `reports` the problems found at it.
    """

    household: RecordId | None
    compound: Short | None = None
    address: Short
    kind: Literal["routine", "elderly", "tenant", "safety", "dispute", "errand", "premises", "other"]
    findings: Text
    form: Name | None = None
    answers: dict[str, Any] = {}
    reports: Ids = []
    next_at: Instant | None = None


Stamps = Annotated[dict[str, Annotated[str, msgspec.Meta(max_length=120)]], msgspec.Meta(max_length=64)]


class SupersededValue(Shape, kw_only=True):
    """A value that lost against a later one of the same field (`merge.py`), until staff restore it or let it go."""

    field: Short
    stamp: Annotated[str, msgspec.Meta(max_length=120)]
    value: Any = None


Superseded = Annotated[list[SupersededValue], msgspec.Meta(max_length=SUPERSEDED)]
# Which replaced values were seen by whoever replaced them: `<stamp> <digest>`, never a value.
Settled = Annotated[list[Annotated[str, msgspec.Meta(max_length=140)]], msgspec.Meta(max_length=SETTLED)]


class Household(Envelope, kw_only=True):
    """一户一档: what is needed to serve a household, no more. Sensitive fields are marked in `SENSITIVE`.

    `needs` and `services` are codes of `households.py`, or words of a place's own.
    """

    address: Annotated[str, msgspec.Meta(min_length=1, max_length=SHORT_LENGTH)]
    basis: Basis
    compound: Short | None = None
    building: Short | None = None
    unit: Short | None = None
    room: Short | None = None
    contact_name: Short | None = None
    contact_phone: Short | None = None
    residents_count: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    housing: Literal["owner", "tenant", "other"] | None = None
    needs: Annotated[list[Short], msgspec.Meta(max_length=20)] = []
    services: Annotated[list[Short], msgspec.Meta(max_length=20)] = []
    remark: Text | None = None
    stamps: Stamps
    superseded: Superseded = []
    settled: Settled = []


class Member(Envelope, kw_only=True):
    """A person of a household, as far as serving the household needs it."""

    household: RecordId
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=SHORT_LENGTH)]
    relation: Short | None = None
    birth_year: Annotated[int, msgspec.Meta(ge=1900, le=2100)] | None = None
    phone: Short | None = None
    needs: Annotated[list[Short], msgspec.Meta(max_length=20)] = []
    moved_out_at: Instant | None = None
    stamps: Stamps
    superseded: Superseded = []
    settled: Settled = []


class Material(Shape, kw_only=True):
    """One paper or proof an errand takes. Its `key` names it for good; one that is needed no more says so and stays."""

    key: Name
    name: Short
    state: Literal["missing", "there", "handed_in", "not_needed"] = "missing"
    remark: Short | None = None
    photos: PhotoIds = []


class Errand(Envelope, kw_only=True):
    """代办/跑长制: something staff do for a household, with the materials it takes.

    `item_key` is the item's in the list of errands it was begun from, `signature` the picture by which the resident asked for it.
    """

    household: RecordId
    item: Short
    item_key: Name | None = None
    signature: RecordId | None = None
    materials: Annotated[list[Material], msgspec.Meta(max_length=MATERIALS)] = []
    state: Literal["open", "handed_in", "done", "withdrawn"] = "open"
    stamps: Stamps
    superseded: Superseded = []
    settled: Settled = []


class TaskReply(Envelope, kw_only=True):
    """The answer to a task."""

    of: RecordId
    outcome: Literal["done", "not_done", "declined"]
    text: Text
    photos: PhotoIds = []
    answers: dict[str, Any] = {}


class Access(Envelope, kw_only=True):
    """One reading of sensitive fields while offline."""

    of: RecordId
    fields: Annotated[list[Short], msgspec.Meta(max_length=64)]
    purpose: Annotated[str, msgspec.Meta(min_length=1, max_length=SHORT_LENGTH)]


TYPES: dict[str, type[Envelope]] = {
    "report": Report,
    "note": Note,
    "photo": Photo,
    "patrol": Patrol,
    "track": Track,
    "visit": Visit,
    "household": Household,
    "member": Member,
    "errand": Errand,
    "taskreply": TaskReply,
    "access": Access,
}
IMMUTABLE = frozenset({"report", "note", "photo", "patrol", "track", "visit", "taskreply", "access"})
SERVER_ONLY = frozenset({"receipt", "case", "task", "superseded"})
# Written by the server alone, on documents that devices make: where a corrected record came from.
SERVER_FIELDS = frozenset({"adopted_from"})
SENSITIVE = {"household": frozenset({"contact_phone", "needs"}), "member": frozenset({"birth_year", "phone", "needs"})}


def read(doc: dict[str, Any]) -> Envelope:
    """A document (without its `_` fields) as its struct.

    Raises KeyError for an unknown type and msgspec.ValidationError (its text ends with the JSON path) for a wrong shape.
    """
    return msgspec.convert(doc, TYPES[doc["type"]], strict=True)


def read_stored(doc: dict[str, Any]) -> Envelope:
    """A document as it lies in the store: like `read`, whatever the store and the server themselves wrote on it."""
    return read({name: value for name, value in doc.items() if not name.startswith("_") and name not in SERVER_FIELDS})


def schemas() -> dict[str, Any]:
    """JSON Schema (2020-12) of each type a device may write, by type."""
    found, parts = msgspec.json.schema_components(TYPES.values(), ref_template="#/$defs/{name}")
    return {"types": dict(zip(TYPES, found, strict=True)), "$defs": parts}
