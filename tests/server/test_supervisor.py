"""The supervisor with real child processes: restart, order of stopping, one per data folder, death with the parent."""

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server.supervisor import AlreadyRunning, Child, Supervisor, holding
from tests.conftest import wait_until

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]


def is_alive(pid: int) -> bool:
    """It may go between two looks, too."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


async def until(question, timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not question():
        assert time.monotonic() < deadline, "did not happen in time"
        await asyncio.sleep(0.02)


def test_killed_child_is_started_again() -> None:
    async def scenario() -> None:
        log = io.StringIO()
        supervisor = Supervisor(log)
        child = Child("sleeper", SLEEPER)
        await supervisor.start(child)
        await until(lambda: "up" in log.getvalue())
        first = child.process.pid
        child.process.kill()
        await until(lambda: child.restarts == 1 and child.process.pid != first and log.getvalue().count("up") == 2)
        supervisor.stop()
        await supervisor.wait()
        assert not is_alive(child.process.pid)

    asyncio.run(scenario())


def test_child_that_ignores_the_request_is_killed_within_ten_seconds() -> None:
    async def scenario() -> None:
        log = io.StringIO()
        supervisor = Supervisor(log)
        children = [Child("stubborn", STUBBORN), Child("sleeper", SLEEPER)]
        for child in children:
            await supervisor.start(child)
        await until(lambda: log.getvalue().count("up") == 2)
        began = time.monotonic()
        supervisor.stop()
        await supervisor.wait()
        assert time.monotonic() - began < 10
        assert not any(is_alive(child.process.pid) for child in children)

    asyncio.run(scenario())


def test_dependant_starts_only_when_its_child_is_ready(tmp_path: Path) -> None:
    async def scenario() -> None:
        flag = tmp_path / "ready"
        argv = [sys.executable, "-c", f"import pathlib,time; pathlib.Path({str(flag)!r}).touch(); time.sleep(600)"]

        async def is_ready() -> bool:
            return flag.exists()

        supervisor = Supervisor(io.StringIO())
        assert await supervisor.start(Child("slow", argv, is_ready=is_ready))
        assert flag.exists()
        supervisor.stop()
        await supervisor.wait()

    asyncio.run(scenario())


def test_second_run_on_one_data_folder_is_refused_and_names_the_first(tmp_path: Path) -> None:
    with holding(tmp_path), pytest.raises(AlreadyRunning, match=str(os.getpid())), holding(tmp_path):
        pass
    with holding(tmp_path) as was_killed:
        assert not was_killed


def test_a_run_that_follows_a_killed_one_knows_it(tmp_path: Path) -> None:
    hold = (
        "import os, sys; from pathlib import Path; from server.supervisor import holding; holding(Path(sys.argv[1])).__enter__()"
    )
    subprocess.run([sys.executable, "-c", hold + "; os._exit(9)", str(tmp_path)], check=False)
    with holding(tmp_path) as was_killed:
        assert was_killed


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux")
def test_children_die_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys\n"
        "from server.supervisor import Child, Supervisor\n"
        "async def main():\n"
        "    s = Supervisor(sys.stdout); c = Child('x', [sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "    await s.start(c)\n"
        "    while c.process is None: await asyncio.sleep(0.01)\n"
        "    print('child', c.process.pid, flush=True)\n"
        "    await s.wait()\n"
        "asyncio.run(main())\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline().split()[1])
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    wait_until(lambda: not is_alive(pid), what="the child's end")
