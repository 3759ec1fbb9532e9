"""The perceptual hash: the same view again is near, another view is far, and a picture of nothing has none."""

import io

from PIL import Image, ImageEnhance

from media import derive, perceptual
from tests.bench.duplicate_set import scenes
from tests.media.photographs import as_bytes


def bits_between(one: Image.Image, other: Image.Image) -> int:
    first, second = perceptual.hash_of(one), perceptual.hash_of(other)
    assert first is not None
    assert second is not None
    return (int(first, 16) ^ int(second, 16)).bit_count()


def test_encoding_again_resizing_and_other_light_hardly_change_it() -> None:
    image = scenes.scene("street", 1)
    again = Image.open(io.BytesIO(as_bytes(image, "JPEG", quality=40)))
    for changed in (again, image.resize((97, 73)), ImageEnhance.Brightness(image).enhance(0.8), image.convert("L")):
        assert bits_between(image, changed) <= 6


def test_other_places_are_far_apart() -> None:
    images = [scenes.scene("street", seed) for seed in range(6)]
    distances = [bits_between(one, other) for at, one in enumerate(images) for other in images[:at]]
    assert min(distances) > 12


def test_a_picture_of_nothing_has_no_hash() -> None:
    assert perceptual.hash_of(Image.new("RGB", (320, 240), (12, 12, 14))) is None


def test_a_hash_is_made_with_the_sizes_and_of_the_upright_picture() -> None:
    image = scenes.scene("bin", 3)
    exif = Image.Exif()
    exif[0x0112] = 6
    lying = as_bytes(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)
    upright = derive.derive(as_bytes(image, "JPEG", quality=95)).perceptual
    turned = derive.derive(lying).perceptual
    assert upright is not None
    assert turned is not None
    assert (int(upright, 16) ^ int(turned, 16)).bit_count() <= 4
