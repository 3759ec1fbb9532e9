"""One set of JavaScript functions in QuickJS with limits on time, memory and stack.

Used inside the mapper process. What a limit cannot stop (a loop inside the engine itself, a crash) is the business of
`pool`, which kills the process. Which rows belong to which document and view is not known here.
"""

import json
from dataclasses import dataclass, field
from typing import Any

import orjson
import quickjs

from sync.embedded.views.prelude import PRELUDE

CALL_LIMIT_S = 1.0  # processor time for one document
MEMORY_LIMIT_BYTES = 128 << 20
STACK_LIMIT_BYTES = 512 << 10
_OUT_OF_MEMORY = "out of memory"


@dataclass
class MapResult:
    """What one function made of one document: rows (key, value), or why there are none."""

    rows: list[list[Any]] = field(default_factory=list)
    failure: str | None = None
    is_over_limit: bool = False


class Broken(Exception):
    """The functions themselves cannot be used; the text says why."""


class Sandbox:
    """Functions compiled once and called many times; made anew after they ran out of memory."""

    def __init__(self, sources: list[str], root: dict[str, Any]) -> None:
        """`root` is what `require` finds modules in. Raises `Broken`."""
        self._sources = sources
        self._root = root
        self._compile()

    def map(self, document: bytes) -> list[MapResult]:
        """Run every map function over one document's JSON text; one result a function, in order."""
        text = document.decode()
        try:
            results = [_read_result(each) for each in _read_json(self._call("all", 0, text))]
        except (quickjs.JSException, MemoryError):
            self._compile()
            results = [self._map_one(index, text) for index in range(len(self._sources))]
        if any(result.is_over_limit for result in results):
            self._compile()
        return results

    def map_alone(self, document: bytes) -> list[MapResult]:
        """Run the only map function over one document."""
        return [self._map_one(0, document.decode())]

    def filter(self, document: bytes, request: bytes) -> list[MapResult]:
        """Ask the only function about one document: one result, with one row when it says yes."""
        try:
            result = _read_result(_read_json(self._call("filter", 0, document.decode(), request.decode())))
        except (quickjs.JSException, MemoryError) as error:
            result = MapResult(failure=_first_line(error), is_over_limit=True)
        if result.is_over_limit:
            self._compile()
        return [result]

    def reduce(self, arguments: bytes) -> bytes:
        """Call the only function with [keys, values, rereduce]; raises `Broken` with the reason when it fails."""
        try:
            return str(self._call("reduce", 0, arguments.decode())).encode()
        except (quickjs.JSException, MemoryError, UnicodeEncodeError) as error:
            self._compile()
            raise Broken(_first_line(error)) from error

    def _map_one(self, index: int, text: str) -> MapResult:
        try:
            return _read_result(_read_json(self._call("one", index, text)))
        except (quickjs.JSException, MemoryError) as error:
            self._compile()
            return MapResult(failure=_first_line(error), is_over_limit=True)

    def _compile(self) -> None:
        context = quickjs.Context()
        context.set_memory_limit(MEMORY_LIMIT_BYTES)
        context.set_max_stack_size(STACK_LIMIT_BYTES)
        context.set_time_limit(CALL_LIMIT_S)
        try:
            offered = context.eval(PRELUDE)(orjson.dumps(self._sources).decode(), orjson.dumps(self._root).decode())
        except (quickjs.JSException, MemoryError) as error:
            raise Broken(_first_line(error)) from error
        self._context = context
        self._call = offered


def _read_result(made: Any) -> MapResult:
    if isinstance(made, str):
        return MapResult(failure=made, is_over_limit=_OUT_OF_MEMORY in made)
    return MapResult(rows=made)


def _read_json(text: str) -> Any:
    """What a function made. Half a surrogate pair, which JavaScript allows and UTF-8 does not, becomes `?`."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return orjson.loads(json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8", "replace"))


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", 1)[0][:300] or type(error).__name__
