"""What a file is and what it says about itself, told from content alone, hostile files included."""

import random
import struct
import zlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from media.errors import ImageTooLarge, ImageTruncated, NotAnImage
from media.inspect import read_facts, sniff
from tests.media.photographs import as_bytes, camera_exif, camera_jpeg, scene, sensed

# Pillow warns about damaged Exif and goes on; here, where warnings are errors, it has to be let.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def png_of(width: int, height: int, pixels: bytes = b"") -> bytes:
    """A PNG that declares a size, whatever its data hold."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("form", "content_type"), [("JPEG", "jpeg"), ("PNG", "png"), ("WEBP", "webp"), ("HEIF", "heic")])
def test_accepted_formats_are_told_by_content(form: str, content_type: str) -> None:
    data = as_bytes(scene(64, 48), form)
    assert sniff(data) == f"image/{content_type}"
    facts = read_facts(data)
    assert (facts.width_px, facts.height_px, facts.content_type) == (64, 48, f"image/{content_type}")


@pytest.mark.parametrize("form", ["GIF", "BMP", "TIFF", "AVIF", "ICO"])
def test_other_pictures_are_refused(form: str) -> None:
    data = as_bytes(scene(64, 48), form)
    assert sniff(data) is None
    with pytest.raises(NotAnImage):
        read_facts(data)


def test_text_named_jpg_is_no_picture(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_text("今天的巡查记录")
    assert sniff(path) is None
    with pytest.raises(NotAnImage):
        read_facts(path)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBP", b"\0\0\0\x18ftypheic"])
def test_a_head_alone_is_no_picture(data: bytes) -> None:
    with pytest.raises((NotAnImage, ImageTruncated)):
        read_facts(data)


def test_a_cameras_time_place_and_upright_size_are_read(tmp_path: Path) -> None:
    facts = read_facts(camera_jpeg(tmp_path / "camera.jpg"))
    assert (facts.width_px, facts.height_px, facts.orientation) == (3000, 4000, 6)
    assert facts.taken_at == datetime(2026, 11, 23, 8, 0, 5, tzinfo=UTC)
    assert facts.place == {"lat": 38.5, "lon": 106.1}


def test_a_camera_time_without_zone_is_chinese_local_time() -> None:
    exif = camera_exif(taken_at=datetime(2026, 11, 23, 16, 0, 5))  # noqa: DTZ001 - what such a camera writes
    facts = read_facts(as_bytes(scene(64, 48), "JPEG", exif=exif))
    assert facts.taken_at == datetime(2026, 11, 23, 8, 0, 5, tzinfo=UTC)


def test_southern_and_western_places_are_negative() -> None:
    facts = read_facts(as_bytes(scene(64, 48), "JPEG", exif=camera_exif(lat=-33.25, lon=-70.5)))
    assert facts.place == {"lat": -33.25, "lon": -70.5}


@pytest.mark.parametrize("place", [(0.0, 0.0), (95.0, 10.0), (None, None)])
def test_impossible_places_are_absent(place: tuple[float | None, float | None]) -> None:
    assert read_facts(as_bytes(scene(64, 48), "JPEG", exif=camera_exif(lat=place[0], lon=place[1]))).place is None


@pytest.mark.parametrize("moment", ["0000:00:00 00:00:00", "2026:13:45 99:99:99", "yesterday", "", "0001:01:01 00:00:00"])
def test_impossible_times_are_absent(moment: str) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = moment
    assert read_facts(as_bytes(scene(64, 48), "JPEG", exif=exif)).taken_at is None


def test_hostile_exif_never_stops_a_picture() -> None:
    exif = camera_exif(6, 38.5, 106.1, datetime(2026, 11, 23, 8, tzinfo=UTC))
    clean, dice = as_bytes(sensed(64, 48, 6), "JPEG", exif=exif), random.Random(7)
    start = clean.index(b"Exif\0\0") + 6
    for _ in range(400):
        data = bytearray(clean)
        for _ in range(dice.randint(1, 12)):
            data[start + dice.randrange(len(exif) - 6)] = dice.randrange(256)
        facts = read_facts(bytes(data))
        assert {facts.width_px, facts.height_px} == {64, 48}


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF"])
@pytest.mark.parametrize("part", [0.5, 0.95])
def test_a_truncated_picture_is_noticed(form: str, part: float) -> None:
    data = as_bytes(scene(640, 480), form)
    with pytest.raises((ImageTruncated, NotAnImage)) as caught:
        read_facts(data[: int(len(data) * part)])
    assert form == "WEBP" or caught.type is ImageTruncated or form == "HEIF"


def test_a_truncated_progressive_jpeg_is_noticed() -> None:
    data = as_bytes(scene(640, 480), "JPEG", progressive=True)
    with pytest.raises(ImageTruncated):
        read_facts(data[: len(data) * 9 // 10])


def test_a_pixel_bomb_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(ImageTooLarge):
        read_facts(png_of(60_000, 60_000))


def test_a_webp_bomb_is_refused_before_it_is_opened() -> None:
    canvas = (16_382).to_bytes(3, "little") * 2
    data = b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + canvas + bytes(40)
    with pytest.raises(ImageTooLarge):
        read_facts(data)


def test_a_jpeg_that_lies_about_its_size_is_refused() -> None:
    data = bytearray(as_bytes(scene(64, 48), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65_000, 65_000)
    with pytest.raises(ImageTooLarge):
        read_facts(bytes(data))


def test_a_png_whose_pixels_are_missing_is_truncated() -> None:
    with pytest.raises(ImageTruncated):
        read_facts(png_of(100, 100, b"\0" * 50))


def test_damaged_pictures_raise_only_our_errors() -> None:
    dice = random.Random(11)
    for form in ("JPEG", "PNG", "WEBP", "HEIF"):
        clean = as_bytes(scene(64, 48), form)
        for _ in range(120):
            data = bytearray(clean)
            for _ in range(dice.randint(1, 20)):
                data[dice.randrange(len(data))] = dice.randrange(256)
            try:
                read_facts(bytes(data), max_pixels=1_000_000)
            except (NotAnImage, ImageTruncated, ImageTooLarge):
                continue
