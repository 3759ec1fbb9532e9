"""Keeps child processes running: starts them, names their output, restarts the dead with back-off, stops all within ten seconds.

It knows nothing of what the children do; `server/processes.py` says which there are. A child cannot outlive the supervisor: the
kernel terminates it when we are killed (Linux), and every child leads a session of its own so that its helpers go with it.
"""

import asyncio
import contextlib
import ctypes
import fcntl
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

FIRST_DELAY_S = 0.3
LONGEST_DELAY_S = 15.0
STEADY_S = 20.0
GRACE_S = 7.0
PR_SET_PDEATHSIG = 1
# Two heaps instead of eight a core: threads that each handled a photo once would keep a heap of its size each (a third of the
# store's memory under `xunge bench phones --photos 1`).
ALWAYS = {"PYTHONUNBUFFERED": "1", "MALLOC_ARENA_MAX": "2"}
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


class AlreadyRunning(Exception):
    """Another supervisor holds this data folder; the argument is its pid as text."""


@dataclass
class Child:
    """One process to keep alive. `is_ready` answers whether it serves; dependants start only then."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    is_ready: Callable[[], Awaitable[bool]] | None = None
    process: asyncio.subprocess.Process | None = None
    restarts: int = 0


@contextlib.contextmanager
def holding(folder: Path) -> Iterator[bool]:
    """Holds a data folder for this process. Raises AlreadyRunning when another has it; a dead one's hold is gone by itself.

    True when the one before did not end by itself: it was killed, and what it had started may be ending only now.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "run.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(lock.read().strip()) from None
        was_killed = lock.tell() > 0
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield was_killed
        lock.truncate(0)


class Supervisor:
    """Runs children until told to stop. One use: add them in order of dependence, then `run`."""

    def __init__(self, log: TextIO = sys.stdout) -> None:
        self._log = log
        self._stopping = asyncio.Event()
        self._keepers: list[tuple[Child, asyncio.Task[None]]] = []
        self._colour = log.isatty()

    def stop(self) -> None:
        """Asks for the end; returns at once."""
        self._stopping.set()

    @property
    def is_stopping(self) -> bool:
        """True from the first request to stop."""
        return self._stopping.is_set()

    def write(self, name: str, line: str) -> None:
        """One line of a process's output under its name."""
        self._log.write(f"\x1b[36m{name:>7}\x1b[0m | {line}\n" if self._colour else f"{name:>7} | {line}\n")
        self._log.flush()

    async def start(self, child: Child, timeout_s: float = 60.0) -> bool:
        """Starts keeping a child and waits until it is ready. False when asked to stop or when it is not ready in time."""
        self._keepers.append((child, asyncio.create_task(self._keep(child))))
        deadline = time.monotonic() + timeout_s
        while child.is_ready and not self.is_stopping:
            if await child.is_ready():
                return True
            if time.monotonic() > deadline:
                self.write(child.name, f"is not ready after {timeout_s:.0f} s")
                return False
            await self._pause(0.05)
        return not self.is_stopping

    async def run_once(self, name: str, argv: Sequence[str], environment: Mapping[str, str]) -> int:
        """Runs a command to its end under a name; its exit code."""
        child = Child(name, argv, environment)
        child.process = await self._spawn(child)
        await self._relay(child)
        return await child.process.wait()

    async def wait(self) -> None:
        """Waits for `stop`, then stops every child, the last started first, and kills what is left after the grace."""
        await self._stopping.wait()
        deadline = time.monotonic() + GRACE_S
        for child, keeper in reversed(self._keepers):
            _signal(child, signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                share_s = max(0.1, (deadline - time.monotonic()) * 0.6)
                await asyncio.wait_for(asyncio.shield(keeper), share_s)
        for child, _ in self._keepers:
            _signal(child, signal.SIGKILL)
        await asyncio.gather(*(keeper for _, keeper in self._keepers))

    async def _keep(self, child: Child) -> None:
        delay_s = FIRST_DELAY_S
        while not self.is_stopping:
            started = time.monotonic()
            child.process = await self._spawn(child)
            await self._relay(child)
            code = await child.process.wait()
            if self.is_stopping:
                return
            child.restarts += 1
            delay_s = FIRST_DELAY_S if time.monotonic() - started > STEADY_S else min(delay_s * 2, LONGEST_DELAY_S)
            self.write(child.name, f"ended with {code}; again in {delay_s:.1f} s")
            await self._pause(delay_s)

    async def _spawn(self, child: Child) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *child.argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={**ALWAYS, **os.environ, **child.environment},
            start_new_session=True,
            preexec_fn=die_with_parent,
            limit=2**20,
        )

    async def _relay(self, child: Child) -> None:
        assert child.process is not None
        assert child.process.stdout is not None
        while True:
            try:
                line = await child.process.stdout.readline()
            except ValueError:
                continue
            if not line:
                return
            self.write(child.name, line.decode("utf-8", "replace").rstrip())

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Asks the kernel, in a child that has not yet started its program, for this signal when its parent dies. Linux only."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, number)


def _signal(child: Child, number: int) -> None:
    process = child.process
    if process is None or (process.returncode is not None and number != signal.SIGKILL):
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number) if number == signal.SIGKILL else process.send_signal(number)
