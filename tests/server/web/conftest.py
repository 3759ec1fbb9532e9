"""Signed-in people for the web tests."""

from collections.abc import Iterator

import httpx
import pytest

from tests.server.web.site import Site


@pytest.fixture(scope="module")
def triage(site: Site) -> Iterator[httpx.Client]:
    """triage1's browser."""
    with site.visit("triage1") as client:
        yield client
