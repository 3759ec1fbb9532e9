"""Full-size viewing: upright, nothing but the picture, and lossless whenever it can be."""

import io
from pathlib import Path

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from media.errors import ImageError
from media.scrub import scrub, shown_type
from tests.media.photographs import as_bytes, camera_exif, camera_jpeg, is_upright, scene, sensed

EXIF = camera_exif(1, 38.5, 106.1)


def opened(data: bytes) -> Image.Image:
    """A decoded result."""
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}, {"subsampling": 0}])
def test_an_upright_jpeg_loses_its_exif_and_not_one_pixel(options: dict[str, object]) -> None:
    data = as_bytes(scene(400, 300), "JPEG", exif=EXIF, comment=b"a name", xmp=b"<x>secret</x>", **options)
    clean = scrub(data, "image/jpeg")
    assert opened(clean).tobytes() == opened(data).tobytes()
    assert not {"exif", "comment", "xmp"} & set(opened(clean).info)
    assert b"secret" not in clean


def test_what_hides_behind_a_jpeg_is_dropped() -> None:
    data = as_bytes(scene(64, 48), "JPEG") + b"motion clip of a living room"
    assert scrub(data, "image/jpeg").endswith(b"\xff\xd9")


def test_a_jpeg_keeps_its_colour_profile_when_not_reencoded() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = as_bytes(scene(64, 48), "JPEG", exif=EXIF, icc_profile=profile)
    assert opened(scrub(data, "image/jpeg")).info["icc_profile"] == profile


def test_print_colours_survive_lossless_scrubbing() -> None:
    data = as_bytes(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG", exif=EXIF)
    assert opened(scrub(data, "image/jpeg")).tobytes() == opened(data).tobytes()


def test_a_turned_camera_photo_is_shown_upright_at_full_size(tmp_path: Path) -> None:
    clean = scrub(camera_jpeg(tmp_path / "camera.jpg").read_bytes(), "image/jpeg")
    assert opened(clean).size == (3000, 4000)
    assert is_upright(opened(clean))
    assert b"Exif" not in clean


def test_a_png_loses_text_and_exif_and_not_one_pixel() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "a name")
    notes.add_itxt("Comment", "a resident")
    data = as_bytes(scene(64, 48), "PNG", exif=EXIF, pnginfo=notes)
    clean = scrub(data, "image/png")
    assert opened(clean).tobytes() == opened(data).tobytes()
    assert b"a name" not in clean
    assert b"a resident" not in clean
    assert not opened(clean).getexif()


@pytest.mark.parametrize("lossless", [True, False])
def test_a_webp_loses_exif_and_xmp_and_not_one_pixel(lossless: bool) -> None:
    data = as_bytes(scene(64, 48), "WEBP", exif=EXIF, xmp=b"<x>secret</x>", lossless=lossless)
    clean = scrub(data, "image/webp")
    assert opened(clean).tobytes() == opened(data).tobytes()
    assert not opened(clean).getexif()
    assert b"secret" not in clean


@pytest.mark.parametrize(("form", "content_type"), [("PNG", "image/png"), ("WEBP", "image/webp"), ("HEIF", "image/heic")])
def test_turned_pictures_of_other_formats_are_shown_upright(form: str, content_type: str) -> None:
    data = as_bytes(sensed(400, 300, 6), form, exif=camera_exif(6, 38.5, 106.1))
    clean = scrub(data, content_type)
    assert is_upright(opened(clean))
    assert opened(clean).size == (300, 400)
    assert opened(clean).get_format_mimetype() == shown_type(content_type)
    assert not opened(clean).getexif()


def test_a_heic_is_shown_as_jpeg() -> None:
    clean = scrub(as_bytes(scene(64, 48), "HEIF", exif=EXIF), "image/heic")
    assert shown_type("image/heic") == "image/jpeg"
    assert opened(clean).format == "JPEG"


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_every_truncation_raises_only_our_errors(form: str) -> None:
    data = as_bytes(scene(32, 24), form, exif=EXIF)
    for end in range(0, len(data) - 1, 7):
        with pytest.raises(ImageError):
            scrub(data[:end], f"image/{form.lower()}")


def test_a_second_picture_behind_the_first_is_dropped() -> None:
    data = as_bytes(scene(400, 300), "MPO", save_all=True, append_images=[scene(300, 200)], exif=EXIF)
    clean = scrub(data, "image/jpeg")
    assert opened(clean).tobytes() == opened(data).tobytes()
    assert opened(clean).format == "JPEG"
    assert len(clean) < len(data)
