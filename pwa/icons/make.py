"""Draws the app's mark, nine grid cells with a place in the middle one, as SVG and PNG. Run it after changing the mark.

    python pwa/icons/make.py

Sizes are those browsers ask for when installing; `maskable` keeps the mark inside the circle that phones may cut out.
"""

from pathlib import Path

from PIL import Image, ImageDraw

HERE = Path(__file__).parent
GROUND, CELL, PIN = "#00594c", "#5fa093", "#ffc857"
SIDE = 512
CELL_PX, GAP_PX = 96, 20
OVERSAMPLE = 4


def cells() -> list[tuple[int, int]]:
    """Top left corners of the eight cells around the middle one."""
    start = (SIDE - 3 * CELL_PX - 2 * GAP_PX) // 2
    corners = [start + n * (CELL_PX + GAP_PX) for n in range(3)]
    return [(x, y) for y in corners for x in corners if (x, y) != (corners[1], corners[1])]


def svg() -> str:
    """The mark as SVG, with round corners of its own."""
    squares = "".join(f'<rect x="{x}" y="{y}" width="{CELL_PX}" height="{CELL_PX}" rx="18"/>' for x, y in cells())
    pin = "M256 372c-18-38-76-88-76-148a76 76 0 0 1 152 0c0 60-58 110-76 148z"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE} {SIDE}">'
        f'<rect width="{SIDE}" height="{SIDE}" rx="112" fill="{GROUND}"/><g fill="{CELL}">{squares}</g>'
        f'<path d="{pin}" fill="{PIN}" stroke="{GROUND}" stroke-width="24" stroke-linejoin="round" paint-order="stroke"/>'
        f'<circle cx="256" cy="224" r="30" fill="{GROUND}"/></svg>\n'
    )


def png(size_px: int, scale: float, corner: int) -> Image.Image:
    """The mark as a picture; `scale` shrinks it around the middle, `corner` rounds the ground (0 fills the square)."""
    side = SIDE * OVERSAMPLE
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, side - 1, side - 1), corner * OVERSAMPLE, fill=GROUND)

    def at(value: float) -> float:
        return (SIDE / 2 + (value - SIDE / 2) * scale) * OVERSAMPLE

    for x, y in cells():
        draw.rounded_rectangle((at(x), at(y), at(x + CELL_PX), at(y + CELL_PX)), 18 * scale * OVERSAMPLE, fill=CELL)
    for colour, grow in ((GROUND, 12), (PIN, 0)):
        draw.polygon(
            [(at(256), at(372 + 1.6 * grow)), (at(186 - grow), at(252 + grow / 2)), (at(326 + grow), at(252 + grow / 2))],
            fill=colour,
        )
        draw.ellipse((at(180 - grow), at(148 - grow), at(332 + grow), at(300 + grow)), fill=colour)
    draw.ellipse((at(226), at(194), at(286), at(254)), fill=GROUND)
    return image.resize((size_px, size_px), Image.Resampling.LANCZOS)


if __name__ == "__main__":
    (HERE / "icon.svg").write_text(svg(), encoding="utf-8")
    for size in (192, 512):
        png(size, 1.0, 112).save(HERE / f"icon-{size}.png", optimize=True)
        png(size, 0.78, 0).save(HERE / f"maskable-{size}.png", optimize=True)
