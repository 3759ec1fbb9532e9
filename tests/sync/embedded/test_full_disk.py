"""A file system that is really full: writes are refused with 503, everything stored stays, and room brings it back."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sync.embedded.running_node import RunningNode

SIZE = "3m"


def mount_small(folder: Path) -> tuple[str, ...]:
    """A command prefix that runs a process with a small file system of its own on the folder."""
    script = f'mount -t tmpfs -o size={SIZE} small "{folder}" && exec "$@"'
    for prefix in (("unshare", "-m"), ("unshare", "-rm")):
        command = (*prefix, "sh", "-c", script, "sh")
        if shutil.which("unshare") and subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0:
            return command
    pytest.skip("this machine lets nobody mount a small file system")


def test_a_full_file_system_loses_nothing_and_recovers(start_node: Callable[..., RunningNode], tmp_path: Path) -> None:
    folder = tmp_path / "small"
    folder.mkdir()
    node = start_node(folder / "data", wrapper=mount_small(folder))
    assert node.ask("PUT", "/keep")[0] == 201
    assert node.ask("PUT", "/drop")[0] == 201
    assert node.ask("PUT", "/drop/ballast", {"text": "x" * 700_000})[0] == 201
    stored, refusal = fill(node)
    assert refusal == (503, "insufficient_storage")
    assert stored > 0
    assert node.ask("GET", "/keep")[1]["doc_count"] == stored
    status, listing = node.ask("GET", "/keep/_all_docs")
    assert (status, listing["total_rows"], len(listing["rows"])) == (200, stored, stored)

    assert node.ask("DELETE", "/drop")[0] == 200
    assert node.ask("PUT", f"/keep/d{stored:04}", {"text": "room again"})[0] == 201
    assert node.ask("GET", "/keep")[1]["doc_count"] == stored + 1


def fill(node: RunningNode) -> tuple[int, tuple[int, str]]:
    """Writes documents until one is refused: how many were stored, and the refusal."""
    for number in range(1000):
        status, answer = node.ask("PUT", f"/keep/d{number:04}", {"text": "x" * 20_000})
        if status != 201:
            return number, (status, answer["error"])
    raise AssertionError("the file system never got full")
