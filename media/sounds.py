"""What a sound file is, told from its content alone: voice notes as phones record them (WebM, MP4, Ogg), no longer than a minute.

Only the containers are read, never the sound itself: every track must be sound, and the file must have more than its head.
Nothing is converted; a voice note is kept and played as it was recorded. Pictures are `inspect.py`'s.
"""

from collections.abc import Iterator
from pathlib import Path

from media.errors import NotAnImage, SoundDamaged, SoundTooLarge

# A minute at 256 kbit/s is 1.9 MB; phones record at half of that or less.
MAX_BYTES = 4 * 1024 * 1024
TYPES = frozenset({"audio/webm", "audio/mp4", "audio/ogg"})
_STILL_BRANDS = {b"avif", b"avis", b"mif1", b"msf1", b"heic", b"heix", b"hevc", b"crx "}

_EBML, _SEGMENT, _TRACKS, _ENTRY, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1654AE6B, 0xAE, 0x1F43B675
_DOCTYPE, _TRACK_TYPE, _SOUND = 0x4282, 0x83, 2
_OGG_HEADS = (b"OpusHead", b"\x01vorbis")
_NESTED = {b"moov", b"trak", b"mdia"}
# A minute in fragments of a second has a few hundred; more is made to cost time.
_PARTS_MOST = 5000

Element = tuple[int, int, int]


def sniff_sound(head: bytes) -> str | None:
    """Content type by the first 64 bytes: which reader to ask. Whether it is a voice note only that one can tell."""
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "audio/webm"
    if head.startswith(b"OggS"):
        return "audio/ogg"
    return "audio/mp4" if head[4:8] == b"ftyp" and head[8:12] not in _STILL_BRANDS else None


def check_sound(source: Path | bytes, content_type: str) -> None:
    """Read the container to its end. Raises SoundTooLarge, SoundDamaged, or NotAnImage for one that holds more than sound."""
    size_bytes = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size_bytes > MAX_BYTES:
        raise SoundTooLarge(f"{size_bytes} bytes are more than {MAX_BYTES}")
    data = source if isinstance(source, bytes) else source.read_bytes()
    check = {"audio/webm": _check_webm, "audio/mp4": _check_mp4, "audio/ogg": _check_ogg}[content_type]
    try:
        check(data)
    except (IndexError, ValueError) as error:
        raise SoundDamaged(str(error)) from error


def _check_webm(data: bytes) -> None:
    """An EBML head that says `webm`, tracks of sound alone, then at least one cluster of it."""
    elements = _elements(data, 0, len(data))
    id_, start, end = next(elements, (0, 0, 0))
    heads = {one: data[low:high].rstrip(b"\0") for one, low, high in _elements(data, start, end)} if id_ == _EBML else {}
    if heads.get(_DOCTYPE) != b"webm":
        raise NotAnImage("no WebM")
    id_, start, end = next(elements, (0, 0, 0))
    kinds: list[int] | None = None
    for part, low, high in _elements(data, start, end) if id_ == _SEGMENT else ():
        if part == _TRACKS:
            kinds = [_track_kind(data, *span) for entry, *span in _elements(data, low, high) if entry == _ENTRY]
        if part == _CLUSTER and kinds is not None:
            _refuse_other(all(kind == _SOUND for kind in kinds), bool(kinds))
            return
    raise SoundDamaged("no sound in it")


def _track_kind(data: bytes, start: int, end: int) -> int:
    told = (data[low:high] for part, low, high in _elements(data, start, end) if part == _TRACK_TYPE)
    return int.from_bytes(next(told, b""), "big")


def _elements(data: bytes, at: int, end: int) -> Iterator[Element]:
    """`(id, start, end)` of EBML elements; one of unknown size, or cut off, reaches to the end."""
    for _ in range(_PARTS_MOST):
        if at >= end:
            return
        id_, at = _number(data, at, keep_mark=True)
        size, at = _number(data, at, keep_mark=False)
        stop = end if size < 0 else min(end, at + size)
        yield id_, at, stop
        at = stop
    raise ValueError("too many parts")


def _number(data: bytes, at: int, *, keep_mark: bool) -> tuple[int, int]:
    """A number of one to eight bytes and what follows it; -1 for an unknown size."""
    length = 9 - data[at].bit_length()
    if length > 8:
        raise ValueError("no EBML")
    value = int.from_bytes(data[at : at + length], "big")
    plain = value & ~(1 << (7 * length))
    is_unknown = plain == (1 << (7 * length)) - 1
    return (value if keep_mark else -1 if is_unknown else plain), at + length


def _check_mp4(data: bytes) -> None:
    """A `moov` whose tracks are sound alone, and sound beside it (`mdat`)."""
    boxes = list(_boxes(data, 0, len(data)))
    kinds = [data[start + 8 : start + 12] for kind, start, _ in boxes if kind == b"hdlr"]
    _refuse_other(all(kind == b"soun" for kind in kinds), bool(kinds) and any(kind == b"mdat" for kind, *_ in boxes))


def _boxes(data: bytes, at: int, end: int, depth: int = 0) -> Iterator[tuple[bytes, int, int]]:
    """`(kind, start, end)` of boxes, those within tracks included."""
    for _ in range(_PARTS_MOST):
        if at + 8 > end:
            return
        size, kind, start = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], at + 8
        if size == 1:
            size, start = int.from_bytes(data[at + 8 : at + 16], "big"), at + 16
        stop = end if size == 0 else at + size
        if stop < start or stop > end:
            raise ValueError("a box reaches beyond the file")
        yield kind, start, stop
        if kind in _NESTED and depth < len(_NESTED):
            yield from _boxes(data, start, stop, depth + 1)
        at = stop
    raise ValueError("too many parts")


def _check_ogg(data: bytes) -> None:
    """Streams that begin as Opus or Vorbis, and a page of sound after their heads."""
    at, kinds = 0, list[bool]()
    while data[at : at + 4] == b"OggS":
        lengths = data[at + 27 : at + 27 + data[at + 26]]
        start = at + 27 + len(lengths)
        if not data[at + 5] & 2:
            _refuse_other(all(kinds), bool(kinds))
            return
        kinds.append(data[start : start + 8].startswith(_OGG_HEADS))
        at = start + sum(lengths)
    raise SoundDamaged("no sound in it")


def _refuse_other(is_sound: bool, is_whole: bool) -> None:
    if not is_sound:
        raise NotAnImage("it holds more than sound")
    if not is_whole:
        raise SoundDamaged("no sound in it")
