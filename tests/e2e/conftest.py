"""What the tests of this folder begin with, one for each file: the browser's driver, a whole running system, a worker's phone."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.browsers import PHONE, Phone
from tests.running import RunningSystem


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The browser's driver."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSystem]:
    """Everything running, with the demo's people."""
    running = RunningSystem(tmp_path_factory.mktemp("system") / "data").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def phone(playwright: Playwright, system: RunningSystem, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Phone]:
    """worker1's phone, on one profile for all tests of a file."""
    profile = tmp_path_factory.mktemp("phone") / "profile"
    made = Phone(playwright, profile, system, viewport=PHONE, has_touch=True, is_mobile=True, locale="zh-CN")
    made.enrol("worker1")
    yield made
    made.context.close()
