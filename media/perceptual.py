"""A perceptual hash of a photo: 64 bits that stay nearly the same when the same view is encoded again, resized, lit otherwise.

The usual `pHash`: the 8 × 8 lowest frequencies (without the mean) of the picture at 32 × 32 grey, each a bit of whether it lies
above their median. Own code on purpose: the well-known library for this brings numpy, scipy and PyWavelets with it, for what is
forty lines here and two milliseconds a photo. How near two hashes have to be is said where cases are compared, not here.
"""

import math
import operator
from statistics import median

from PIL import Image, ImageStat

EDGE_PX, BITS_EDGE = 32, 8
# A dark stairwell or a thumb over the lens: its bits would be noise, and all such pictures would look alike.
LEAST_CONTRAST = 5.0
_COSINES = [[math.cos(math.pi * (2 * at + 1) * wave / (2 * EDGE_PX)) for at in range(EDGE_PX)] for wave in range(BITS_EDGE + 1)]


def hash_of(image: Image.Image) -> str | None:
    """The hash of an upright picture as 16 hex digits; None when it shows too little to tell it from others."""
    small = image.convert("L").resize((EDGE_PX, EDGE_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if ImageStat.Stat(small).stddev[0] < LEAST_CONTRAST:
        return None
    values = list(small.tobytes())
    rows = [values[start : start + EDGE_PX] for start in range(0, EDGE_PX * EDGE_PX, EDGE_PX)]
    across = [[_dot(row, cosine) for row in rows] for cosine in _COSINES]
    waves = [_dot(across[x], _COSINES[y]) for y in range(1, BITS_EDGE + 1) for x in range(1, BITS_EDGE + 1)]
    middle = median(waves)
    bits = 0
    for wave in waves:
        bits = bits << 1 | (wave > middle)
    return f"{bits:016x}"


def _dot(one: list[float] | list[int], other: list[float]) -> float:
    return float(sum(map(operator.mul, one, other)))
