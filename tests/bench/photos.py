"""How much our photo derivation costs over bare Pillow doing the same decode, resizes and encodes; prints the ratio.

Run from the root: `python tests/bench/photos.py`. Throughput ratio 1.0 means no cost at all; the bar is 0.80.
"""

import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from PIL import Image

from media.derive import derive
from tests.media.photographs import camera_jpeg

BAR = 0.80
ROUNDS = 15


def derive_bare(data: bytes) -> None:
    """The least Pillow can do for two sizes: no upright, no colour, no checks."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft(None, (1600, 1200))
        image.load()
        screen = image.resize((1600, 1200), Image.Resampling.LANCZOS, reducing_gap=2.0)
        thumb = screen.resize((320, 240), Image.Resampling.LANCZOS, reducing_gap=2.0)
        for size in (screen, thumb):
            size.save(io.BytesIO(), "JPEG", quality=80, progressive=True)


def time_it(work: Callable[[bytes], object], data: bytes) -> float:
    """CPU seconds of one run: what a loaded machine pays, whoever else is running."""
    begun = time.process_time()
    work(data)
    return time.process_time() - begun


def main() -> None:
    """Print the ratio and whether it is enough."""
    with tempfile.TemporaryDirectory() as folder:
        data = camera_jpeg(Path(folder, "camera.jpg")).read_bytes()
    for work in (derive_bare, derive):
        work(data)
    pairs = [(time_it(derive_bare, data), time_it(derive, data)) for _ in range(ROUNDS)]
    bare_s, ours_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    ratio = bare_s / ours_s
    print(
        f"photo derivation, 12 MP JPEG of {len(data) / 2**20:.1f} MiB: bare Pillow {bare_s * 1000:.0f} ms, "
        f"ours {ours_s * 1000:.0f} ms, throughput ratio {ratio:.2f} (bar {BAR:.2f}: {'held' if ratio >= BAR else 'NOT held'})"
    )


if __name__ == "__main__":
    main()
