"""Slow a browser down, all of it: service workers, dedicated workers and pages.

    python tests/bench/slow_cpu.py PROFILE_DIR FACTOR      # until its standard input closes; prints "ok" once it has begun

Chromium's own CPU throttling slows the page only, not its service worker. This stops and continues every process of one browser
in turn (4 ms on, (FACTOR-1) x 4 ms off), which slows all of them alike. PROFILE_DIR is the browser's `--user-data-dir`: processes
that name it, and their descendants, are slowed; only those. Figures below about 4 ms are not reliable under it.
"""

import contextlib
import os
import select
import signal
import sys
import time
from pathlib import Path

ON_S = 0.004


def processes() -> dict[int, tuple[int, bytes]]:
    """`{pid: (parent pid, command line)}` of everything that runs now."""
    found = {}
    for folder in (folder for folder in Path("/proc").iterdir() if folder.name.isdigit()):
        with contextlib.suppress(OSError):
            text = (folder / "stat").read_text()
            found[int(folder.name)] = int(text[text.rindex(")") + 2 :].split()[1]), (folder / "cmdline").read_bytes()
    return found


def family(profile: str) -> set[int]:
    """Pids of the browser on this profile and all its descendants, ourselves left out."""
    running, mark = processes(), f"--user-data-dir={profile}".encode()
    wanted = {pid for pid, (_, command) in running.items() if mark in command}
    while more := {pid for pid, (parent, _) in running.items() if parent in wanted} - wanted:
        wanted |= more
    return wanted - {os.getpid()}


def tell(pids: set[int], signum: int) -> None:
    """A signal to each that is still there."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signum)


def main(profile: str, factor: float) -> None:
    """Slow the browser until standard input closes; it runs freely again afterwards."""
    off_s, pids, looked_at = ON_S * (factor - 1), family(profile), time.monotonic()
    print("ok", flush=True)
    try:
        while not select.select([sys.stdin], [], [], 0)[0]:
            tell(pids, signal.SIGSTOP)
            time.sleep(off_s)
            tell(pids, signal.SIGCONT)
            if time.monotonic() - looked_at > 0.5:
                pids, looked_at = family(profile), time.monotonic()
            time.sleep(ON_S)
    finally:
        tell(pids, signal.SIGCONT)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
