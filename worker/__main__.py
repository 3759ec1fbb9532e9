"""Starts worker processes: `python -m worker` (intake and photos), `… intake`, `… photos`, `… beat`.

Intake and photos are two Celery workers, so that a backlog of photos never holds up a case: intake runs in threads (it waits for
the store most of the time), photos in processes of their own (a bad picture ends one of them and nothing else). The search for
duplicates runs beside the photos: it is all counting, and a thread that counts holds up the threads of its process.
"""

import os
import signal
import subprocess
import sys
from functools import partial
from types import FrameType

from server import settings as configuration
from server.queues import CALLS, CATCH_UP, DEADLINES, INTAKE, PHOTOS, SWEEPS, TWINS
from server.supervisor import die_with_parent

CELERY = [sys.executable, "-m", "celery", "-A"]
WORKER = [*CELERY, "worker.tasks", "worker"]
BEAT = [*CELERY, "worker.app", "beat"]
# What no record waits for gets the processor when nobody else wants it.
AFTER_OTHERS = ["nice", "-n", "5"]
INTAKE_THREADS = 4
MEMORY_MOST_KB = 400_000


def command(name: str, settings: configuration.Settings) -> list[str]:
    """The argument list of one process: `intake`, `photos` or `beat`. Raises KeyError for another name."""
    common = ["--without-gossip", "--without-mingle", "--loglevel", settings.log_level]
    photos = max(1, settings.workers - 1)
    return {
        INTAKE: [
            *[*WORKER, "-Q", f"{INTAKE},{CATCH_UP},{SWEEPS},{DEADLINES},{CALLS}", "-n", f"{INTAKE}@%h"],
            *["-P", "threads", "-c", str(INTAKE_THREADS), *common],
        ],
        PHOTOS: [
            *[*AFTER_OTHERS, *WORKER, "-Q", f"{PHOTOS},{TWINS}", "-n", f"{PHOTOS}@%h"],
            *["-P", "prefork", "-c", str(photos), "--max-memory-per-child", str(MEMORY_MOST_KB), *common],
        ],
        "beat": [*BEAT, "--pidfile", "", "--loglevel", settings.log_level],
    }[name]


def main(arguments: list[str]) -> int:
    """Runs what is asked for; the exit code."""
    settings = configuration.from_environment()
    settings.data.mkdir(parents=True, exist_ok=True)
    if arguments:
        argv = command(arguments[0], settings)
        os.execvp(argv[0], argv)
    return _run_both(settings)


def _run_both(settings: configuration.Settings) -> int:
    """Runs both workers until one ends, then ends the other: whoever started us starts both again."""
    # A session leader's helpers get its signals by the group too; a second SIGTERM would mean "at once" to Celery.
    children = [
        subprocess.Popen(command(name, settings), start_new_session=True, preexec_fn=partial(die_with_parent, signal.SIGKILL))  # noqa: PLW1509
        for name in (INTAKE, PHOTOS)
    ]

    def stop(_number: int, _frame: FrameType | None) -> None:
        for child in children:
            child.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    pid, status = os.wait()
    stop(signal.SIGTERM, None)
    codes = [os.waitstatus_to_exitcode(status) if child.pid == pid else child.wait() for child in children]
    return max(codes, key=abs)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
