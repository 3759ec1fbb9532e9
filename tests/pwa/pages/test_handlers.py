"""Runs the handlers' tests, which are JavaScript like what they test, with Node's own test runner."""

import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def test_handlers_do_what_their_tests_say() -> None:
    done = subprocess.run(["node", "--test", HERE], capture_output=True, text=True, check=False, timeout=280)
    assert done.returncode == 0, done.stdout[-6000:]
