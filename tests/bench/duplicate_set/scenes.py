"""What phones see: drawn places, and what happens to a picture between two people who stand before the same thing.

A `scene` is a place: the same seed draws the same place. `seen_again` is a real transform of its pixels: another height, another
step to the side, another light, another phone's encoder. `stamped` is what a watermark camera writes over every picture.
"""

import io
from random import Random

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

WIDTH, HEIGHT = 640, 480
SENSOR = 320, 240


def scene(kind: str, seed: int, clutter_seed: int | None = None) -> Image.Image:
    """A place of a kind: `street`, `stairs`, `bin`, `ground`. Another `clutter_seed`: the same place with other things in it."""
    rng = Random(f"{kind} {seed}")
    image = {"street": _street, "stairs": _stairs, "bin": _bin, "ground": _ground}[kind](rng)
    clutter(image, Random(f"clutter {seed if clutter_seed is None else clutter_seed}"), kind)
    small = image.resize(SENSOR, Image.Resampling.BILINEAR)
    grain = Image.frombytes("L", SENSOR, rng.randbytes(SENSOR[0] * SENSOR[1])).convert("RGB")
    return Image.blend(small, grain, 0.08).filter(ImageFilter.GaussianBlur(0.5))


def seen_again(image: Image.Image, rng: Random) -> Image.Image:
    """The same thing by another person: a step aside, a little turned, nearer or farther, other light."""

    def shift(most: float) -> float:
        return rng.uniform(-most, most)

    left, top, right, bottom = (rng.uniform(0, 0.07) for _ in range(4))
    corners = []
    for x, y in ((left, top), (left, 1 - bottom), (1 - right, 1 - bottom), (1 - right, top)):
        corners += [(x + shift(0.025)) * image.width, (y + shift(0.025)) * image.height]
    turned = image.rotate(shift(3), Image.Resampling.BICUBIC, fillcolor=image.resize((1, 1)).getpixel((0, 0)))
    moved = turned.transform(image.size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)
    lit = ImageEnhance.Brightness(moved).enhance(rng.uniform(0.7, 1.25))
    return ImageEnhance.Contrast(ImageEnhance.Color(lit).enhance(rng.uniform(0.6, 1.2))).enhance(rng.uniform(0.8, 1.15))


def stamped(image: Image.Image) -> Image.Image:
    """What a watermark camera writes on all its pictures."""
    marked = image.copy()
    draw = ImageDraw.Draw(marked)
    height = image.height
    draw.rectangle((0, height - 45, 150, height), fill=(250, 250, 250))
    draw.rectangle((0, height - 45, 150, height - 33), fill=(30, 90, 200))
    for row in range(3):
        draw.line((6, height - 26 + row * 9, 135 - row * 20, height - 26 + row * 9), fill=(40, 40, 40), width=3)
    return marked


def encode(image: Image.Image, rng: Random) -> bytes:
    """A phone's JPEG: its own size and quality."""
    width = rng.choice((240, 320, 280, 400))
    out = io.BytesIO()
    image.resize((width, width * HEIGHT // WIDTH)).save(out, "JPEG", quality=rng.randrange(55, 90))
    return out.getvalue()


def clutter(image: Image.Image, rng: Random, kind: str) -> None:
    """What lies around and is not there next week."""
    draw = ImageDraw.Draw(image)
    for _ in range({"street": 2, "stairs": 5, "bin": 9, "ground": 3}[kind]):
        x, y = rng.randrange(60, WIDTH - 80), rng.randrange(HEIGHT * 6 // 10, HEIGHT - 30)
        w, h = rng.randrange(20, 90), rng.randrange(15, 60)
        draw.rectangle((x, y, x + w, y + h), fill=_colour(rng, 40, 220))


def _colour(rng: Random, low: int, high: int) -> tuple[int, int, int]:
    return rng.randrange(low, high), rng.randrange(low, high), rng.randrange(low, high)


def _street(rng: Random) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), _colour(rng, 150, 235))
    draw, x, horizon = ImageDraw.Draw(image), -rng.randrange(60), rng.randrange(270, 350)
    while x < WIDTH:
        width, top = rng.randrange(60, 190), rng.randrange(30, 240)
        draw.rectangle((x, top, x + width, horizon), fill=_colour(rng, 60, 200))
        for wx in range(x + 10, x + width - 14, rng.randrange(20, 34)):
            for wy in range(top + 12, horizon - 20, rng.randrange(24, 40)):
                draw.rectangle((wx, wy, wx + 10, wy + 14), fill=(50, 60, 75))
        x += width + rng.randrange(0, 50)
    draw.rectangle((0, horizon, WIDTH, HEIGHT), fill=_colour(rng, 80, 150))
    for _ in range(rng.randrange(1, 4)):
        tx, size = rng.randrange(WIDTH), rng.randrange(40, 90)
        draw.rectangle((tx, horizon - 90, tx + 8, horizon + 20), fill=(80, 60, 40))
        draw.ellipse((tx - size, horizon - 90 - size, tx + size, horizon - 90 + size), fill=(50, rng.randrange(80, 140), 50))
    pole = rng.randrange(100, WIDTH - 100)
    draw.line((pole, 40, pole, HEIGHT - 60), fill=(70, 70, 75), width=9)
    draw.line((pole, 45, pole + rng.choice((-80, 80)), 60), fill=(70, 70, 75), width=7)
    return image


def _stairs(rng: Random) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), _colour(rng, 60, 120))
    draw = ImageDraw.Draw(image)
    draw.polygon([(0, 0), (rng.randrange(80, 220), 60), (rng.randrange(80, 220), 400), (0, HEIGHT)], fill=_colour(rng, 90, 170))
    x, y, step = rng.randrange(180, 300), HEIGHT - 30, rng.randrange(22, 40)
    for _ in range(rng.randrange(6, 10)):
        draw.rectangle((x, y - step, WIDTH, y), fill=_colour(rng, 70, 140))
        x, y = x + step, y - step
    door = rng.randrange(220, 420)
    draw.rectangle((door, rng.randrange(40, 110), door + rng.randrange(70, 130), 300), fill=_colour(rng, 40, 160))
    return image


def _bin(rng: Random) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), _colour(rng, 120, 220))
    draw, ground = ImageDraw.Draw(image), rng.randrange(280, 350)
    draw.rectangle((0, ground, WIDTH, HEIGHT), fill=_colour(rng, 80, 150))
    for _ in range(rng.randrange(2, 5)):
        x = rng.randrange(0, WIDTH - 120)
        draw.rectangle((x, rng.randrange(20, 160), x + rng.randrange(60, 200), ground - 10), fill=_colour(rng, 70, 210))
    first, colour = rng.randrange(40, 300), _colour(rng, 20, 130)
    for index in range(rng.randrange(1, 5)):
        x = first + index * 95
        draw.rectangle((x, ground - 120, x + 80, ground + 40), fill=colour)
        draw.rectangle((x - 6, ground - 136, x + 86, ground - 116), fill=(30, 30, 30))
    return image


def _ground(rng: Random) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), _colour(rng, 90, 160))
    draw = ImageDraw.Draw(image)
    for _ in range(rng.randrange(2, 6)):
        at, slope = rng.randrange(HEIGHT), rng.randrange(-160, 160)
        draw.line((0, at, WIDTH, at + slope), fill=_colour(rng, 60, 220), width=rng.randrange(6, 60))
    for _ in range(rng.randrange(1, 4)):
        x, y = rng.randrange(WIDTH), rng.randrange(HEIGHT)
        draw.ellipse((x - 60, y - 30, x + 70, y + 40), fill=_colour(rng, 70, 150))
    x, y, r = rng.randrange(180, 460), rng.randrange(160, 340), rng.randrange(70, 120)
    draw.ellipse((x - r, y - r * 6 // 10, x + r, y + r * 6 // 10), fill=_colour(rng, 20, 70), outline=(160, 160, 160), width=8)
    return image
