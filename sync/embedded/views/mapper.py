"""The mapper process: runs JavaScript for the node and can be killed without harm. Started by `pool`, never by hand.

Frames of MessagePack go in and out on the standard streams: an empty one when it is ready, then for each `Request` its
`Answer`. Sort keys are computed here too, so that indexing costs the node's own process little. Nothing is stored here.
"""

import resource
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import msgspec
import orjson

from sync.embedded.codec import dump
from sync.embedded.mango.mapping import IndexMapper, SelectorMapper, prepare_limit
from sync.embedded.views.collation import encode
from sync.embedded.views.protocol import Answer, Failure, Request, Row, read_frame, write_frame
from sync.embedded.views.sandbox import Broken, MapResult, Sandbox

ANSWER_WITHIN_S = 2.0  # a batch that takes longer is answered in parts
_MOST_SANDBOXES = 8
_SIFTING = ("filter", "emits", "selector")  # whose callers give up at the first document over the limits
_ADDRESS_SPACE_BYTES = 1 << 30
_EXACT_INTEGER = 1 << 40  # sums of millions of such integers stay within 64 bits


def main() -> None:
    """Answer requests until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE_BYTES, _ADDRESS_SPACE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    prepare_limit()
    sandboxes = Sandboxes()
    write_frame(sys.stdout.buffer, b"")  # ready
    decoder, encoder = msgspec.msgpack.Decoder(Request), msgspec.msgpack.Encoder()
    while (frame := read_frame(sys.stdin.buffer)) is not None:
        write_frame(sys.stdout.buffer, encoder.encode(sandboxes.answer(decoder.decode(frame))))


class Sandboxes:
    """What was compiled last, one for each set of functions."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, Mapper] = OrderedDict()

    def answer(self, request: Request) -> Answer:
        """Do what the request asks; failures of functions are part of the answer, not exceptions."""
        try:
            mapper = self._find(request)
            if isinstance(mapper, Sandbox) and request.kind == "reduce":
                return Answer(value=mapper.reduce(request.arguments or b"[]"))
        except Broken as error:
            return Answer(broken=str(error))
        if isinstance(mapper, Sandbox) and request.kind == "filter":
            arguments = request.arguments or b"{}"
            return _map(lambda document: mapper.filter(document, arguments), request)
        if isinstance(mapper, Sandbox) and request.kind == "emits":
            return _map(mapper.map_alone, request)
        return _map(mapper.map, request)

    def _find(self, request: Request) -> "Mapper":
        name = orjson.dumps([request.kind, request.functions, request.lib])
        mapper = self._kept.pop(name, None) or _make_mapper(request)
        self._kept[name] = mapper
        if len(self._kept) > _MOST_SANDBOXES:
            self._kept.popitem(last=False)
        return mapper


Mapper = Sandbox | IndexMapper | SelectorMapper


def _make_mapper(request: Request) -> Mapper:
    if request.kind == "index":
        return IndexMapper(request.functions)
    if request.kind == "selector":
        return SelectorMapper(request.functions[0])
    return Sandbox(request.functions, request.lib if request.kind == "filter" else {"views": {"lib": request.lib}})


def _map(run: Callable[[bytes], list[MapResult]], request: Request) -> Answer:
    answer = Answer(rows=[], failures=[])
    answer_by = time.monotonic() + ANSWER_WITHIN_S
    for at, document in enumerate(request.documents):
        rows: list[Row] = []
        for function, result in enumerate(run(document)):
            failure = result.failure
            try:
                rows += [_make_row(function, key, value) for key, value in result.rows]
            except (RecursionError, TypeError) as error:
                failure = type(error).__name__
            if failure is not None:
                answer.failures.append(Failure(function, at, failure, result.is_over_limit))
        answer.rows.append(rows)
        is_decided = request.kind in _SIFTING and any(failure.is_over_limit for failure in answer.failures)
        if is_decided or time.monotonic() > answer_by:
            break
    return answer


def _make_row(function: int, key: Any, value: Any) -> Row:
    return function, encode(key), dump(key), dump(value), as_number(value)


def as_number(value: Any) -> int | float | None:
    """The value when it is a number, as an integer only where sums of it stay exact."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, float) or abs(value) < _EXACT_INTEGER else float(value)


if __name__ == "__main__":
    main()
