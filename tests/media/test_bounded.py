"""Costly pictures are decoded apart, in bounded memory, with the same result; what takes more ends there and nowhere else."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from media import bounded
from media.derive import derive
from media.errors import ImageTooLarge, ImageTruncated
from media.inspect import read_facts
from media.scrub import scrub
from tests.conftest import ROOT
from tests.media.photographs import as_bytes, camera_jpeg, scene


@pytest.fixture
def apart(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks that went to another process, while every picture counts as costly."""
    tasks: list[str] = []
    decode = bounded.decode_apart

    def note(task: str, *arguments: object) -> object:
        tasks.append(task)
        return decode(task, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(bounded, "decode_apart", note)
    monkeypatch.setattr(bounded, "HERE_BYTES", 0)
    return tasks


def test_the_result_is_the_same_apart(apart: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = camera_jpeg(tmp_path / "a.jpg", width=400, height=300, orientation=6)
    with Image.open(path) as image:
        image.save(tmp_path / "b.jpg", "JPEG", progressive=True, exif=image.getexif())
    data = (tmp_path / "b.jpg").read_bytes()
    there = (read_facts(tmp_path / "b.jpg"), derive(data), scrub(data, "image/jpeg"))
    assert apart == ["facts", "derive", "scrub"]
    monkeypatch.setattr(bounded, "HERE_BYTES", bounded.BUDGET_BYTES)
    assert (read_facts(data), derive(data), scrub(data, "image/jpeg")) == there
    assert len(apart) == 3


def test_damage_is_told_the_same_apart(apart: list[str]) -> None:
    whole = as_bytes(scene(200, 200), "PNG")
    with pytest.raises(ImageTruncated):
        read_facts(whole[: len(whole) // 2])
    with pytest.raises(ImageTruncated):
        derive(whole[: len(whole) // 2])
    assert apart == ["facts", "derive"]


def test_ordinary_pictures_are_decoded_where_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bounded, "decode_apart", lambda *_: pytest.fail("not costly"))
    path = camera_jpeg(tmp_path / "a.jpg", width=4000, height=3000)
    assert read_facts(path).width_px == 3000
    assert derive(path).screen_height_px == 1600


def test_what_would_not_fit_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "BUDGET_BYTES", 10_000)
    with pytest.raises(ImageTooLarge):
        read_facts(as_bytes(scene(64, 48), "WEBP"))


def test_a_picture_that_takes_more_than_its_budget_ends_the_decoder_and_nothing_else(
    apart: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "_COSTS", {"PNG": 0.001})
    monkeypatch.setattr(bounded, "BUDGET_BYTES", 32 * bounded.MIB)
    with pytest.raises(ImageTooLarge):
        read_facts(as_bytes(Image.new("RGB", (8000, 8000)), "PNG", compress_level=1))
    assert apart == ["facts"]


def test_a_large_picture_costs_the_caller_next_to_nothing(tmp_path: Path) -> None:
    path = tmp_path / "huge.jpg"
    Image.new("RGB", (5000, 5000), "green").save(path, "JPEG", progressive=True, subsampling=0)
    code = (
        "import resource, sys; from pathlib import Path; from media.derive import derive; from media.inspect import read_facts;"
        "read_facts(Path(sys.argv[1])); derive(Path(sys.argv[1]));"
        "own = [line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')];"
        "print(own[0], resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    said = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    own_kib, apart_kib = (int(part) for part in said.split())
    assert own_kib < 80 * 1024
    assert 150 * 1024 < apart_kib < 300 * 1024
