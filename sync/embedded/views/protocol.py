"""What the node and a mapper process say to each other: MessagePack in frames with a length before them.

Only the words; who speaks is in `pool` (the node's side) and `mapper` (the process).
"""

import struct
from typing import IO, Any, Literal

import msgspec

LENGTH = struct.Struct(">I")

Row = tuple[int, bytes, bytes, bytes, int | float | None]  # function, sort key, key JSON, value JSON, value as a number


Kind = Literal["map", "reduce", "filter", "emits", "index", "selector"]


class Request(msgspec.Struct):
    """`functions` to run on `documents`, which are JSON texts; a `reduce` has `arguments`, one JSON text, instead.

    `map`, `reduce`: JavaScript that shares the modules `lib`; `emits` is one map of which only counts whether it makes rows.
    `filter`: JavaScript that sees the design document `lib` and is given `arguments`, the client's request. `index`,
    `selector`: JSON texts of query indexes or of one selector. A filter or selector makes one row of a document that passes.
    """

    functions: list[str]
    lib: dict[str, Any]
    documents: list[bytes] = []
    arguments: bytes | None = None
    kind: Kind = "map"


class Failure(msgspec.Struct):
    """One function said no to one document."""

    function: int
    document: int
    reason: str
    is_over_limit: bool


class Answer(msgspec.Struct):
    """`rows` has one list a document, of the first documents only when time was short. `broken` names what is wrong
    with the functions themselves."""

    rows: list[list[Row]] = []
    failures: list[Failure] = []
    value: bytes | None = None
    broken: str | None = None


def read_frame(stream: IO[bytes]) -> bytes | None:
    """The next frame: four bytes of length, then that many bytes. None at the end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    size: int = LENGTH.unpack(head)[0]
    body = stream.read(size)
    return body if len(body) == size else None


def write_frame(stream: IO[bytes], body: bytes) -> None:
    """Write what `read_frame` reads."""
    stream.write(LENGTH.pack(len(body)) + body)
    stream.flush()
