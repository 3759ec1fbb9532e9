"""The two sizes: right way up, right colours, nothing private inside."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from media.derive import derive
from media.errors import ImageTooLarge, ImageTruncated, NotAnImage
from tests.conftest import ROOT
from tests.media.photographs import as_bytes, camera_exif, camera_jpeg, is_upright, scene, sensed

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def opened(data: bytes) -> Image.Image:
    """A decoded result."""
    return Image.open(io.BytesIO(data))


def test_a_twelve_megapixel_photo_becomes_two_upright_sizes(tmp_path: Path) -> None:
    sizes = derive(camera_jpeg(tmp_path / "camera.jpg"))
    screen, thumb = opened(sizes.screen), opened(sizes.thumb)
    assert screen.size == (sizes.screen_width_px, sizes.screen_height_px) == (1200, 1600)
    assert thumb.size == (sizes.thumb_width_px, sizes.thumb_height_px) == (240, 320)
    assert is_upright(screen)
    assert is_upright(thumb)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_applied(orientation: int) -> None:
    data = as_bytes(sensed(400, 300, orientation), "JPEG", exif=camera_exif(orientation))
    screen = opened(derive(data).screen)
    assert is_upright(screen)
    assert screen.size == ((300, 400) if orientation >= 5 else (400, 300))


def test_an_impossible_orientation_is_left_alone() -> None:
    assert is_upright(opened(derive(as_bytes(scene(64, 48), "JPEG", exif=camera_exif(77))).screen))


def test_nothing_private_is_left_in_a_size() -> None:
    exif = camera_exif(6, 38.5, 106.1)
    data = as_bytes(sensed(400, 300, 6), "JPEG", exif=exif, comment=b"resident's name", xmp=b"<x>secret</x>")
    sizes = derive(data)
    for made in (sizes.screen, sizes.thumb):
        assert b"Exif" not in made
        assert b"resident" not in made
        assert b"secret" not in made
        assert not {"exif", "icc_profile", "comment", "xmp"} & set(opened(made).info)
        assert opened(made).info["progressive"]


def test_a_small_picture_is_not_enlarged() -> None:
    sizes = derive(as_bytes(scene(200, 100), "PNG"))
    assert (sizes.screen_width_px, sizes.screen_height_px) == (200, 100)
    assert (sizes.thumb_width_px, sizes.thumb_height_px) == (200, 100)


def test_a_very_long_picture_keeps_at_least_one_pixel() -> None:
    sizes = derive(as_bytes(Image.new("RGB", (9000, 2)), "PNG"))
    assert (sizes.screen_width_px, sizes.screen_height_px, sizes.thumb_height_px) == (1600, 1, 1)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_lies_on_white(mode: str) -> None:
    clear = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    picture = clear if mode == "RGBA" else clear.convert("LA") if mode == "LA" else clear.quantize(4)
    shown = opened(derive(as_bytes(picture, "PNG")).screen).convert("RGB")
    assert min(shown.getpixel((20, 20))) > 250


def test_transparent_colour_key_lies_on_white() -> None:
    data = as_bytes(Image.new("RGB", (40, 40), (1, 2, 3)), "PNG", transparency=(1, 2, 3))
    assert min(opened(derive(data).screen).getpixel((20, 20))) > 250


def test_print_colours_come_out_as_seen() -> None:
    data = as_bytes(Image.new("CMYK", (64, 64), (0, 255, 255, 0)), "JPEG", quality=95)
    red, green, blue = opened(derive(data).screen).getpixel((32, 32))
    assert red > 200
    assert max(green, blue) < 60


def test_sixteen_bit_grey_is_scaled_not_clipped() -> None:
    data = as_bytes(Image.new("I;16", (64, 64), 32_768), "PNG")
    assert 120 <= opened(derive(data).screen).getpixel((32, 32)) <= 136


@pytest.mark.parametrize("mode", ["1", "L"])
def test_grey_pictures_stay_grey(mode: str) -> None:
    assert opened(derive(as_bytes(Image.new(mode, (64, 64), 255), "PNG")).screen).getpixel((9, 9)) > 250


def test_a_wide_colour_profile_is_converted() -> None:
    swapped = swap_red_and_green(SRGB)
    data = as_bytes(Image.new("RGB", (64, 64), (255, 0, 0)), "JPEG", icc_profile=swapped, quality=95)
    red, green, _ = opened(derive(data).screen).getpixel((32, 32))
    assert green > red


def swap_red_and_green(profile: bytes) -> bytes:
    """An sRGB profile whose red and green primaries are exchanged: unmistakable when it is honoured."""
    return profile.replace(b"rXYZ", b"tXYZ").replace(b"gXYZ", b"rXYZ").replace(b"tXYZ", b"gXYZ")


def test_a_plain_profile_changes_no_pixel() -> None:
    picture = scene(64, 48)
    with_profile, without = (derive(as_bytes(picture, "JPEG", icc_profile=profile)) for profile in (SRGB, None))
    assert with_profile == without


def test_a_broken_colour_profile_is_ignored() -> None:
    data = as_bytes(scene(64, 48), "JPEG", icc_profile=b"not a profile" * 20)
    assert is_upright(opened(derive(data).screen))


def test_a_webp_and_a_heic_are_derived_upright() -> None:
    for form in ("WEBP", "HEIF"):
        data = as_bytes(sensed(400, 300, 6), form, exif=camera_exif(6))
        screen = opened(derive(data).screen)
        assert (form, screen.size, is_upright(screen)) == (form, (300, 400), True)


def test_what_cannot_be_decoded_is_refused() -> None:
    whole = as_bytes(scene(640, 480), "JPEG")
    with pytest.raises(ImageTruncated):
        derive(whole[: len(whole) // 2])
    with pytest.raises(NotAnImage):
        derive(b"text")
    with pytest.raises(ImageTooLarge):
        derive(whole, max_pixels=1000)


def test_a_photo_with_a_second_picture_inside_shows_the_first() -> None:
    data = as_bytes(sensed(400, 300, 6), "MPO", save_all=True, append_images=[Image.new("RGB", (64, 48))], exif=camera_exif(6))
    screen = opened(derive(data).screen)
    assert is_upright(screen)
    assert screen.size == (300, 400)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "I;16", "L"])
def test_a_huge_picture_reduced_in_bands_looks_the_same(mode: str) -> None:
    upright = scene(650, 70).resize((6500, 700))
    plain = upright.convert("L" if mode == "I;16" else mode)
    huge = plain.convert("I").point(lambda value: value * 257 + 0).convert("I;16") if mode == "I;16" else plain
    shown = opened(derive(as_bytes(huge, "PNG", compress_level=1)).screen)
    assert shown.size == (1600, 172)
    expected = plain.convert(shown.mode).resize(shown.size, Image.Resampling.LANCZOS)
    assert max(ImageStat.Stat(ImageChops.difference(shown, expected)).mean) < 3


def test_a_huge_transparent_picture_takes_little_more_memory_than_its_pixels(tmp_path: Path) -> None:
    path = tmp_path / "huge.png"
    Image.new("RGBA", (6400, 4000)).save(path, compress_level=1)
    program = f"""
from pathlib import Path
from media.derive import derive
derive(Path({str(path)!r}))
print(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""
    peak_kib = int(subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    assert peak_kib * 1024 < 6400 * 4000 * 4 + 110 * 2**20
