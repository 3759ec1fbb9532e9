"""What narrows a feed or a query, document by document: selectors, filter functions, the map of a view.

A selector without `$regex` runs at once, in the caller's thread. Everything else is code of the client's and runs in a
mapper process, where it can be stopped (`views/pool.py`). Calls block: they belong on the views' own threads, so that nobody's
filter ever holds up a plain read.
"""

import time
from typing import Any, Protocol

from sync.embedded.codec import dump, parse
from sync.embedded.mango.selector import Selector
from sync.embedded.refusals import Refusal, missing
from sync.embedded.views.pool import FunctionsBroken, Overdue, shared_pool
from sync.embedded.views.protocol import Kind, Request

REQUEST_LIMIT_S = 30.0  # what one request may take of the mapper processes, waiting for them included
_PART_DOCUMENTS = 250


class SieveFailed(Refusal):
    """The client's code failed or took too long; what was answered so far is not the whole answer."""


class Sieve(Protocol):
    """Says of documents (JSON text with `_id` and `_rev`) which pass, in order."""

    def sift(self, documents: list[bytes]) -> list[bool]:
        """Blocks. Raises `SieveFailed`."""


class SelectorSieve:
    """Lets pass what a selector fits."""

    def __init__(self, selector: Selector) -> None:
        self._selector = selector
        source = dump(selector.normal).decode() if selector.is_costly else ""
        self._contained = _Contained("selector", source, {}) if selector.is_costly else None

    def sift(self, documents: list[bytes]) -> list[bool]:
        """Blocks. Raises `SieveFailed`."""
        if self._contained is not None:
            return self._contained.sift(documents)
        return [self._selector.matches(parse(document)) for document in documents]


class FunctionSieve:
    """Lets pass what a function of a design document says yes to, or what a view's map emits something for."""

    def __init__(self, design: dict[str, Any], kind: str, name: str, request: dict[str, Any]) -> None:
        """`kind` is `filters` or `views`; `request` is shown to a filter. Raises 404 when there is no such function."""
        part = design.get(kind)
        function = part.get(name) if isinstance(part, dict) else None
        if function is None:
            raise missing(f"missing json key: {name if isinstance(part, dict) else kind}")
        if kind == "filters":
            self._contained = _Contained("filter", _need_text(function), design, dump(request))
        else:
            lib = part.get("lib") if isinstance(part, dict) else None
            source = _need_text(function.get("map") if isinstance(function, dict) else None)
            self._contained = _Contained("emits", source, lib if isinstance(lib, dict) else {})

    def sift(self, documents: list[bytes]) -> list[bool]:
        """Blocks. Raises `SieveFailed`."""
        return self._contained.sift(documents)


class _Contained:
    """One function in the mapper processes, with what is left of the request's time."""

    def __init__(self, kind: Kind, source: str, lib: dict[str, Any], arguments: bytes | None = None) -> None:
        self._job = Request([source], lib, arguments=arguments, kind=kind)
        self._left_s = REQUEST_LIMIT_S

    def sift(self, documents: list[bytes]) -> list[bool]:
        """Blocks. Raises `SieveFailed`."""
        passed: list[bool] = []
        while len(passed) < len(documents):
            started_s = time.monotonic()
            try:
                passed += shared_pool().sift(self._job, documents[len(passed) :][:_PART_DOCUMENTS], self._left_s)
            except FunctionsBroken as error:
                name, _, reason = str(error).partition(": ")
                is_named = name.isidentifier() and bool(reason)
                raise SieveFailed(500, name if is_named else "filter_failed", reason if is_named else str(error)) from None
            except Overdue as error:
                raise SieveFailed(500, "timeout", f"The request was stopped: {error}.") from None
            finally:
                self._left_s -= time.monotonic() - started_s
        return passed


def _need_text(function: Any) -> str:
    if not isinstance(function, str):
        raise Refusal(400, "bad_request", "The function must be text.")
    return function
