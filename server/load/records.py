"""What a simulated phone records: reports with photos, as the app makes them, and the bytes of pictures."""

import hashlib
import io
import random
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from PIL import Image, ImageFilter

from server.domain import documents, ids, times
from server.domain.catalogue import categories
from server.load.population import Enrolled

EDGES_PX = (1600, 1200)
TEXTS = ("楼道堆放杂物", "井盖破损", "路灯不亮", "垃圾没有清运", "电动车飞线充电", "墙皮脱落", "水管漏水", "消防通道被占")
CATEGORIES = [str(doc["code"]) for doc in categories()]

Document = dict[str, Any]


class Picture(NamedTuple):
    """A photo's record id and its bytes."""

    photo: str
    data: bytes


def make_picture(seed: int) -> bytes:
    """A JPEG as large as the app sends: 1600 × 1200 pixels, some 200 KB."""
    noise = random.Random(seed)
    small = Image.frombytes("RGB", (80, 60), noise.randbytes(80 * 60 * 3)).resize(EDGES_PX, Image.Resampling.BICUBIC)
    grain = Image.effect_noise(EDGES_PX, 18).convert("RGB").filter(ImageFilter.GaussianBlur(0.8))
    out = io.BytesIO()
    Image.blend(small, grain, 0.35).save(out, "JPEG", quality=72)
    return out.getvalue()


def own_copy(picture: bytes) -> bytes:
    """The same picture as a file of its own: a comment at its head gives it another hash."""
    comment = secrets.token_bytes(16)
    return picture[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + picture[2:]


def make_batch(phone: Enrolled, count: int, photos: int, pictures: Sequence[bytes]) -> tuple[list[Document], list[Picture]]:
    """`count` reports of this phone with their photo records, ready to push, and the files to upload."""
    docs: list[Document] = []
    files: list[Picture] = []
    for _ in range(count):
        taken = [Picture(_new_id("photo"), own_copy(random.choice(pictures))) for _ in range(photos)]
        report = _record(
            phone,
            _new_id("report"),
            category=random.choice(CATEGORIES),
            text=random.choice(TEXTS),
            urgency="normal",
            place={"lat": 38.5, "lon": 106.1, "accuracy_m": 8.0, "datum": "WGS84", "address": "同心北街", "compound": None},
            photos=[picture.photo for picture in taken],
            source="patrol",
        )
        docs.append(report)
        docs += [_record(phone, picture.photo, of=report["_id"], files=[_file(picture.data)]) for picture in taken]
        files += taken
    return docs, files


def _record(phone: Enrolled, id: str, **fields: Any) -> Document:
    head = {"_id": id, "type": id.partition(":")[0], "v": 1, "grid": phone.grid, "author": phone.user, "device": phone.device}
    doc: Document = head | {"captured_at": times.to_text(datetime.now(UTC)), "clock_offset_ms": 0} | fields
    documents.read({name: value for name, value in doc.items() if name != "_id"})
    return doc | {"_rev": f"1-{secrets.token_hex(16)}"}


def _file(data: bytes) -> Document:
    digest = hashlib.sha256(data).hexdigest()
    return {
        "role": "sent",
        "sha256": digest,
        "size_bytes": len(data),
        "content_type": "image/jpeg",
        "width_px": EDGES_PX[0],
        "height_px": EDGES_PX[1],
    }


def _new_id(type_: str) -> str:
    return f"{type_}:{ids.uuid7(datetime.now(UTC), secrets.token_bytes(10))}"
