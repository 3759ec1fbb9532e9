"""Real browsers for the tests of this folder."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, sync_playwright


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """The browser's driver."""
    with sync_playwright() as started:
        yield started
