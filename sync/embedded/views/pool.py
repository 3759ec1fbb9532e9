"""A few mapper processes, shared by all view groups: starts them, gives them work, kills those that hang.

Callers block, so they run in index threads. A batch on which a mapper dies is tried again document by document and then
function by function, until the culprit is alone; it yields a failure instead of rows.
"""

import atexit
import os
import queue
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog

from sync.embedded.views.protocol import LENGTH, Answer, Failure, Kind, Request, Row, write_frame

MAPPER_COUNT = 2
START_LIMIT_S = 30.0
ANSWER_LIMIT_S = 10.0  # well beyond what the limits inside the mapper allow for one document and a part of a batch
_ROOT = Path(__file__).resolve().parents[3]
_HANG_REASON = "stopped: it did not come back"

_log = structlog.get_logger("views")


class MapperLost(Exception):
    """The process died or did not answer in time; it is gone."""


class FunctionsBroken(Exception):
    """The functions do not compile, or a reduce failed; the text says why."""


class Overdue(Exception):
    """A function took more time or memory than it may; the text says what happened."""


class Stopped(Exception):
    """The caller no longer wants an answer."""


@dataclass
class Mapped:
    """One list of rows for each document, and what failed."""

    rows: list[list[Row]]
    failures: list[Failure]


class Mapper:
    """One process."""

    def __init__(self, answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        self._answer_limit_s = answer_limit_s
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sync.embedded.views.mapper"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(_ROOT), "PATH": os.environ.get("PATH", "")},
            start_new_session=True,  # an interrupt from the terminal is for the node, which then ends the input
        )
        self._decoder = msgspec.msgpack.Decoder(Answer)
        self._is_ready = False

    def ask(self, request: Request) -> Answer:
        """Send a request and wait for its answer; raises `MapperLost`, after which this object is of no more use."""
        assert self._process.stdin is not None
        try:
            if not self._is_ready:  # starting takes its time on a busy machine, and is nobody's fault
                self._read(LENGTH.size, START_LIMIT_S)
                self._is_ready = True
            write_frame(self._process.stdin, msgspec.msgpack.encode(request))
            size: int = LENGTH.unpack(self._read(LENGTH.size, self._answer_limit_s))[0]
            return self._decoder.decode(self._read(size, self._answer_limit_s))
        except (OSError, MapperLost, msgspec.DecodeError) as error:
            self.kill()
            raise MapperLost from error

    def kill(self) -> None:
        """End the process now."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:  # unsent bytes of a process that is gone
                    continue

    def _read(self, size: int, limit_s: float) -> bytes:
        assert self._process.stdout is not None
        handle = self._process.stdout.fileno()
        # `select` cannot watch a descriptor above 1023, and a node with hundreds of open databases has those.
        waiting = select.poll()
        waiting.register(handle, select.POLLIN)
        parts: list[bytes] = []
        while size:
            ready = waiting.poll(limit_s * 1000)
            part = os.read(handle, min(size, 1 << 20)) if ready else b""
            if not part:
                raise MapperLost
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class Pool:
    """At most `MAPPER_COUNT` processes, started when first needed."""

    def __init__(self, answer_limit_s: float = ANSWER_LIMIT_S) -> None:
        self._answer_limit_s = answer_limit_s
        self._slots: queue.LifoQueue[Mapper | None] = queue.LifoQueue()
        for _ in range(MAPPER_COUNT):
            self._slots.put(None)

    def map(
        self,
        functions: list[str],
        lib: dict[str, Any],
        documents: Sequence[bytes],
        is_stopped: Callable[[], bool] = lambda: False,
        kind: Kind = "map",
    ) -> Mapped:
        """Rows of every function for every document. Raises `FunctionsBroken` when the functions do not compile, and
        `Stopped` when `is_stopped` says so between two parts."""
        job = Request(functions, lib, kind=kind)
        mapped = Mapped([], [])
        while len(mapped.rows) < len(documents):
            if is_stopped():
                raise Stopped
            done = len(mapped.rows)
            part = self._map_some(job, documents[done:])
            mapped.rows += part.rows
            for failure in part.failures:
                failure.document += done
                mapped.failures.append(failure)
        return mapped

    def sift(self, job: Request, documents: Sequence[bytes], limit_s: float) -> list[bool]:
        """Which documents make the job's only function (a filter, a map, a selector) make a row.

        Raises `FunctionsBroken` with the reason at the first document on which it fails, and `Overdue` after `limit_s`.
        """
        give_up_at = time.monotonic() + limit_s
        passed: list[bool] = []
        while len(passed) < len(documents):
            part = self._map_some(job, documents[len(passed) :])
            failure = _find_serious(job, part.failures)
            if failure is not None:
                raise Overdue(failure.reason) if failure.is_over_limit else FunctionsBroken(failure.reason)
            passed += [bool(rows) for rows in part.rows]
            if time.monotonic() > give_up_at:
                raise Overdue("it took too long")
        return passed

    def reduce(self, function: str, lib: dict[str, Any], arguments: bytes) -> bytes:
        """The JSON text a reduce function makes of the JSON text [keys, values, rereduce]."""
        try:
            answer = self._ask(Request([function], lib, arguments=arguments, kind="reduce"))
        except MapperLost:
            raise FunctionsBroken(_HANG_REASON) from None
        if answer.broken is not None or answer.value is None:
            raise FunctionsBroken(answer.broken or "it made nothing")
        return answer.value

    def close(self) -> None:
        """End all idle processes."""
        idle = [self._slots.get() for _ in range(self._slots.qsize())]
        for mapper in idle:
            if mapper is not None:
                mapper.kill()
            self._slots.put(None)

    def _map_some(self, job: Request, documents: Sequence[bytes]) -> Mapped:
        try:
            answer = self._ask(msgspec.structs.replace(job, documents=list(documents)))
        except MapperLost:
            return self._map_apart(job, documents)
        if answer.broken is not None:
            raise FunctionsBroken(answer.broken)
        return Mapped(answer.rows, answer.failures)

    def _map_apart(self, job: Request, documents: Sequence[bytes]) -> Mapped:
        """After a death: the first document alone, then each function alone with it."""
        if len(documents) > 1:
            return self._map_some(job, documents[:1])
        mapped = Mapped([[]], [])
        for at, function in enumerate(job.functions):
            alone = msgspec.structs.replace(job, functions=[function])
            part = self._map_some(alone, documents) if len(job.functions) > 1 else _hung()
            mapped.rows[0] += [(at, *row[1:]) for row in part.rows[0]]
            mapped.failures += [Failure(at, 0, each.reason, each.is_over_limit) for each in part.failures]
        return mapped

    def _ask(self, request: Request) -> Answer:
        mapper = self._slots.get()
        try:
            if mapper is not None:
                try:
                    return mapper.ask(request)
                except MapperLost:  # perhaps killed from outside while idle: only a fresh process proves the functions guilty
                    mapper = None
            mapper = Mapper(self._answer_limit_s)
            return mapper.ask(request)
        except MapperLost:
            mapper = None
            _log.warning("mapper_lost", documents=len(request.documents))
            raise
        finally:
            self._slots.put(mapper)


_shared: Pool | None = None
_sharing = threading.Lock()


def shared_pool() -> Pool:
    """The pool of this process."""
    global _shared  # noqa: PLW0603
    with _sharing:
        if _shared is None:
            _shared = Pool()
            atexit.register(_shared.close)
        return _shared


def _find_serious(job: Request, failures: list[Failure]) -> Failure | None:
    """A map that throws only makes no rows; everything else that fails ends the sifting."""
    return next((each for each in failures if each.is_over_limit or job.kind != "emits"), None)


def _hung() -> Mapped:
    return Mapped([[]], [Failure(0, 0, _HANG_REASON, True)])
