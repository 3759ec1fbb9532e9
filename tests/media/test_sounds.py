"""Voice notes are told by their content alone; films, torn and hostile files are none."""

import random
from pathlib import Path

import pytest

from media.errors import ImageError, NotAnImage, SoundDamaged, SoundTooLarge
from media.inspect import read_any, sniff_any
from media.sounds import MAX_BYTES
from tests.media import recordings
from tests.media.photographs import as_bytes, scene

KINDS = {"webm": recordings.webm, "mp4": recordings.mp4, "ogg": recordings.ogg}


@pytest.mark.parametrize("kind", KINDS)
def test_what_phones_record_is_a_sound(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "voice.jpg"
    path.write_bytes(KINDS[kind]())
    facts = read_any(path)
    assert (facts.content_type, facts.width_px, sniff_any(path)) == (f"audio/{kind}", None, f"audio/{kind}")


@pytest.mark.parametrize(
    "film",
    [
        recordings.webm((1, 2)),
        recordings.webm((1,)),
        recordings.mp4((b"soun", b"vide")),
        recordings.ogg((b"OpusHead", b"\x80theora")),
    ],
)
def test_a_film_is_no_voice_note(film: bytes) -> None:
    with pytest.raises(NotAnImage):
        read_any(film)


@pytest.mark.parametrize(
    "torn",
    [
        recordings.webm()[:60],
        recordings.webm(()),
        recordings.mp4()[:-1],
        recordings.mp4(()),
        recordings.ogg()[:40],
        b"\x1aE\xdf\xa3",
        b"OggS",
    ],
)
def test_a_head_without_sound_is_damaged(torn: bytes) -> None:
    with pytest.raises((SoundDamaged, NotAnImage)):
        read_any(torn)


def test_a_recording_of_an_hour_is_too_large() -> None:
    with pytest.raises(SoundTooLarge):
        read_any(recordings.webm(sound=bytes(MAX_BYTES)))


def test_a_picture_is_still_a_picture() -> None:
    assert read_any(as_bytes(scene(64, 48), "HEIF")).content_type == "image/heic"
    with pytest.raises(NotAnImage):
        read_any(as_bytes(scene(64, 48), "AVIF"))


@pytest.mark.parametrize("made", [b"\0\0\0\0moov" * 100_000, recordings.webm(())[:46] + b"\xec\x80" * 1_000_000])
def test_a_file_made_to_cost_time_is_given_up(made: bytes) -> None:
    if made.startswith(b"\0"):
        made = b"\0\0\0\x14ftypiso5\0\0\0\0iso5" + made
    with pytest.raises(SoundDamaged):
        read_any(made)


def test_hostile_containers_end_in_an_answer() -> None:
    chance = random.Random(5)
    for _ in range(3000):
        data = bytearray(chance.choice(list(KINDS.values()))(sound=b"x" * 40))
        for _ in range(chance.randrange(1, 8)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            read_any(bytes(data[: chance.randrange(1, len(data) + 1)]))
        except ImageError:
            continue
