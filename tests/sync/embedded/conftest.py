"""Fixtures for the embedded node: real processes on a folder of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sync.embedded.running_node import RunningNode


@pytest.fixture
def start_node(tmp_path: Path) -> Iterator[Callable[..., RunningNode]]:
    """Starts nodes, all on one data folder unless told otherwise; ends them with the test."""
    started: list[RunningNode] = []

    def start(data: Path | None = None, **options: Any) -> RunningNode:
        started.append(RunningNode(data or tmp_path / "data", **options))
        return started[-1]

    yield start
    for node in started:
        node.stop()


@pytest.fixture
def node(start_node: Callable[..., RunningNode]) -> RunningNode:
    """One node."""
    return start_node()
